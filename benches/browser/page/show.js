// For a visitor: measures on request, and shows table and plot.

import { markdown, measure, plot } from './bench.js';

const element = (id) => document.getElementById(id);

element('start').onclick = async () => {
  element('start').disabled = true;
  const tell = (line) => { element('progress').textContent = line; };
  try {
    const measured = await measure({ tell });
    element('table').textContent = markdown(measured);
    element('plot').innerHTML = plot(measured, 'a frame through an encoded transform');
    tell(`done; ${measured.notes.sealframe}; ${measured.agent}`);
  } catch (error) {
    tell(String(error));
  }
  element('start').disabled = false;
};
