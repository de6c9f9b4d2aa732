// Participants as tiles, each with the state of its encryption in words.

const WORDS = {
  own: 'You',
  encrypted: 'Encrypted',
  silent: 'Key received, no media yet',
  waiting: 'Waiting for key',
  failing: 'Failing',
};

/** One participant: a tile on the stage and what is known about its frames. */
export class Member {
  name;
  state = 'waiting';
  #tile;
  #tracks = new Map(); // kind and index → { state, code }
  #hasKey = false;
  #refused;

  constructor(id, name, stage) {
    this.name = name;
    this.#tile = document.getElementById('tile').content.cloneNode(true).firstElementChild;
    this.#tile.dataset.member = id;
    this.#part('.name').textContent = name;
    this.#part('.avatar').textContent = [...name][0].toUpperCase();
    stage.append(this.#tile);
    this.#show();
  }

  /** Shows a participant's stream. */
  play(stream) {
    const video = this.#part('video');
    // The same stream once more would start it over.
    if (video.srcObject !== stream) video.srcObject = stream;
    video.onresize = () => this.#tile.classList.toggle('seen', video.videoWidth > 2);
    return video.play();
  }

  /** Shows our own camera, silent and as in a mirror. */
  playOwn(stream) {
    this.state = 'own';
    this.#tile.classList.add('own');
    this.#part('video').muted = true;
    this.#show();
    return stream && this.play(stream);
  }

  /** Takes note of what became of the frames of one track. */
  frames({ kind, index, state, code }) {
    this.#tracks.set(`${kind} ${index}`, { state, code });
    this.#show();
  }

  /** The participant's key was opened, or was refused for a reason. */
  key(refused) {
    this.#hasKey ||= refused === undefined;
    this.#refused = refused;
    this.#show();
  }

  remove() {
    this.#part('video').srcObject = null;
    this.#tile.remove();
  }

  // The worst of the tracks, and a key that cannot be opened above all.
  #show() {
    const tracks = [...this.#tracks.values()];
    const failing = tracks.find(({ state }) => state === 'failing');
    let detail = '';
    if (this.state !== 'own') {
      if (this.#refused !== undefined) {
        this.state = 'failing';
        detail = this.#refused;
      } else if (failing !== undefined) {
        this.state = 'failing';
        detail = failing.code;
      } else if (tracks.length > 0 && tracks.every(({ state }) => state === 'encrypted')) {
        this.state = 'encrypted';
      } else if (tracks.length === 0 && this.#hasKey) {
        this.state = 'silent';
      } else {
        this.state = 'waiting';
      }
    }
    this.#tile.dataset.state = this.state;
    this.#part('.state').textContent = WORDS[this.state] + (detail && `: ${explain(detail)}`);
  }

  #part(selector) {
    return this.#tile.querySelector(selector);
  }
}

const REASONS = { WrongSecret: 'different secret', OtherFraming: 'different framing' };

function explain(code) {
  return REASONS[code] ?? code;
}
