// Every member that a browser gives a connection, its senders, receivers and transceivers, in the
// order in which a call may use them: each works, with nothing in clear at the server, or is
// refused by name. A browser with a member that is not here fails the test, and whoever adds it
// says which of the two it is.

import { Stage, drawn, microphone, until } from './stage.js';

const own = (name) => globalThis[name].prototype;

/** It may be used: `work` throws if it does not do what it is there for. */
const works = (member, work) => ({ members: [member], work });
/** It throws, or rejects with, our own error. */
const refused = (member, code, ...ways) => ({
  members: [member],
  async work(stage) {
    for (const way of ways) {
      let thrown = null;
      try {
        await way(stage);
      } catch (error) {
        thrown = error;
      }
      if (thrown?.name !== 'SealframeError' || thrown.code !== code) throw new Error(`not refused as ${code}: ${thrown}`);
    }
    return `refused: ${code}`;
  },
});
/** Attributes that can only be read, and say nothing of what is said. */
const reads = (interfaceName, find, ...names) => ({
  members: names.map((name) => `${interfaceName}.${name}`),
  async work(stage, member) {
    const name = member.split('.')[1];
    const object = find(stage);
    if (!(name in object)) throw new Error(`${member} is not there`);
    void object[name];
  },
});
/** What is called when something happens. */
const handlers = (interfaceName, find, ...names) => ({
  members: names.map((name) => `${interfaceName}.${name}`),
  async work(stage, member) {
    const name = member.split('.')[1];
    const object = find(stage);
    const handler = () => {};
    object[name] = handler;
    if (object[name] !== handler) throw new Error('it was not set');
  },
});
/** Of the class, not of a connection: it carries nothing. */
const statics = (...members) => ({ members, async work(_, member) {
  const [name, of] = member.split('::');
  if (typeof globalThis[name][of] !== 'function') throw new Error('no function');
} });

const equal = (a, b) => {
  if (a !== b) throw new Error(`${a} is not ${b}`);
};

export const WALK = [
  // Media are added, in each way.
  works('RTCPeerConnection.addTransceiver', async (stage) => {
    stage.audio = stage.pc.addTransceiver(await microphone(), { direction: 'sendonly' });
    stage.seal(stage.audio.sender, 'microphone');
  }),
  works('RTCPeerConnection.addTrack', (stage) => {
    stage.sender = stage.seal(stage.pc.addTrack(drawn()), 'camera');
    stage.video = stage.pc.getTransceivers().find(({ sender }) => sender === stage.sender);
  }),
  works('RTCPeerConnection.addStream', (stage) => {
    stage.stream = new MediaStream([drawn()]);
    stage.pc.addStream(stage.stream);
    stage.seal(stage.pc.getSenders().at(-1), 'camera', 1);
  }),
  works('RTCPeerConnection.getSenders', ({ pc }) => {
    equal(pc.getSenders().length, 3);
    // Taken from elsewhere it gives the same.
    equal(own('RTCPeerConnection').getSenders.call(pc)[1].transform, pc.getSenders()[1].transform);
  }),
  works('RTCPeerConnection.getReceivers', ({ pc }) => equal(pc.getReceivers().length, 3)),
  works('RTCPeerConnection.getTransceivers', ({ pc }) => equal(pc.getTransceivers().length, 3)),

  // What no transform sees.
  refused(
    'RTCPeerConnection.createDataChannel', 'DataChannelRefused',
    ({ pc }) => pc.createDataChannel('words'),
    ({ pc }) => pc.createDataChannel('words', { negotiated: true, id: 0 }),
  ),
  refused('RTCPeerConnection.createDTMFSender', 'TonesRefused', ({ pc, audio }) => pc.createDTMFSender(audio.sender.track)),
  refused(
    'RTCDTMFSender.insertDTMF', 'TonesRefused',
    ({ audio }) => audio.sender.dtmf.insertDTMF('1357'),
    ({ audio }) => audio.sender.dtmf.insertDTMF('1', 6000, 30),
  ),
  refused(
    'RTCRtpSender.transform', 'TransformRefused',
    ...[null, undefined, {}].map((other) => ({ sender }) => { sender.transform = other; }),
    ({ sender }) => { sender.transform = new RTCRtpScriptTransform(new Worker('./tap.js'), {}); },
  ),
  refused('RTCRtpSender.createEncodedStreams', 'TransformRefused', ({ sender }) => sender.createEncodedStreams()),
  refused('RTCRtpReceiver.transform', 'TransformRefused', ({ audio: { receiver } }) => { receiver.transform = null; }),
  refused('RTCRtpReceiver.createEncodedStreams', 'TransformRefused', ({ audio: { receiver } }) => receiver.createEncodedStreams()),

  // What is negotiated.
  works('RTCRtpTransceiver.setCodecPreferences', async ({ pc, audio, video }) => {
    const { codecs } = RTCRtpReceiver.getCapabilities('audio');
    const tones = codecs.filter(({ mimeType }) => /telephone-event/.test(mimeType));
    if (tones.length === 0) throw new Error('this browser has no tones: the test shows nothing');
    for (const chosen of [codecs, [...codecs].reverse(), []]) {
      audio.setCodecPreferences(chosen);
      const { sdp } = await pc.createOffer();
      equal(/telephone-event/.test(sdp), false);
      equal(/^m=audio .*\r\n(?:.*\r\n)*a=rtpmap:\d+ opus/m.test(sdp), true);
    }
    let thrown;
    try {
      audio.setCodecPreferences(tones);
    } catch (error) {
      thrown = error;
    }
    equal(thrown?.code, 'TonesRefused');
    video.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs.filter(({ mimeType }) => /vp8|rtx/i.test(mimeType)));
  }),
  works('RTCRtpTransceiver.getHeaderExtensionsToNegotiate', ({ video }) => {
    equal(Array.isArray(video.getHeaderExtensionsToNegotiate()), true);
  }),
  works('RTCRtpTransceiver.setHeaderExtensionsToNegotiate', ({ video }) => {
    video.setHeaderExtensionsToNegotiate(video.getHeaderExtensionsToNegotiate().map((each) => ({ ...each, direction: 'sendrecv' })));
  }),
  works('RTCPeerConnection.createOffer', async ({ pc }) => {
    const [{ sdp }, old] = [
      await pc.createOffer({ iceRestart: true }),
      await new Promise((resolve, reject) => { pc.createOffer(resolve, reject); }),
    ];
    for (const offer of [sdp, old.sdp]) {
      equal(offer.match(/^m=/gm).length, 3);
      equal(/telephone-event|m=application/.test(offer), false);
    }
  }),
  works('RTCPeerConnection.setLocalDescription', async ({ pc }) => {
    await pc.setLocalDescription();
    equal(/telephone-event/.test(pc.localDescription.sdp), false);
    await pc.setLocalDescription({ type: 'rollback' });
    const offer = await pc.createOffer();
    await new Promise((resolve, reject) => { pc.setLocalDescription(offer, resolve, reject); });
    equal(pc.signalingState, 'have-local-offer');
  }),
  works('RTCPeerConnection.setRemoteDescription', async (stage) => {
    const { pc, server } = stage;
    await server.setRemoteDescription(pc.localDescription);
    await server.setLocalDescription();
    // As a server answers that has tones of its own.
    const free = Array.from({ length: 32 }, (_, place) => 96 + place)
      .find((type) => !server.localDescription.sdp.includes(`a=rtpmap:${type} `));
    const sdp = server.localDescription.sdp
      .replace(/^(m=audio .*?)\r\n/m, `$1 ${free}\r\n`)
      .replace(/^a=rtpmap:\d+ opus/m, `a=rtpmap:${free} telephone-event/8000\r\na=fmtp:${free} 0-16\r\n$&`);
    equal(sdp.includes(`a=rtpmap:${free} telephone-event`), true);
    await new Promise((resolve, reject) => { pc.setRemoteDescription({ type: 'answer', sdp }, resolve, reject); });
    await stage.flows('microphone 0', 'camera 0', 'camera 1');
  }),
  works('RTCRtpTransceiver.getNegotiatedHeaderExtensions', ({ video }) => {
    equal(video.getNegotiatedHeaderExtensions().some(({ direction }) => direction === 'sendrecv'), true);
  }),
  reads('RTCDTMFSender', ({ audio }) => audio.sender.dtmf, 'toneBuffer'),
  works('RTCDTMFSender.canInsertDTMF', ({ audio }) => {
    const { dtmf } = audio.sender;
    equal(dtmf.canInsertDTMF, false);
    let thrown;
    try {
      own('RTCDTMFSender').insertDTMF.call(dtmf, '1357');
    } catch (error) {
      thrown = error;
    }
    equal(thrown?.name, 'InvalidStateError');
  }),
  handlers('RTCDTMFSender', ({ audio }) => audio.sender.dtmf, 'ontonechange'),

  // Senders, while media flow.
  works('RTCRtpSender.replaceTrack', async (stage) => {
    await stage.sender.replaceTrack(null);
    await stage.sender.replaceTrack(drawn());
    await own('RTCRtpSender').replaceTrack.call(stage.sender, drawn());
    await stage.flows('camera 0');
  }),
  works('RTCRtpSender.getParameters', ({ audio, sender }) => {
    equal(sender.getParameters().encodings.length, 1);
    equal(audio.sender.getParameters().codecs.some(({ mimeType }) => /telephone-event/.test(mimeType)), false);
  }),
  works('RTCRtpSender.setParameters', async (stage) => {
    for (const active of [false, true]) {
      const parameters = stage.sender.getParameters();
      parameters.encodings[0].active = active;
      await stage.sender.setParameters(parameters);
    }
    await stage.flows('camera 0');
    // Another codec, in Chromium.
    const screen = stage.pc.getTransceivers()[2].sender;
    const parameters = screen.getParameters();
    const vp9 = parameters.codecs.find(({ mimeType }) => mimeType === 'video/VP9');
    if (vp9 === undefined) return;
    parameters.encodings[0].codec = vp9;
    await screen.setParameters(parameters);
    await stage.flows('camera 1');
  }),
  works('RTCRtpSender.setStreams', ({ sender }) => sender.setStreams(new MediaStream())),
  works('RTCRtpSender.getStats', async ({ sender }) => {
    equal([...(await sender.getStats()).values()].some(({ type }) => type === 'outbound-rtp'), true);
  }),
  reads('RTCRtpSender', ({ audio }) => audio.sender, 'track', 'transport', 'rtcpTransport', 'dtmf'),

  // Receivers: the server sends in clear, and nothing of it is heard or seen.
  works('RTCPeerConnection.createAnswer', async (stage) => {
    const { pc, server } = stage;
    for (const track of [await microphone(), drawn()]) stage.sendClear(track);
    await server.setLocalDescription();
    await pc.setRemoteDescription(server.localDescription);
    const { sdp } = await pc.createAnswer();
    equal(/telephone-event/.test(sdp), false);
    await pc.setLocalDescription(await new Promise((resolve, reject) => { pc.createAnswer(resolve, reject); }));
    await server.setRemoteDescription(pc.localDescription);
    const [audio, video] = pc.getTransceivers().slice(-2);
    stage.received = { audio: audio.receiver, video: video.receiver };
    stage.call.protectReceiver(audio.receiver, { from: 5, kind: 'microphone' });
    stage.call.protectReceiver(video.receiver, { from: 5, kind: 'camera' });
    for (const { receiver } of [audio, video]) {
      const element = document.createElement(receiver.track.kind);
      Object.assign(element, { autoplay: true, muted: true, srcObject: new MediaStream([receiver.track]) });
      document.body.append(element);
    }
    await until('clear frames are dropped', () => stage.states.some(({ direction, failed }) => direction === 'open' && failed > 5));
  }),
  works('RTCRtpReceiver.getStats', async ({ received }) => {
    const [report] = [...(await received.video.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
    equal(report.packetsReceived > 0, true);
    equal(report.framesDecoded ?? 0, 0);
  }),
  works('RTCRtpReceiver.getParameters', ({ received }) => equal(received.audio.getParameters().codecs.length > 0, true)),
  works('RTCRtpReceiver.getContributingSources', ({ received }) => equal(received.audio.getContributingSources().length, 0)),
  works('RTCRtpReceiver.getSynchronizationSources', ({ received }) => {
    equal(Array.isArray(received.audio.getSynchronizationSources()), true);
  }),
  works('RTCRtpReceiver.jitterBufferTarget', ({ received }) => { received.video.jitterBufferTarget = 100; }),
  works('RTCRtpReceiver.playoutDelayHint', ({ received }) => { received.video.playoutDelayHint = 0.1; }),
  reads('RTCRtpReceiver', ({ received }) => received.audio, 'track', 'transport', 'rtcpTransport'),

  // Whoever takes methods from the browser's own prototype is covered before anything flows.
  works('RTCPeerConnection.constructor', async (stage) => {
    const natives = own('RTCPeerConnection');
    const sender = natives.addTrack.call(stage.pc, drawn());
    const { sender: other } = natives.addTransceiver.call(stage.pc, drawn(), { direction: 'sendonly' });
    const track = drawn();
    natives.addStream.call(stage.pc, new MediaStream([track]));
    await stage.offer(natives);
    const before = Date.now();
    await until('other streams go on', () => Date.now() > before + 1000);
    await stage.flows('camera 0');
    stage.seal(sender, 'screen');
    stage.seal(other, 'screen', 1);
    stage.seal(natives.getSenders.call(stage.pc).find((each) => each.track === track), 'screen', 2);
    await stage.flows('screen 0', 'screen 1', 'screen 2');
  }),

  // The connection.
  works('RTCRtpTransceiver.direction', async (stage) => {
    for (const direction of ['inactive', 'sendrecv']) {
      stage.video.direction = direction;
      await stage.offer();
    }
    await stage.flows('camera 0');
  }),
  works('RTCPeerConnection.removeTrack', async (stage) => {
    stage.pc.removeTrack(stage.sender);
    await stage.offer();
    await stage.look();
    stage.sender = stage.seal(stage.pc.addTrack(drawn()), 'camera');
    await stage.offer();
    await stage.flows('camera 0');
  }),
  works('RTCPeerConnection.restartIce', async (stage) => {
    stage.pc.restartIce();
    await stage.offer();
    await stage.flows('camera 0');
  }),
  works('RTCPeerConnection.getConfiguration', ({ pc }) => equal(pc.getConfiguration().bundlePolicy, 'balanced')),
  works('RTCPeerConnection.setConfiguration', async (stage) => {
    stage.pc.setConfiguration({ ...stage.pc.getConfiguration(), iceCandidatePoolSize: 0 });
    stage.pc.setConfiguration(stage.call.rtcConfiguration);
    stage.seal(stage.pc.addTransceiver(drawn(), { direction: 'sendonly' }).sender, 'camera', 2);
    await stage.offer();
    await stage.flows('camera 0', 'camera 2');
  }),
  works('RTCPeerConnection.addIceCandidate', async ({ pc }) => {
    const candidate = 'candidate:1 1 udp 1 192.0.2.1 9 typ host';
    await pc.addIceCandidate({ candidate, sdpMid: '0' });
    await new Promise((resolve, reject) => { pc.addIceCandidate({ candidate, sdpMid: '0' }, resolve, reject); });
  }),
  works('RTCPeerConnection.getStats', async ({ pc }) => equal((await pc.getStats()).size > 10, true)),
  works('RTCPeerConnection.removeStream', (stage) => stage.pc.removeStream(stage.stream)),
  works('RTCPeerConnection.getLocalStreams', ({ pc }) => equal(Array.isArray(pc.getLocalStreams()), true)),
  works('RTCPeerConnection.getRemoteStreams', ({ pc }) => equal(Array.isArray(pc.getRemoteStreams()), true)),
  // Firefox: who the other side is, by an identity provider. Nothing of media.
  works('RTCPeerConnection.setIdentityProvider', ({ pc }) => equal(typeof pc.setIdentityProvider, 'function')),
  works('RTCPeerConnection.getIdentityAssertion', ({ pc }) => equal(typeof pc.getIdentityAssertion, 'function')),
  reads(
    'RTCPeerConnection', ({ pc }) => pc,
    'localDescription', 'currentLocalDescription', 'pendingLocalDescription', 'remoteDescription', 'currentRemoteDescription',
    'pendingRemoteDescription', 'signalingState', 'iceGatheringState', 'iceConnectionState', 'connectionState',
    'canTrickleIceCandidates', 'sctp', 'peerIdentity', 'idpLoginUrl',
  ),
  handlers(
    'RTCPeerConnection', ({ pc }) => pc,
    'onnegotiationneeded', 'onicecandidate', 'onsignalingstatechange', 'oniceconnectionstatechange', 'onconnectionstatechange',
    'onicegatheringstatechange', 'onicecandidateerror', 'ontrack', 'onaddstream', 'onaddtrack', 'onremovestream',
  ),
  reads('RTCRtpTransceiver', ({ video }) => video, 'mid', 'sender', 'receiver', 'currentDirection', 'stopped'),
  statics(
    'RTCPeerConnection::generateCertificate', 'RTCRtpSender::getCapabilities', 'RTCRtpReceiver::getCapabilities',
    // Chromium: logs of what a connection does, for its makers.
    'RTCPeerConnection::startDiagnosticLogging', 'RTCPeerConnection::stopDiagnosticLogging',
    'RTCPeerConnection::cancelDiagnosticLogging',
  ),

  // What the other side opens.
  works('RTCPeerConnection.ondatachannel', async (stage) => {
    let heard = 0;
    stage.pc.ondatachannel = () => { heard += 1; };
    stage.pc.addEventListener('datachannel', () => { heard += 1; });
    equal(stage.errors.length, 0);
    const channels = ['one', 'two'].map((label) => stage.server.createDataChannel(label));
    await stage.answer();
    await until('both are closed', () => channels.every(({ readyState }) => readyState === 'closed'));
    equal(heard, 0);
    equal(stage.errors.map(({ code }) => code).join(), 'DataChannelRefused');
    stage.errors.length = 0;
    await stage.flows('camera 0');
  }),

  // The end.
  works('RTCRtpTransceiver.stop', async (stage) => {
    stage.pc.getTransceivers()[2].stop();
    await stage.offer();
    await stage.flows('microphone 0', 'camera 0');
  }),
  works('RTCPeerConnection.close', async (stage) => {
    stage.pc.close();
    equal(stage.pc.signalingState, 'closed');
  }),
];

/** Members of the browser's that are not above. */
export function unknownMembers() {
  const known = new Set(WALK.flatMap(({ members }) => members));
  const found = ['RTCPeerConnection', 'RTCRtpSender', 'RTCRtpReceiver', 'RTCRtpTransceiver', 'RTCDTMFSender'].flatMap((name) => [
    ...Object.getOwnPropertyNames(own(name)).filter((of) => of !== 'constructor').map((of) => `${name}.${of}`),
    ...Object.getOwnPropertyNames(globalThis[name])
      .filter((of) => !['length', 'name', 'prototype'].includes(of)).map((of) => `${name}::${of}`),
  ]);
  return found.filter((member) => !known.has(member));
}

function isThere(member) {
  const [name, of] = member.split(/\.|::/);
  return member.includes('::') ? of in globalThis[name] : of in own(name);
}

const END = performance.now() + 110_000;
const late = () => new Promise((_, reject) => {
  setTimeout(reject, Math.min(END - performance.now(), 60_000), new Error('it takes too long'));
});

/** What came of each member: 'works', 'refused: …', or why not. */
export async function walk() {
  const stage = await Stage.enter();
  const outcomes = {};
  for (const { members, work } of WALK) {
    for (const member of members.filter(isThere)) {
      try {
        outcomes[member] = await Promise.race([work(stage, member), late()]) ?? 'works';
      } catch (error) {
        outcomes[member] = `fails: ${error} ${error.stack}`;
      }
    }
  }
  await stage.look();
  const { opened, strange, channels, errors, states } = stage;
  await stage.end();
  return {
    outcomes, opened, strange, channels, errors: errors.map(String),
    leaks: states.filter(({ state }) => state === 'leaking').length,
  };
}
