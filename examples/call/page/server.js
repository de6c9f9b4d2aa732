// The WebSocket to the server: JSON in both directions.

import { toBase64 } from './base64.js';

const ANSWER_TIMEOUT = 20_000;

export class Server {
  /** Called with every message but answers, one after the other: each waits for the one before. */
  onmessage = async () => {};
  /** Called once, with a sentence for people. */
  onclose = () => {};
  /** Called with what `onmessage` threw. */
  onerror = reportError;

  #socket;
  #queue = Promise.resolve();
  #answer;

  constructor({ room, name }) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.#socket = new WebSocket(`${scheme}://${location.host}/ws?${new URLSearchParams({ room, name })}`);
    this.#socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    this.#socket.onclose = (event) => {
      this.#answer?.reject(new Error('the connection to the server is closed'));
      this.onclose(event.reason || 'The connection to the server is closed. Reload to join again.');
    };
  }

  /** Has bytes relayed, unread, to one participant, or with `null` to all others. */
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

  close() {
    this.#socket.close();
  }

  #receive(message) {
    // An answer must not queue behind a message whose handling waits for that very answer.
    if (message.type === 'answer') return this.#answer?.resolve(message.sdp);
    this.#queue = this.#queue.then(() => this.onmessage(message)).catch((error) => this.onerror(error));
  }

  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
