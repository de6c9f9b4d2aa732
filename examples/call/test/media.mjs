// Offers and STUN without a browser: enough of WebRTC to see that the media loop answers.

import { createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

const COOKIE = Buffer.from('2112a442', 'hex');

/** ICE credentials in the form that browsers use. */
export const credentials = () => ({ ufrag: randomBytes(4).toString('hex'), pwd: randomBytes(16).toString('hex') });

/** A session description with `media` m-lines that receive video, each with `padding` more lines
 * of attributes. */
export function sdp({ ufrag, pwd }, { media = 1, padding = 0 } = {}) {
  const fingerprint = Array.from(Buffer.alloc(32, 7), (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const lines = [
    'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0',
    `a=group:BUNDLE ${Array.from({ length: media }, (_, mid) => mid).join(' ')}`,
  ];
  for (let mid = 0; mid < media; mid += 1) {
    lines.push(
      'm=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0', `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`,
      `a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass', `a=mid:${mid}`, 'a=recvonly', 'a=rtcp-mux', 'a=rtpmap:96 VP8/90000',
      ...Array.from({ length: padding }, (_, number) => `a=ssrc:${mid * 1000 + number + 1} cname:${'x'.repeat(20)}`),
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** The server in an answer: the address of its media socket, and its ICE credentials. */
export function readAnswer(answer) {
  const [, ufrag] = answer.match(/a=ice-ufrag:(\S+)/);
  const [, pwd] = answer.match(/a=ice-pwd:(\S+)/);
  const [, address, port] = answer.match(/a=candidate:\S+ \d+ \S+ \d+ (\S+) (\d+)/);
  return { ufrag, pwd, address, port: Number(port) };
}

/** A binding request (RFC 8489) as browsers send it to check a path, but without FINGERPRINT. */
export function bindingRequest({ ufrag, pwd }, own, id = randomBytes(12)) {
  const attribute = (type, value) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
  };
  const body = Buffer.concat([
    attribute(0x0006, Buffer.from(`${ufrag}:${own}`)),
    attribute(0x0024, Buffer.from([0x6e, 0x7f, 0x1e, 0xff])), // priority
    attribute(0x802a, randomBytes(8)), // we control
    attribute(0x0025, Buffer.alloc(0)), // and use this candidate
  ]);
  const head = (length) => {
    const bytes = Buffer.concat([Buffer.from([0, 1, 0, 0]), COOKIE, id]);
    bytes.writeUInt16BE(length, 2);
    return bytes;
  };
  const hmac = createHmac('sha1', pwd).update(head(body.length + 24)).update(body).digest();
  return Buffer.concat([head(body.length + 24), body, attribute(0x0008, hmac)]);
}

/** A participant's path to the media socket: a member with an answered offer. */
export class Path {
  /** The media socket, as returned by `readAnswer`. */
  server;
  #udp = dgram.createSocket('udp4');
  #own;
  #answered = new Map(); // id → function

  /** Negotiates for `socket`, which is in a room. */
  static async open(socket) {
    const own = credentials();
    socket.send({ type: 'offer', sdp: sdp(own) });
    const { sdp: answer } = await socket.hears(({ type }) => type === 'answer');
    return new Path(readAnswer(answer), own.ufrag);
  }

  constructor(server, own) {
    this.server = server;
    this.#own = own;
    this.#udp.on('message', (message) => this.#answered.get(message.subarray(8, 20).toString('hex'))?.());
  }

  /** Repeats a request until it is answered, as datagrams may be lost; resolves to the
   * milliseconds since the first. */
  async ask(timeout = 10_000) {
    const id = randomBytes(12);
    const start = performance.now();
    const answer = new Promise((resolve) => this.#answered.set(id.toString('hex'), () => resolve(true)));
    for (;;) {
      this.#udp.send(bindingRequest(this.server, this.#own, id), this.server.port, this.server.address);
      if (await Promise.race([answer, sleep(100, false)])) break;
      if (performance.now() - start > timeout) throw new Error('the media socket does not answer');
    }
    this.#answered.delete(id.toString('hex'));
    return performance.now() - start;
  }

  close() {
    this.#udp.close();
  }
}
