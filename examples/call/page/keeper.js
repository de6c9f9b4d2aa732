// What this browser stores between calls, by name, so that several tabs can be several people: our
// identity, and what is known of other people.
//
// Every script of this page's origin can read it; the page loads only its own scripts.

import { fromBase64, toBase64 } from './base64.js';

export class Keeper {
  #name;

  constructor(name) {
    this.#name = name;
  }

  /** The identity's seed; undefined the first time. */
  get identity() {
    return this.#read('identity');
  }

  /** The result of `Group.exportTrust`; undefined the first time. */
  get trust() {
    return this.#read('trust');
  }

  keepIdentity(seed) {
    this.#write('identity', seed);
  }

  keepTrust(bytes) {
    this.#write('trust', bytes);
  }

  #read(what) {
    const text = localStorage.getItem(this.#key(what));
    return text === null ? undefined : fromBase64(text);
  }

  #write(what, bytes) {
    localStorage.setItem(this.#key(what), toBase64(bytes));
  }

  #key(what) {
    return `sealframe ${what} of ${this.#name}`;
  }
}
