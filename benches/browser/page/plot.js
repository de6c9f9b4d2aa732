// Microseconds per frame by bytes, both axes logarithmic.

const PANEL = { width: 430, height: 360, left: 56, top: 54 };
const COLOURS = {
  sealframe: '#0b6e4f',
  livekit: '#d1495b',
  jitsi: '#2e6fbb',
  webcrypto: '#8a6d00',
  nothing: '#8a8a8a',
  nothingPiped: '#b9b9b9',
};

/** @param panels `{name, lines: [{key, name, points: [[bytes, microseconds]]}]}` */
export function draw(title, panels) {
  const points = panels.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  const range = (place) => {
    const values = points.map((point) => Math.log10(point[place]));
    return [Math.min(...values), Math.max(...values)];
  };
  const x = axis(range(0), [0, PANEL.width - 40]);
  const y = axis(range(1), [PANEL.height, 0]);
  const [width, height] = [panels.length * (PANEL.width + PANEL.left), PANEL.height + PANEL.top + 100];
  const body = panels.map((panel, place) => {
    const at = `translate(${PANEL.left + place * (PANEL.width + PANEL.left)},${PANEL.top})`;
    return `<g transform="${at}">${grid(x, y, points)}${panel.lines.map((line) => path(line, x, y)).join('')}`
      + `<text y="-10" font-weight="bold">${panel.name}, µs a frame</text></g>`;
  });
  const legend = panels[0].lines.map(({ key, name }, place) => {
    const at = `translate(${PANEL.left + (place % 3) * 300},${PANEL.top + PANEL.height + 52 + Math.floor(place / 3) * 22})`;
    return `<g transform="${at}"><path d="M0 -4H26" stroke="${COLOURS[key]}" stroke-width="${thickness(key)}"/>`
      + `<text x="34">${name}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" `
    + 'font-family="system-ui,sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>'
    + `<text x="${PANEL.left}" y="20">${title}</text>${body.join('')}${legend.join('')}</svg>\n`;
}

const thickness = (key) => (key === 'sealframe' ? 3.5 : 1.8);

/** The position of a value on the drawing. */
function axis([least, most], [start, end]) {
  return (value) => (start + ((Math.log10(value) - least) / (most - least)) * (end - start)).toFixed(1);
}

function grid(x, y, points) {
  const sizes = [...new Set(points.map(([size]) => size))];
  const most = Math.max(...points.map(([, time]) => time));
  const least = Math.min(...points.map(([, time]) => time));
  const ticks = [1, 10, 100, 1000].filter((tick) => tick >= least && tick <= most);
  return sizes.map((size) => `<path d="M${x(size)} 0V${PANEL.height}" stroke="#eee"/>`
      + `<text x="${x(size)}" y="${PANEL.height + 18}" text-anchor="middle">${size.toLocaleString('en')}</text>`).join('')
    + ticks.map((tick) => `<path d="M0 ${y(tick)}H${PANEL.width - 40}" stroke="#ddd"/>`
      + `<text x="-8" y="${Number(y(tick)) + 4}" text-anchor="end">${tick}</text>`).join('');
}

function path({ key, points }, x, y) {
  const d = points.map(([size, time], place) => `${place === 0 ? 'M' : 'L'}${x(size)} ${y(time)}`).join('');
  return `<path d="${d}" fill="none" stroke="${COLOURS[key]}" stroke-width="${thickness(key)}"/>`;
}
