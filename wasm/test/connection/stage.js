// A member with a protected connection, and beside it, in the same page, what a server is: an
// ordinary connection that keeps every frame as it comes.

import { SealedCall } from './index.js';

const SECRET = new Uint8Array(32).fill(7);
const ALICE = 1;
const BOB = 2;
/** Everything that Alice may say of a stream, by kind of media. */
const NAMES = {
  audio: [{ kind: 'microphone', index: 0, codec: 'opus' }],
  video: ['camera', 'screen'].flatMap((kind) =>
    ['vp8', 'vp9'].flatMap((codec) => [0, 1, 2].map((index) => ({ kind, index, codec })))),
};

const workers = [];
const { Worker: Original } = globalThis;
globalThis.Worker = class extends Original {
  constructor(...args) {
    super(...args);
    workers.push(this);
  }
};

/** Waits until `look` finds something. */
export async function until(what, look, ms = 45_000) {
  for (const end = performance.now() + ms; performance.now() < end;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  throw new Error(`not in time: ${what}`);
}

export class Stage {
  /**
   * What the server has of each stream; `all` in order of arrival, and how many of it have been
   * looked at.
   */
  all = [];
  #seen = new Set();
  #looked = 0;
  opened = {};
  strange = [];
  channels = 0;
  errors = [];
  states = [];

  /** `script` is another worker's; `connect` makes the connection of a call. */
  static async enter({ script, connect = (call) => call.createConnection() } = {}) {
    const stage = new Stage();
    const worker = script === undefined ? undefined : new Worker(script, { type: 'module' });
    stage.call = await SealedCall.joinWithSecret({ secret: SECRET, member: ALICE, worker });
    stage.worker = worker ?? workers.at(-1);
    stage.bob = await SealedCall.joinWithSecret({ secret: SECRET, member: BOB });
    await stage.bob.addMember(ALICE, await stage.call.announcement());
    stage.call.onerror = (error) => stage.errors.push(error);
    stage.call.onstate = (state) => stage.states.push(state);
    stage.pc = connect(stage.call);
    stage.server = new RTCPeerConnection({ encodedInsertableStreams: true });
    stage.pc.addEventListener('icecandidate', ({ candidate }) => stage.server.addIceCandidate(candidate).catch(() => {}));
    stage.server.addEventListener('icecandidate', ({ candidate }) => stage.pc.addIceCandidate(candidate).catch(() => {}));
    stage.server.addEventListener('track', ({ receiver, track }) => stage.#tap(receiver, track));
    stage.server.addEventListener('datachannel', () => { stage.channels += 1; });
    return stage;
  }

  #tap(receiver, { kind }) {
    if (receiver.transform) return;
    const tap = new Worker('./tap.js');
    const line = { kind };
    tap.onmessage = ({ data: { wire } }) => {
      // A retransmission may bring a frame once more: it opens once.
      const text = wire.join();
      if (!this.#seen.has(text)) this.all.push({ line, wire });
      this.#seen.add(text);
    };
    receiver.transform = new RTCRtpScriptTransform(tap, {});
    // What nobody plays, some browsers do not take apart.
    const element = document.createElement(kind);
    Object.assign(element, { autoplay: true, muted: true, srcObject: new MediaStream([receiver.track]) });
    document.body.append(element);
  }

  /** The server sends this in clear. */
  sendClear(track) {
    const { sender } = this.server.addTransceiver(track, { direction: 'sendrecv' });
    sender.transform = new RTCRtpScriptTransform(new Worker('./tap.js'), {});
  }

  /** An offer of ours, with methods of the connection's own unless `of` has others. */
  async offer(of = this.pc) {
    const take = (name, ...args) => of[name].call(this.pc, ...args);
    await take('setLocalDescription', await take('createOffer'));
    await this.server.setRemoteDescription(this.pc.localDescription);
    await this.server.setLocalDescription();
    await take('setRemoteDescription', this.server.localDescription);
  }

  /** An offer of the server's. */
  async answer() {
    await this.server.setLocalDescription();
    await this.pc.setRemoteDescription(this.server.localDescription);
    await this.pc.setLocalDescription(await this.pc.createAnswer());
    await this.server.setRemoteDescription(this.pc.localDescription);
  }

  seal(sender, kind, index = 0) {
    this.call.protectSender(sender, { kind, index });
    return sender;
  }

  /** Opens what has come. What does not open is strange. */
  async look() {
    while (this.#looked < this.all.length) {
      const { line, wire } = this.all[this.#looked];
      this.#looked += 1;
      const found = await this.#open(line, wire);
      if (found === null) {
        this.strange.push(`${line.kind}, ${wire.length} bytes: ${wire.slice(0, 12)}`);
        continue;
      }
      line.found = found;
      const name = `${found.kind} ${found.index}`;
      this.opened[name] = (this.opened[name] ?? 0) + 1;
    }
  }

  /** As which stream a frame opens, or null. Most are of the same as the one before. */
  async #open({ kind, found }, wire) {
    for (const name of [...(found === undefined ? [] : [found]), ...NAMES[kind]]) {
      if ((await this.bob.tryOpen({ from: ALICE, ...name, wire })).ok) return name;
    }
    return null;
  }

  /** Until more frames of these streams have come, and open. */
  async flows(...names) {
    await this.look();
    const before = { ...this.opened };
    const isThere = (name) => (this.opened[name] ?? 0) >= (before[name] ?? 0) + 5;
    await until(`${names} flow`, async () => {
      await this.look();
      return names.every(isThere);
    }).catch((error) => {
      throw new Error(`${error.message}: ${names.filter((name) => !isThere(name))} did not`);
    });
  }

  async end() {
    this.pc.close();
    this.server.close();
    await Promise.all([this.call.close(), this.bob.close()]);
  }
}

/** Pictures that move. */
export function drawn() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
  const context = canvas.getContext('2d');
  const timer = setInterval(() => {
    context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
    context.fillRect(Math.random() * 160, Math.random() * 120, 40, 30);
  }, 100);
  const [track] = canvas.captureStream(10).getVideoTracks();
  track.addEventListener('ended', () => clearInterval(timer));
  return track;
}

export const microphone = async () => (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
