// The WebSocket to the server: JSON in both directions. A lost connection is made again, until it
// works.

import { toBase64 } from './base64.js';

const ANSWER_TIMEOUT = 20_000;
/** Timeout for a new connection. */
const CONNECT_TIMEOUT = 5000;
/** The wait before the first attempt to reconnect; it doubles for each further one, up to the
 * last. */
const [FIRST_WAIT, LAST_WAIT] = [500, 2000];
/** The server sends a message at least every 15 s. */
const SILENCE = 35_000;
/** Close codes after which reconnecting is useless: the page did something that is not allowed
 * or not understood. */
const FINAL = [1003, 1008];

export class Server {
  /**
   * Called with every message except answers, one after the other: each waits for the one before.
   * The first of each connection is the server's welcome.
   */
  onmessage = async () => {};
  /** Called when the connection is lost; a new one is being made. */
  onlost = () => {};
  /** Called once, with a sentence for people, when no connection will be made any more. */
  onclose = () => {};
  /** Called with an error that `onmessage` threw. */
  onerror = reportError;

  #place;
  #socket = null;
  #queue = Promise.resolve();
  #answer;
  /** Whether there has been a welcome. */
  #isKnown = false;
  #wait = FIRST_WAIT;
  /** The time of the newest connection's welcome. */
  #welcomed = 0;
  #timer;
  #silence;
  #isClosed = false;

  /** `token` identifies us to the server: the same token gets the same address again. */
  constructor({ room, name, token }) {
    this.#place = { room, name, token };
    this.#connect();
    addEventListener('online', this.#hurry);
  }

  /** Relays bytes, unread, to one participant, or with `null` to all others. */
  relay({ to, message }) {
    this.#send({ type: 'message', to, data: toBase64(message) });
  }

  /** Sends an offer `{ sdp, sends, slots }` and waits for its answer. One at a time. */
  async offer(offer) {
    const answer = new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      setTimeout(reject, ANSWER_TIMEOUT, new Error('the server did not answer the offer'));
    });
    this.#send({ type: 'offer', ...offer });
    return answer;
  }

  /** Replaces a connection that no longer works, even if it seems open. */
  reconnect() {
    if (this.#socket !== null) this.#lose(this.#socket, {});
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    removeEventListener('online', this.#hurry);
    this.#socket?.close();
  }

  #connect() {
    clearTimeout(this.#timer);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws?${new URLSearchParams(this.#place)}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(JSON.parse(data));
    socket.onclose = (event) => this.#lose(socket, event);
    this.#listen(CONNECT_TIMEOUT);
  }

  /** Something must arrive within this time. */
  #listen(ms) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.reconnect(), ms);
  }

  /** `socket` no longer works; `event` says why, if it knows. */
  #lose(socket, { code, reason }) {
    if (this.#socket !== socket || this.#isClosed) return;
    this.#socket = null;
    clearTimeout(this.#silence);
    socket.close();
    this.#answer?.reject(new Error('the connection to the server is lost'));
    this.#answer = undefined;
    if (!this.#isKnown || FINAL.includes(code)) {
      this.close();
      this.onclose(reason || 'The connection to the server is closed. Reload to join again.');
      return;
    }
    this.onlost();
    if (performance.now() - this.#welcomed > 2 * LAST_WAIT) this.#wait = FIRST_WAIT;
    this.#retry();
  }

  #retry() {
    clearTimeout(this.#timer);
    // Spreads the pages out, in case the server was the cause.
    this.#timer = setTimeout(() => this.#reconnect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(2 * this.#wait, LAST_WAIT);
  }

  /**
   * Connects if the server answers a request. Firefox delays each new WebSocket after failed ones, by up to a minute, but no
   * requests.
   */
  async #reconnect() {
    clearTimeout(this.#timer);
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT);
    const answers = await fetch('/', { method: 'HEAD', cache: 'no-store', signal }).then(() => true, () => false);
    if (this.#isClosed || this.#socket !== null) return;
    if (answers) this.#connect();
    else this.#retry();
  }

  #hurry = () => {
    if (this.#socket === null && !this.#isClosed) this.#reconnect();
  };

  #receive(message) {
    this.#listen(SILENCE);
    if (message.type === 'pulse') return;
    if (message.type === 'welcome') {
      this.#isKnown = true;
      this.#welcomed = performance.now();
    }
    // An answer must not queue behind a message whose handler waits for that answer.
    if (message.type === 'answer') return this.#answer?.resolve(message.sdp);
    this.#queue = this.#queue.then(() => this.onmessage(message)).catch((error) => this.onerror(error));
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
