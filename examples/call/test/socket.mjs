// A WebSocket client that may misbehave: it can write any frame, not read, and not answer pings.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A TCP connection to the server at `url`. Its `gone` resolves when it is closed, by either
 * side. */
export async function tcp(url) {
  const { hostname, port } = new URL(url);
  const connection = connect(Number(port), hostname);
  connection.on('error', () => {});
  connection.gone = new Promise((resolve) => connection.on('close', resolve));
  await Promise.race([once(connection, 'connect'), connection.gone]);
  return connection;
}

/** One frame, masked as clients must. */
export function frame(kind, payload = '', { isLast = true } = {}) {
  const data = Buffer.from(payload);
  const mask = randomBytes(4);
  const first = Buffer.from([(isLast ? 0x80 : 0) | OPCODES[kind]]);
  let length;
  if (data.length < 126) length = Buffer.from([0x80 | data.length]);
  else if (data.length < 65_536) length = Buffer.from([0x80 | 126, data.length >> 8, data.length & 255]);
  else {
    length = Buffer.alloc(9, 0x80 | 127);
    length.writeBigUInt64BE(BigInt(data.length), 1);
  }
  for (let at = 0; at < data.length; at += 1) data[at] ^= mask[at & 3];
  return Buffer.concat([first, length, mask, data]);
}

export class Socket {
  /** Its address; undefined if it was rejected. */
  id;
  /** Resolves when it is closed, to `{code, reason}` of the close frame if there was one. */
  closed;
  /** Messages that have not been read yet. */
  inbox = [];

  #connection;
  #answersPings;
  #bytes = Buffer.alloc(0);
  #waiting = [];
  #said = { code: undefined, reason: '' };

  /**
   * Joins a room, or is rejected: then `id` is undefined and `closed` gives the reason.
   * `answersPings` as browsers do; `token` brings an earlier address back.
   */
  static async enter(url, room, name = 'somebody', { answersPings = true, token } = {}) {
    const connection = await tcp(url);
    connection.setNoDelay(true);
    const socket = new Socket(connection, answersPings);
    const query = new URLSearchParams({ room, name, ...(token === undefined ? {} : { token }) });
    connection.write(`GET /ws?${query} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\n`
      + 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
    const welcome = await Promise.race([socket.hears(({ type }) => type === 'welcome'), socket.closed]);
    socket.id = welcome.id;
    socket.welcome = welcome;
    return socket;
  }

  constructor(connection, answersPings) {
    this.#connection = connection;
    this.#answersPings = answersPings;
    this.closed = connection.gone.then(() => this.#said);
    connection.once('data', (data) => this.#begin(data));
    connection.on('end', () => connection.destroy());
  }

  /** The first message for which `isIt` holds, of received and future ones. Rejects if the
   * connection closes first. */
  hears(isIt) {
    const place = this.inbox.findIndex(isIt);
    if (place >= 0) return Promise.resolve(this.inbox.splice(place, 1)[0]);
    const heard = new Promise((resolve) => this.#waiting.push({ isIt, resolve }));
    const closed = this.closed.then(({ code, reason }) => {
      throw new Error(`closed before: ${code} ${reason}`);
    });
    const first = Promise.race([heard, closed]);
    first.catch(() => {}); // for callers that race it
    return first;
  }

  /** Sends a message. Resolves when the system has taken it. */
  send(message) {
    return this.write(frame('text', JSON.stringify(message)));
  }

  /** Sends any bytes. Resolves when the system has taken them, or will not take them any more. */
  write(bytes) {
    return new Promise((resolve) => this.#connection.write(bytes, () => resolve()));
  }

  /** Stops reading. */
  pause() {
    this.#connection.pause();
  }

  close() {
    this.#connection.destroy();
  }

  get isOpen() {
    return !this.#connection.destroyed;
  }

  #begin(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#connection.once('data', (more) => this.#begin(more));
      return;
    }
    const head = this.#bytes.subarray(0, end).toString();
    this.#said.status = Number(head.split(' ')[1]);
    if (this.#said.status !== 101) {
      this.#connection.destroy();
      return;
    }
    const rest = this.#bytes.subarray(end + 4);
    this.#bytes = Buffer.alloc(0);
    this.#connection.on('data', (more) => this.#take(more));
    this.#take(rest);
  }

  // The server fragments nothing and masks nothing.
  #take(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      let [at, length] = [2, bytes[1]];
      if (length === 126) {
        if (bytes.length < 4) return;
        [at, length] = [4, bytes.readUInt16BE(2)];
      } else if (length === 127) {
        if (bytes.length < 10) return;
        [at, length] = [10, Number(bytes.readBigUInt64BE(2))];
      }
      if (bytes.length < at + length) return;
      this.#bytes = bytes.subarray(at + length);
      this.#hear(bytes[0] & 15, bytes.subarray(at, at + length));
    }
  }

  #hear(opcode, payload) {
    if (opcode === OPCODES.ping && this.#answersPings) this.write(frame('pong', payload));
    if (opcode === OPCODES.close) {
      if (payload.length >= 2) Object.assign(this.#said, { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() });
      this.write(frame('close', payload.subarray(0, 2))).then(() => this.#connection.destroy());
    }
    if (opcode !== OPCODES.text) return;
    const message = JSON.parse(payload);
    const place = this.#waiting.findIndex(({ isIt }) => isIt(message));
    if (place >= 0) this.#waiting.splice(place, 1)[0].resolve(message);
    else this.inbox.push(message);
  }
}
