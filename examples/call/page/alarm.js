// The red banner at the top of the page, with one line for each problem.

export class Alarm {
  #root;
  /** By key: `{text, actions}`. */
  #lines = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** Shows a problem until it is cleared; `actions` are `[label, function]`. */
  raise(key, text, actions = []) {
    const before = this.#lines.get(key);
    if (before?.text === text) return;
    this.#lines.set(key, { text, actions });
    this.#show();
  }

  /** Removes a problem that is solved, or that people have seen. */
  clear(key) {
    if (this.#lines.delete(key)) this.#show();
  }

  /** Like `raise`, for a problem that is never solved: people dismiss it once they have seen it. */
  announce(key, text) {
    this.raise(key, text, [['Dismiss', () => this.clear(key)]]);
  }

  #show() {
    const lines = [...this.#lines].map(([key, { text, actions }]) => {
      const line = document.createElement('li');
      line.dataset.alarm = key;
      const words = document.createElement('span');
      words.textContent = text;
      line.append(words, ...actions.map(([label, act]) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', textContent: label });
        button.onclick = act;
        return button;
      }));
      return line;
    });
    this.#root.querySelector('ul').replaceChildren(...lines);
    this.#root.hidden = lines.length === 0;
    document.title = lines.length === 0 ? 'sealframe call' : '⚠ sealframe call';
  }
}
