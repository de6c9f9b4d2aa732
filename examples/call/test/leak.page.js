// Runs inside a page: every way in which an application may add media to a protected connection.
// Each function of `ways` gets a Stage, adds media, and returns after enough media.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** How long media flow before the test looks. */
const FLOW_MS = 2500;

/** The package's workers, so that a test can kill one. */
const workers = [];
globalThis.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    workers.push(this);
  }
};

/** A call, a connection, and the server. */
class Stage {
  static async enter(room, secret, options = {}) {
    const stage = new Stage();
    stage.socket = await connect(room);
    const { SealedCall } = await import('/sealframe/index.js');
    stage.SealedCall = SealedCall;
    // The first 16 bits of its address, unique in this room.
    stage.member = parseInt(stage.socket.id.slice(0, 4), 16);
    stage.participants = [stage.socket.id];
    stage.call = await SealedCall.joinWithSecret({
      secret: new Uint8Array(secret),
      member: stage.member,
      observe: ({ direction, clear }) => direction === 'sealed' && stage.clear.length < 400 && stage.clear.push(base64(clear)),
      ...options,
    });
    stage.clear = [];
    stage.states = [];
    stage.call.onstate = (state) => stage.states.push(state);
    stage.call.onerror = (error) => stage.states.push({ state: 'error', code: String(error) });
    stage.room = room;
    stage.pc = stage.call.createConnection(CONFIGURATION);
    return stage;
  }

  /** Offer and answer. */
  async negotiate(pc = this.pc, named = {}) {
    await pc.setLocalDescription();
    const answer = await this.socket.offer(pc.localDescription.sdp, named);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
  }

  async connected(pc = this.pc) {
    for (let tries = 0; pc.connectionState !== 'connected'; tries += 1) {
      if (tries > 200) throw new Error(`not connected: ${pc.connectionState}`);
      await sleep(50);
    }
  }

  seal(sender, kind, index = 0) {
    this.call.protectSender(sender, { kind, index });
  }
}

const CONFIGURATION = { iceServers: [], bundlePolicy: 'max-bundle' };

/** A participant's WebSocket. */
async function connect(room) {
  const socket = new WebSocket(`/ws?${new URLSearchParams({ room, name: 'leak' })}`.replace(/^/, `ws://${location.host}`));
  let answered;
  const id = await new Promise((resolve, reject) => {
    socket.onerror = reject;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'welcome') resolve(message.id);
      if (message.type === 'answer') answered(message.sdp);
    };
  });
  const offer = (sdp, { sends = {}, slots = {} }) => new Promise((resolve, reject) => {
    answered = resolve;
    setTimeout(reject, 10_000, new Error('no answer'));
    socket.send(JSON.stringify({ type: 'offer', sdp, sends, slots }));
  });
  return { id, offer, close: () => socket.close() };
}

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));

/** Moving pictures. */
function drawn(width = 320, height = 240) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    for (let bar = 0; bar < 24; bar += 1) {
      context.fillStyle = `hsl(${(step * 7 + bar * 37) % 360} 80% 50%)`;
      context.fillRect((bar * 53 + step * 5) % width, (bar * 31) % height, 40, 30);
    }
  }, 40);
  const [track] = canvas.captureStream(25).getVideoTracks();
  track.addEventListener('ended', () => clearInterval(timer));
  return track;
}

const camera = () => drawn();
const microphone = async () => (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];

const ways = {
  async 'addTrack before negotiation'(stage) {
    const senders = [await microphone(), camera()].map((track) => stage.pc.addTrack(track));
    stage.seal(senders[0], 'microphone');
    stage.seal(senders[1], 'camera');
    await stage.negotiate();
    await sleep(FLOW_MS);
  },

  async 'addTrack after negotiation'(stage) {
    stage.pc.addTransceiver('audio', { direction: 'recvonly' });
    await stage.negotiate();
    await stage.connected();
    const sender = stage.pc.addTrack(camera());
    await sleep(0);
    stage.seal(sender, 'camera');
    // Takes the existing audio transceiver.
    stage.seal(stage.pc.addTrack(await microphone()), 'microphone');
    await stage.negotiate();
    await sleep(FLOW_MS);
  },

  async addTransceiver(stage) {
    const options = { direction: 'sendonly' };
    stage.seal(stage.pc.addTransceiver(await microphone(), options).sender, 'microphone');
    stage.seal(stage.pc.addTransceiver(camera(), options).sender, 'camera');
    await stage.negotiate();
    await sleep(FLOW_MS);
  },

  async replaceTrack(stage) {
    const { sender } = stage.pc.addTransceiver('video', { direction: 'sendonly' });
    await stage.negotiate();
    await stage.connected();
    await sender.replaceTrack(camera());
    await sleep(500);
    stage.seal(sender, 'camera');
    await sleep(FLOW_MS / 2);
    await sender.replaceTrack(drawn(640, 360));
    await sleep(FLOW_MS / 2);
    await sender.replaceTrack(null);
    await sender.replaceTrack(camera());
    await sleep(FLOW_MS / 2);
  },

  async renegotiation(stage) {
    const transceiver = stage.pc.addTransceiver(camera(), { direction: 'sendonly' });
    stage.seal(transceiver.sender, 'camera');
    for (const direction of ['sendonly', 'inactive', 'sendrecv', 'recvonly', 'sendonly']) {
      transceiver.direction = direction;
      await stage.negotiate();
      await sleep(FLOW_MS / 3);
    }
    await sleep(FLOW_MS / 2);
  },

  async 'second video'(stage) {
    const options = { direction: 'sendonly' };
    stage.seal(stage.pc.addTransceiver(camera(), options).sender, 'camera', 0);
    await stage.negotiate();
    await stage.connected();
    await sleep(FLOW_MS / 2);
    const { sender } = stage.pc.addTransceiver(drawn(640, 360), options);
    await stage.negotiate();
    await sleep(500); // its kind has not been set yet
    stage.seal(sender, 'camera', 1);
    await sleep(FLOW_MS);
  },

  async 'screen share'(stage) {
    stage.seal(stage.pc.addTrack(await microphone()), 'microphone');
    await stage.negotiate();
    await stage.connected();
    const screen = drawn(1280, 720);
    screen.contentHint = 'detail';
    stage.seal(stage.pc.addTrack(screen), 'screen');
    await stage.negotiate();
    await sleep(FLOW_MS);
  },

  async simulcast(stage) {
    const sendEncodings = [
      { rid: 'q', scaleResolutionDownBy: 4 },
      { rid: 'h', scaleResolutionDownBy: 2 },
      { rid: 'f' },
    ];
    const { sender } = stage.pc.addTransceiver(drawn(640, 360), { direction: 'sendonly', sendEncodings });
    stage.seal(sender, 'camera');
    await stage.negotiate();
    await sleep(2 * FLOW_MS);
  },

  async addStream(stage) {
    const stream = new MediaStream([camera(), await microphone()]);
    stage.pc.addStream(stream);
    await stage.negotiate();
    await stage.connected();
    await sleep(500);
    for (const sender of stage.pc.getSenders()) {
      stage.seal(sender, sender.track.kind === 'video' ? 'camera' : 'microphone');
    }
    await sleep(FLOW_MS);
  },

  async reconnect(stage) {
    const send = async () => {
      stage.seal(stage.pc.addTrack(camera()), 'camera');
      await stage.negotiate();
      await sleep(FLOW_MS);
    };
    await send();
    stage.pc.close();
    stage.socket.close();
    stage.socket = await connect(stage.room);
    stage.participants.push(stage.socket.id);
    stage.pc = stage.call.createConnection(CONFIGURATION);
    await send();
  },

  async 'worker killed'(stage) {
    stage.seal(stage.pc.addTrack(await microphone()), 'microphone');
    stage.seal(stage.pc.addTrack(camera()), 'camera');
    await stage.negotiate();
    await sleep(FLOW_MS);
    workers.at(-1).terminate();
    await sleep(FLOW_MS);
    stage.pc.addTrack(camera());
    await stage.negotiate();
    // A worker that does not answer is reported.
    for (let tries = 0; !stage.states.some(({ code }) => /does not answer/.test(code)); tries += 1) {
      if (tries > 100) throw new Error('the dead worker was not detected');
      await sleep(100);
    }
  },

  async 'transform attached late'(stage) {
    const sender = stage.pc.addTrack(camera());
    await stage.negotiate();
    await stage.connected();
    await sleep(FLOW_MS / 2);
    for (const own of [null, undefined, {}, passThrough()]) {
      try {
        sender.transform = own;
      } catch (error) {
        continue;
      }
      throw new Error(`the transform was replaced by ${own}`);
    }
    stage.seal(sender, 'camera');
    await sleep(FLOW_MS);
  },

  async 'protected late'(stage) {
    // The application makes the connection, adds media, and only then protects it.
    stage.pc.close();
    const pc = new RTCPeerConnection({ ...CONFIGURATION, ...stage.call.rtcConfiguration });
    const silent = await microphone();
    silent.enabled = false;
    const sender = pc.addTrack(silent);
    stage.call.protect(pc);
    await stage.negotiate(pc);
    stage.seal(sender, 'microphone');
    silent.enabled = true;
    stage.seal(pc.addTrack(camera()), 'camera');
    await stage.negotiate(pc);
    await sleep(FLOW_MS);
  },
};

/** An application's own transform, which changes nothing; `tell` gets the bytes of every frame. */
function passThrough(tell = () => {}) {
  const worker = new Worker('/sealframe/pass-through.js');
  worker.onmessage = ({ data }) => tell(data);
  // It is not one of the package's.
  workers.pop();
  return new RTCRtpScriptTransform(worker, {});
}

/** Without protection, to prove that the test sees clear media. */
async function unprotected(stage) {
  stage.pc.close();
  const pc = new RTCPeerConnection(CONFIGURATION);
  for (const track of [await microphone(), camera()]) pc.addTrack(track);
  await stage.negotiate(pc);
  await sleep(FLOW_MS);
}

/**
 * The other side offers, and we answer and send on the same m-lines. The server never offers, so an
 * ordinary connection of the same page takes its place, records every frame, and counts decoded
 * pictures.
 */
async function answer(stage, isProtected) {
  const other = new RTCPeerConnection({ ...CONFIGURATION, encodedInsertableStreams: true });
  const own = isProtected ? stage.pc : new RTCPeerConnection(CONFIGURATION);
  for (const [from, to] of [[other, own], [own, other]]) {
    from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  }
  const tracks = { audio: await microphone(), video: camera() };
  const frames = { opus: [], vp8: [] };
  const codecOf = { audio: 'opus', video: 'vp8' };
  for (const track of [await microphone(), camera()]) {
    const { sender, receiver } = other.addTransceiver(track, { direction: 'sendrecv' });
    sender.transform = passThrough();
    receiver.transform = passThrough((bytes) => frames[codecOf[track.kind]].push(base64(bytes)));
  }
  await other.setLocalDescription();
  await own.setRemoteDescription(other.localDescription);
  for (const transceiver of own.getTransceivers()) {
    const { kind } = transceiver.receiver.track;
    transceiver.direction = 'sendrecv';
    await transceiver.sender.replaceTrack(tracks[kind]);
    if (isProtected) stage.seal(transceiver.sender, kind === 'audio' ? 'microphone' : 'camera');
  }
  await own.setLocalDescription();
  await other.setRemoteDescription(own.localDescription);
  await sleep(2 * FLOW_MS);
  let decoded = 0;
  // Only pictures count: an Opus decoder makes noise of any bytes.
  for (const report of (await other.getStats()).values()) {
    if (report.type === 'inbound-rtp') decoded += report.framesDecoded ?? 0;
  }
  const announcement = base64(await stage.call.announcement());
  other.close();
  own.close();
  return { decoded, frames, member: stage.member, announcement, states: stage.states };
}

/** An application that uses the browser's own setter to replace our transform by another, or by
 * none. */
async function bypass(stage, isNone) {
  const sender = stage.pc.addTrack(camera());
  stage.seal(sender, 'camera');
  await stage.negotiate();
  await sleep(FLOW_MS);
  const { set } = Object.getOwnPropertyDescriptor(RTCRtpSender.prototype, 'transform');
  set.call(sender, isNone ? null : passThrough());
  await sleep(2 * FLOW_MS);
  const sent = async () => [...(await sender.getStats()).values()]
    .reduce((sum, report) => sum + (report.type === 'outbound-rtp' ? report.packetsSent : 0), 0);
  const before = await sent();
  await sleep(FLOW_MS);
  return { more: await sent() - before, states: stage.states };
}

/** A browser that silently ignores our transform, as Chromium does with late ones. */
async function ignored(stage, fps) {
  stage.pc.close();
  const pc = new RTCPeerConnection(CONFIGURATION);
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
  const context = canvas.getContext('2d');
  const timer = setInterval(() => {
    context.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
    context.fillRect(0, 0, 160, 120);
  }, 1000 / fps);
  const sender = pc.addTrack(canvas.captureStream().getVideoTracks()[0]);
  await stage.negotiate(pc);
  await stage.connected(pc);
  pc.getConfiguration = () => ({ encodedInsertableStreams: true });
  stage.call.protect(pc);
  stage.seal(sender, 'camera');
  const isNoticed = () => stage.states.some(({ state }) => state === 'leaking');
  for (let tries = 0; !isNoticed() && tries < 150; tries += 1) await sleep(100);
  const isStopped = pc.getTransceivers().every(({ sender: of, currentDirection, direction }) =>
    of !== sender || currentDirection === 'stopped' || direction === 'stopped');
  clearInterval(timer);
  pc.close();
  return { states: stage.states, isStopped };
}

/**
 * Alice sends layers and Bob opens the forwarded ones, while one layer after the other is left out.
 * Returns how often each was sealed, the number of pictures drawn, and the number that Bob decoded
 * after each change.
 */
async function layers(room, secret, { codec, framing, sendEncodings, turns, hasDescriptor }) {
  const bytes = { sealed: 0 };
  const alice = await Stage.enter(room, secret, { framing, observe: () => { bytes.sealed += 1; } });
  const bob = await Stage.enter(room, secret, { framing });
  await bob.call.addMember(alice.member, await alice.call.announcement());
  const name = { kind: 'camera', index: 0 };
  const one = (transceiver) => {
    const { codecs } = RTCRtpReceiver.getCapabilities('video');
    transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`));
    if (!hasDescriptor) return transceiver;
    transceiver.setHeaderExtensionsToNegotiate(transceiver.getHeaderExtensionsToNegotiate().map((extension) =>
      (/dependency-descriptor/.test(extension.uri) ? { ...extension, direction: 'sendrecv' } : extension)));
    return transceiver;
  };
  const track = drawn(640, 480);
  const { sender } = one(alice.pc.addTransceiver(track, { direction: 'sendonly', sendEncodings }));
  alice.call.protectSender(sender, { ...name, codec });
  // The mid of an m-line is its index here.
  await alice.negotiate(alice.pc, { sends: { 0: name } });
  const { receiver } = one(bob.pc.addTransceiver('video', { direction: 'recvonly' }));
  bob.call.protectReceiver(receiver, { ...name, from: alice.member, codec });
  await bob.negotiate(bob.pc, { slots: { 0: { ...name, from: alice.socket.id } } });
  const reports = async (of, type) => [...(await of.getStats()).values()].filter((report) => report.type === type);
  const decoded = async () => (await reports(receiver, 'inbound-rtp'))[0]?.framesDecoded ?? 0;
  const counts = [];
  for (const active of turns) {
    const parameters = sender.getParameters();
    parameters.encodings.forEach((encoding, place) => { encoding.active = active[place]; });
    await sender.setParameters(parameters);
    await sleep(FLOW_MS);
    const before = await decoded();
    await sleep(FLOW_MS);
    counts.push(await decoded() - before);
  }
  const sent = await reports(sender, 'outbound-rtp');
  const [{ frameWidth, frameHeight }] = await reports(receiver, 'inbound-rtp');
  const said = {
    counts,
    size: [frameWidth, frameHeight],
    modes: sent.map(({ scalabilityMode }) => scalabilityMode),
    pictures: (await reports(sender, 'media-source'))[0]?.frames,
    sealed: bytes.sealed,
    states: [...alice.states, ...bob.states],
  };
  track.stop();
  for (const stage of [alice, bob]) stage.pc.close();
  return said;
}

/** Full framing towards a connection that does not know it: the resulting report. */
async function refusedFraming(room, secret, codec) {
  const stage = await Stage.enter(room, secret, { framing: 'full' });
  const errors = [];
  stage.call.onerror = ({ code, message }) => errors.push({ code, message });
  const other = new RTCPeerConnection(CONFIGURATION);
  const transceiver = stage.pc.addTransceiver(camera(), { direction: 'sendonly' });
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`));
  await stage.pc.setLocalDescription();
  await other.setRemoteDescription(stage.pc.localDescription);
  await other.setLocalDescription();
  // Chromium accepts it by itself; servers may not.
  const { type, sdp } = other.localDescription;
  await stage.pc.setRemoteDescription({ type, sdp: sdp.replace(/^a=extmap:.*dependency-descriptor.*\r\n/gm, '') });
  await sleep(100);
  for (const pc of [stage.pc, other]) pc.close();
  return errors;
}

globalThis.leak = {
  async answer(room, secret, isProtected) {
    return answer(await Stage.enter(room, secret), isProtected);
  },
  async bypass(room, secret, isNone) {
    return bypass(await Stage.enter(room, secret), isNone);
  },
  async ignored(room, secret, fps) {
    return ignored(await Stage.enter(room, secret), fps);
  },
  layers,
  refusedFraming,
  /** The error for a connection with this configuration, negotiated or not, or null. */
  async refused(room, secret, configuration, isNegotiated) {
    const stage = await Stage.enter(room, secret);
    const pc = new RTCPeerConnection({ ...CONFIGURATION, ...configuration });
    pc.addTrack(camera());
    if (isNegotiated) await stage.negotiate(pc);
    try {
      stage.call.protect(pc);
      return null;
    } catch (error) {
      return error.message;
    } finally {
      pc.close();
    }
  },
  names: Object.keys(ways),
  async run(name, room, secret) {
    const stage = await Stage.enter(room, secret);
    const announcement = base64(await stage.call.announcement());
    await (name === 'unprotected' ? unprotected : ways[name])(stage);
    stage.pc.close();
    const { participants, member, clear, states } = stage;
    return { participants, member, clear, states, announcement };
  },
};
