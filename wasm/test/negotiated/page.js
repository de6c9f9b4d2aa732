// Two members in one page, each with a worker and a connection of its own. Nobody says which codec
// a stream has.

import { SealedCall } from './index.js';

const SECRET = new Uint8Array(32).fill(9);
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function member(number, framing) {
  const call = await SealedCall.joinWithSecret({ secret: SECRET, member: number, framing });
  const states = [];
  const errors = [];
  call.onstate = ({ direction, state, code }) => states.push(`${direction} ${state} ${code}`);
  call.onerror = ({ message }) => errors.push(message);
  const pc = call.createConnection();
  return { call, pc, states, errors };
}

/** A camera or a microphone on its way from Alice to Bob. */
export class Pair {
  static async start(kind, codec, framing) {
    const pair = new Pair();
    const [alice, bob] = [await member(1, framing), await member(2, framing)];
    Object.assign(pair, { kind, alice, bob });
    await alice.call.addMember(2, await bob.call.announcement());
    await bob.call.addMember(1, await alice.call.announcement());
    for (const [from, to] of [[alice.pc, bob.pc], [bob.pc, alice.pc]]) {
      from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate).catch(() => {});
    }
    const stream = kind === 'video' ? 'camera' : 'microphone';
    bob.pc.ontrack = ({ receiver, track }) => {
      bob.call.protectReceiver(receiver, { from: 1, kind: stream });
      const element = Object.assign(document.createElement(kind), { autoplay: true, muted: kind === 'video' });
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    };
    const constraints = kind === 'video' ? { video: { width: 320, height: 240 } } : { audio: true };
    const [track] = (await navigator.mediaDevices.getUserMedia(constraints)).getTracks();
    pair.track = track;
    pair.transceiver = alice.pc.addTransceiver(track, { direction: 'sendonly' });
    alice.call.protectSender(pair.transceiver.sender, { kind: stream });
    await pair.negotiate(codec);
    return pair;
  }

  /** With this codec first. */
  async negotiate(codec) {
    const { alice, bob, kind, transceiver } = this;
    const { codecs } = RTCRtpSender.getCapabilities(kind);
    const isWanted = ({ mimeType }) => mimeType.toLowerCase() === `${kind}/${codec}`;
    if (!codecs.some(isWanted)) throw new Error(`no ${codec} here`);
    transceiver.setCodecPreferences([...codecs.filter(isWanted), ...codecs.filter((each) => !isWanted(each))]);
    await alice.pc.setLocalDescription();
    await bob.pc.setRemoteDescription(alice.pc.localDescription);
    await bob.pc.setLocalDescription();
    await alice.pc.setRemoteDescription(bob.pc.localDescription);
  }

  async received() {
    const all = [...(await this.bob.pc.getStats()).values()];
    const report = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === this.kind);
    // Of sound the decoder is named, which is Opus with redundancy and without.
    const name = this.kind === 'video'
      ? all.find(({ id }) => id === report?.codecId)?.mimeType
      : this.transceiver.sender.getParameters().codecs[0].mimeType;
    const codec = name?.toLowerCase();
    return { codec, frames: report?.framesDecoded ?? 0, energy: report?.totalAudioEnergy ?? 0 };
  }

  /** Until so much more has been decoded of this codec. */
  async plays(codec) {
    const before = await this.received();
    for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
      const now = await this.received();
      const isHeard = this.kind === 'video' ? now.frames >= before.frames + 10 : now.energy > before.energy + 0.001;
      if (isHeard && now.codec === `${this.kind}/${codec}`) return this.said();
    }
    throw new Error(`${codec} does not play: ${JSON.stringify([before, await this.received(), this.said()])}`);
  }

  /** All that is wrong. */
  said() {
    const states = [...this.alice.states, ...this.bob.states].filter((state) => /failing|broken|leaking/.test(state));
    return [...states, ...this.alice.errors, ...this.bob.errors];
  }

  async close() {
    await Promise.all([this.alice.call.close(), this.bob.call.close()]);
    for (const { pc } of [this.alice, this.bob]) pc.close();
    this.track.stop();
    return this.said();
  }
}

/** Until padding of RTP has come, which is a frame without bytes, with sound at a high bitrate. */
export async function padded() {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return original.call(this, { type, sdp: sdp.replace(/useinbandfec=1/g, 'useinbandfec=1;maxaveragebitrate=128000') });
  };
  const pair = await Pair.start('audio', 'opus', 'compatible');
  await pair.plays('opus');
  // Probes are sent in the first second.
  await sleep(2500);
  const said = await pair.close();
  RTCPeerConnection.prototype.setRemoteDescription = original;
  return said;
}

/**
 * How `setRemoteDescription` refuses what is no description, in both of its forms; and whether a
 * rollback needs none.
 */
export async function refused() {
  const { call, pc } = await member(1, 'full');
  const how = (work) => {
    try {
      return work().then(() => 'resolves', () => 'rejects');
    } catch {
      return 'throws';
    }
  };
  const said = [];
  for (const wrong of [undefined, null, 5, { type: 'guess', sdp: '' }]) said.push(await how(() => pc.setRemoteDescription(wrong)));
  said.push(await new Promise((resolve) => { pc.setRemoteDescription({ type: 'guess' }, () => resolve('resolves'), () => resolve('calls')); }));
  const other = new RTCPeerConnection();
  other.addTransceiver('video');
  await other.setLocalDescription();
  await pc.setRemoteDescription(other.localDescription);
  said.push(await how(() => pc.setRemoteDescription({ type: 'rollback' })), pc.signalingState);
  for (const each of [pc, other]) each.close();
  await call.close();
  return said;
}
