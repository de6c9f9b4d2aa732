// Participants as tiles, each with the state of its encryption in words.

const WORDS = {
  own: 'You',
  encrypted: 'Encrypted',
  silent: 'Key received, no media yet',
  waiting: 'Waiting for key',
  outside: 'Not in the encrypted call',
  failing: 'Failing',
};

/** One participant: a tile on the stage, and what is known of its frames. */
export class Member {
  name;
  state = 'waiting';
  #tile;
  #tracks = new Map(); // kind and index → { state, code }
  #hasKey = false;
  #isOutside = false;

  /** `name` is the server's, until a signed one replaces it. */
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
    // Setting the same stream again would restart it.
    if (video.srcObject !== stream) video.srcObject = stream;
    video.onresize = () => this.#tile.classList.toggle('seen', video.videoWidth > 2);
    return video.play();
  }

  /** Shows our own camera, mirrored and without sound. */
  playOwn(stream) {
    this.state = 'own';
    this.#tile.classList.add('own');
    this.#part('video').muted = true;
    this.#show();
    return stream && this.play(stream);
  }

  /** Notes the state of one track's frames. */
  frames({ kind, index, state, code }) {
    this.#tracks.set(`${kind} ${index}`, { state, code });
    this.#show();
  }

  /** Notes the key management's state of the member; undefined for a participant that is not a
   * member. */
  keys(member) {
    this.#hasKey = member !== undefined && member.generation !== null;
    this.#tile.dataset.verification = member?.verification ?? '';
    if (member !== undefined && member.user !== this.name) {
      this.name = member.user;
      this.#showName();
    }
    this.#show();
  }

  /** The participant has had time to become a member, and has not. */
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

  // The worst state of all tracks.
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
