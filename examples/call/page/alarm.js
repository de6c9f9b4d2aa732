// What must not be missed: one red banner at the top, with a line for each thing that is wrong.

export class Alarm {
  #root;
  /** By key: `{text, actions}`. */
  #lines = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** Something is wrong; `actions` are `[label, function]`. Said until it is taken back. */
  raise(key, text, actions = []) {
    const before = this.#lines.get(key);
    if (before?.text === text) return;
    this.#lines.set(key, { text, actions });
    this.#show();
  }

  /** It is right again, or people know. */
  clear(key) {
    if (this.#lines.delete(key)) this.#show();
  }

  /** As `raise`, for something that is never taken back: people say when they have seen it. */
  announce(key, text) {
    this.raise(key, text, [['I have seen it', () => this.clear(key)]]);
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
