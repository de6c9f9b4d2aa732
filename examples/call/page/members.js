// Participants as tiles, each with the state of its encryption in words.

const WORDS = {
  own: 'You',
  encrypted: 'Encrypted',
  silent: 'Key received, no media yet',
  waiting: 'Waiting for key',
  outside: 'Takes no part in the encryption',
  failing: 'Failing',
};

/** One participant: a tile on the stage and what is known about its frames. */
export class Member {
  name;
  state = 'waiting';
  #tile;
  #tracks = new Map(); // kind and index → { state, code }
  #hasKey = false;
  #isOutside = false;

  /** `name` is what the server says, until somebody has signed one. */
  constructor(id, name, stage) {
    this.name = name;
    this.#tile = document.getElementById('tile').content.cloneNode(true).firstElementChild;
    this.#tile.dataset.member = id;
    stage.append(this.#tile);
    this.#showName();
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

  /** Takes note of what the key management knows: `member` is its state, or undefined if it is none. */
  keys(member) {
    this.#hasKey = member !== undefined && member.generation !== null;
    this.#tile.dataset.standing = member?.standing ?? '';
    if (member !== undefined && member.user !== this.name) {
      this.name = member.user;
      this.#showName();
    }
    this.#show();
  }

  /** It has had time to come in, and has not. */
  outside(isOutside) {
    this.#isOutside = isOutside;
    this.#show();
  }

  remove() {
    this.#part('video').srcObject = null;
    this.#tile.remove();
  }

  #showName() {
    this.#part('.name').textContent = this.name;
    this.#part('.avatar').textContent = [...this.name][0].toUpperCase();
  }

  // The worst of the tracks.
  #show() {
    const tracks = [...this.#tracks.values()];
    const failing = tracks.find(({ state }) => ['failing', 'leaking', 'broken'].includes(state));
    let detail = '';
    if (this.state !== 'own') {
      if (failing !== undefined) {
        this.state = 'failing';
        detail = explain(failing.code ?? failing.state);
      } else if (tracks.length > 0 && tracks.every(({ state }) => state === 'encrypted')) {
        this.state = 'encrypted';
      } else if (tracks.length === 0 && this.#hasKey) {
        this.state = 'silent';
      } else {
        this.state = this.#isOutside ? 'outside' : 'waiting';
      }
    }
    this.#tile.dataset.state = this.state;
    this.#part('.state').textContent = WORDS[this.state] + (detail && `: ${detail}`);
  }

  #part(selector) {
    return this.#tile.querySelector(selector);
  }
}

const REASONS = { OtherFraming: 'different framing' };

function explain(code) {
  return REASONS[code] ?? code;
}
