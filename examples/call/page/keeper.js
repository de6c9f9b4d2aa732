// What this browser keeps between calls: our identity, and what is known of other people. Per name, so that several tabs can
// be several people.
//
// Every script of this page's origin can read it; this page loads none but its own.

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

  /** What `Group.exportTrust` gave out; undefined the first time. */
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
