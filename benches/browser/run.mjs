// `node run.mjs [--rounds N] [--sizes BYTES,...] [--title TEXT] [--serve] [chromium] [firefox]`:
// measures in the named browsers, or in both, and prints Markdown; draws `chromium.svg` and
// `firefox.svg`. With --serve it waits for a visitor.

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { launchChromium, launchFirefox } from '../../examples/call/test/browser.mjs';

import { serve } from './server.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '15' },
    sizes: { type: 'string' },
    title: { type: 'string', default: '' },
    serve: { type: 'boolean' },
  },
});
const LAUNCH = { chromium: launchChromium, firefox: launchFirefox };

const server = await serve(values.serve ? 8090 : 0);
if (values.serve) {
  console.log(`open ${server.url}`);
} else {
  for (const name of positionals.length > 0 ? positionals : Object.keys(LAUNCH)) await measureIn(name);
  server.close();
}

async function measureIn(name) {
  const browser = await LAUNCH[name]();
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    page.on('console', (message) => console.error(message.text()));
    const measured = await page.evaluate(async (options) => {
      const { markdown, measure, plot } = await import('./bench.js');
      const found = await measure(options);
      return { table: markdown(found), drawing: plot(found, 'TITLE'), notes: found.notes };
    }, { rounds: Number(values.rounds), sizes: values.sizes?.split(',').map(Number) });
    const title = [await browser.version(), values.title].filter(Boolean).join(', ');
    console.log(`\n**${title}**; ${measured.notes.sealframe}\n\n${measured.table}`);
    await writeFile(new URL(`./${name}.svg`, import.meta.url), measured.drawing.replace('TITLE', title));
  } finally {
    await browser.close();
  }
}
