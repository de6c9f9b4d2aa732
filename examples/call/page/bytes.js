// The two panels of bytes: what this page's encoder made, and what the server holds.

const SHOWN = 48;
const NAMES = { microphone: 'microphone', camera: 'camera', screen: 'screen', screenAudio: 'screen’s sound' };

/** The panel of own frames. */
export class MadePanel {
  #root;
  #latest = new Map(); // kind → { clear, frames }

  constructor(root) {
    this.#root = root;
  }

  /** Notes a frame before it is sealed. */
  frame(kind, clear) {
    const frames = (this.#latest.get(kind)?.frames ?? 0) + 1;
    this.#latest.set(kind, { clear: clear.slice(0, SHOWN), length: clear.length, frames });
  }

  /** Shows the newest frames. */
  show() {
    for (const [kind, { clear, length, frames }] of [...this.#latest].sort().reverse()) {
      const stream = row(this.#root, kind, `Your ${kind}`);
      facts(stream, { frames, 'bytes in this one': length });
      hex(stream, [['clear', clear]]);
    }
  }
}

/** The panel of the server's view. */
export class SeenPanel {
  #root;

  constructor(root) {
    this.#root = root;
  }

  /** Shows a report of the server, own streams first. `name` maps an address to a name. */
  show(report, own, name) {
    const shown = new Set();
    report.sort((a, b) => (b.from === own) - (a.from === own));
    for (const { from, kind, index, packets, bytes, latest } of report) {
      const key = `${from}-${kind}-${index}`;
      shown.add(key);
      const whose = from === own ? 'Your' : `${name(from)}’s`;
      const stream = row(this.#root, key, `${whose} ${NAMES[kind]}${index === 0 ? '' : ` ${index + 1}`}`);
      facts(stream, {
        KID: latest?.header?.kid ?? 'none',
        CTR: latest?.header?.ctr ?? 'none',
        packets,
        kB: Math.round(bytes / 1000),
      });
      if (latest !== null) hex(stream, parts(latest));
    }
    for (const stream of [...this.#root.children]) {
      if (!shown.has(stream.dataset.key)) stream.remove();
    }
  }
}

function parts({ hex: text, before, header }) {
  const bytes = (text.match(/../g) ?? []).map((digits) => parseInt(digits, 16));
  const sealed = before + (header?.len ?? 0);
  return [
    ['descriptor', bytes.slice(0, before)],
    ['header', bytes.slice(before, sealed)],
    ['sealed', bytes.slice(sealed)],
  ];
}

function row(root, key, title) {
  let stream = [...root.children].find((child) => child.dataset.key === key);
  if (stream === undefined) {
    stream = document.getElementById('stream').content.cloneNode(true).firstElementChild;
    stream.dataset.key = key;
    stream.querySelector('h3').textContent = title;
    root.append(stream);
  }
  return stream;
}

function facts(stream, values) {
  const entries = Object.entries(values).map(([term, value]) => {
    const entry = document.createElement('div');
    entry.append(text('dt', term), text('dd', String(value)));
    return entry;
  });
  stream.querySelector('dl').replaceChildren(...entries);
}

function hex(stream, named) {
  const spans = named.filter(([, bytes]) => bytes.length > 0).map(([name, bytes]) => {
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
    const span = text('span', digits.join(' '));
    span.className = `part ${name}`;
    return span;
  });
  stream.querySelector('.hex').replaceChildren(...spans.flatMap((span) => [span, ' ']));
}

function text(tag, content) {
  const element = document.createElement(tag);
  element.textContent = content;
  return element;
}
