// Connections that cannot be protected, and what of a protected one cannot.

import { Stage, drawn, until } from './stage.js';

const { prototype } = RTCPeerConnection;

/** Why a call does not protect this connection, or null if it does. */
function refusal(call, pc, options) {
  try {
    call.protect(pc, options);
    return null;
  } catch (error) {
    return `${error.name} ${error.code ?? ''}: ${error.message}`;
  }
}

/** An answer that makes media flow, of an ordinary connection. */
async function negotiate(pc, other, type = 'answer') {
  await pc.setLocalDescription();
  await other.setRemoteDescription(pc.localDescription);
  if (type === 'answer') await other.setLocalDescription();
  else await other.setLocalDescription({ type, sdp: (await other.createAnswer()).sdp });
  await pc.setRemoteDescription(other.localDescription);
}

/** A page that has sent in clear and stopped, in each way that leaves no sender that sends. */
const STOPPED = {
  'its track is gone': async (pc, other, { sender }) => { await sender.replaceTrack(null); },
  'it is inactive': async (pc, other, transceiver) => {
    transceiver.direction = 'inactive';
    await negotiate(pc, other);
  },
  'it was removed': async (pc, other, { sender }) => {
    pc.removeTrack(sender);
    await negotiate(pc, other);
  },
  'it was stopped': async (pc, other, transceiver) => {
    transceiver.stop();
    await negotiate(pc, other);
    if (pc.getTransceivers().length > 0) throw new Error('it is still there');
  },
  'it still sends': async () => {},
};

/** What a call says of connections that were used before, by how. */
export async function used(configuration) {
  const { call, ...stage } = await Stage.enter();
  const said = {};
  for (const [how, stop] of Object.entries(STOPPED)) {
    const [pc, other] = [new RTCPeerConnection(configuration), new RTCPeerConnection()];
    const transceiver = pc.addTransceiver(drawn(), { direction: 'sendonly' });
    await negotiate(pc, other);
    await stop(pc, other, transceiver);
    said[how] = refusal(call, pc);
    pc.close();
    other.close();
  }
  const [pc, other] = [new RTCPeerConnection(configuration), new RTCPeerConnection()];
  pc.addTransceiver(drawn(), { direction: 'sendonly' });
  // Not every browser has that.
  const isHalfAnswered = await negotiate(pc, other, 'pranswer').then(() => true, () => false);
  if (isHalfAnswered) said['half answered'] = refusal(call, pc);
  pc.close();
  other.close();
  await call.close();
  await stage.bob.close();
  return said;
}

/**
 * What a call says of connections that nobody has used, and of one that has a transform already.
 */
export async function unused() {
  const stage = await Stage.enter();
  const { call, bob } = stage;
  const ready = () => {
    const pc = new RTCPeerConnection(call.rtcConfiguration);
    const transceiver = pc.addTransceiver(drawn(), { direction: 'sendonly' });
    return { pc, transceiver };
  };
  const [plain, taken, twice] = [ready(), ready(), ready()];
  const tap = new RTCRtpScriptTransform(new Worker('./tap.js'), {});
  taken.transceiver.sender.transform = tap;
  const said = {
    plain: refusal(call, plain.pc),
    taken: refusal(call, taken.pc),
    first: refusal(call, twice.pc),
    again: refusal(call, twice.pc),
    other: refusal(bob, twice.pc),
    kept: taken.transceiver.sender.transform === tap,
    going: taken.transceiver.direction,
  };
  for (const { pc } of [plain, taken, twice]) pc.close();
  await stage.end();
  said.closed = refusal(call, ready().pc);
  return said;
}

/** Data channels where they are allowed, and what they carry. */
export async function allowed() {
  const stage = await Stage.enter({ connect: (call) => call.createConnection({}, { dataChannels: 'unprotected' }) });
  const heard = [];
  stage.server.addEventListener('datachannel', ({ channel }) => {
    channel.onmessage = ({ data }) => { heard.push(data); };
    channel.onopen = () => channel.send('from there');
  });
  const channel = stage.pc.createDataChannel('words');
  channel.onmessage = ({ data }) => { heard.push(data); };
  channel.onopen = () => channel.send('from here');
  stage.seal(stage.pc.addTrack(drawn()), 'camera');
  await stage.offer();
  await until('both are heard', () => heard.length === 2);
  await stage.flows('camera 0');
  const { errors } = stage;
  await stage.end();
  return { heard: heard.sort(), errors: errors.map(String) };
}

/** A page that takes `createDataChannel` from the browser's own prototype. */
export async function borrowed(isNegotiated) {
  const stage = await Stage.enter();
  stage.seal(stage.pc.addTrack(drawn()), 'camera');
  if (isNegotiated) {
    stage.server.createDataChannel('theirs');
    await stage.answer();
    await until('it is refused', () => stage.errors.length === 1);
    stage.errors.length = 0;
  }
  const channel = prototype.createDataChannel.call(stage.pc, 'words');
  let isOpen = false;
  channel.onopen = () => { isOpen = true; };
  // Of a closed connection nothing is answered.
  stage.offer().catch(() => {});
  await until('the connection is closed', () => stage.pc.signalingState === 'closed');
  const { errors, channels } = stage;
  await stage.end();
  return { codes: errors.map(({ code }) => code), isOpen, channels };
}

/** Connections that are to have channels, or have them. */
export async function channels() {
  const stage = await Stage.enter();
  const { call } = stage;
  const code = (work) => {
    try {
      work().close();
      return null;
    } catch (error) {
      return error.code ?? error.name;
    }
  };
  const pc = new RTCPeerConnection(call.rtcConfiguration);
  const other = new RTCPeerConnection();
  pc.createDataChannel('words');
  const early = new RTCPeerConnection(call.rtcConfiguration);
  early.createDataChannel('words');
  const said = { unnegotiated: refusal(call, early) };
  // Of a closed connection nothing is answered.
  early.setLocalDescription().catch(() => {});
  await until('the connection is closed', () => early.signalingState === 'closed');
  said.told = stage.errors.map((error) => error.code).join();
  await negotiate(pc, other);
  said.negotiated = refusal(call, pc);
  said.words = code(() => call.createConnection({}, { dataChannels: 'maybe' }));
  const always = { alwaysNegotiateDataChannels: true };
  const knows = new RTCPeerConnection(always).getConfiguration().alwaysNegotiateDataChannels === true;
  said.always = knows ? code(() => call.createConnection(always)) : 'DataChannelRefused';
  for (const each of [pc, other]) each.close();
  await stage.end();
  return said;
}

/** A server that offers a line of sound with tones alone, and one of pictures: what is answered. */
export async function tonesAlone() {
  const stage = await Stage.enter();
  const { pc, server } = stage;
  const line = server.addTransceiver('audio');
  const { codecs } = RTCRtpReceiver.getCapabilities('audio');
  line.setCodecPreferences(codecs.filter(({ mimeType }) => /opus|telephone-event/.test(mimeType)));
  server.addTransceiver('video');
  const { sdp } = await server.createOffer();
  const [, type] = /^a=rtpmap:(\d+) opus/m.exec(sdp);
  const tones = Array.from(sdp.matchAll(/^a=rtpmap:(\d+) telephone-event/gm), ([, each]) => each);
  const alone = sdp.replace(/^(m=audio \d+ \S+) .*$/m, `$1 ${tones.join(' ')}`)
    .replace(new RegExp(`^a=(?:rtpmap|fmtp|rtcp-fb):${type} .*\r\n`, 'gm'), '');
  await pc.setRemoteDescription({ type: 'offer', sdp: alone });
  await pc.setLocalDescription();
  const lines = pc.localDescription.sdp.match(/^m=.*$/gm).map((each) => each.split(' ').slice(0, 2).join(' '));
  const all = pc.remoteDescription.sdp;
  await stage.end();
  return { tones: tones.length > 0, lines, offered: /^m=audio 0 /m.test(all) };
}
