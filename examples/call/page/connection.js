// The protected RTCPeerConnection: every transceiver drops its frames until the call knows what
// kind they are. After a break there is a new one, as the server may have lost its state.

/** What the page sends, by the kind of media of its tracks. */
const SOURCES = { audio: 'microphone', video: 'camera' };

const MEDIA = { microphone: 'audio', camera: 'video', screen: 'video', screenAudio: 'audio' };

export class Connection {
  pc;
  /** Called when media no longer get through. */
  onlost = () => {};

  #call;
  #server;
  #codecs;
  #stream;
  #isMuted = false;
  #sends = new Map(); // transceiver → { kind, index }
  /** From → { stream, slots: Map of 'kind index' → { transceiver, kind, index } }. */
  #members = new Map();
  #stale = false;
  #negotiating = false;

  /** `codec` is the video codec to send and to ask for. */
  constructor(call, server, codec) {
    this.#call = call;
    this.#server = server;
    this.#codecs = { audio: 'opus', video: codec };
    this.#connect();
  }

  #connect() {
    const pc = this.#call.createConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
    pc.addEventListener('connectionstatechange', () => {
      if (this.pc === pc && pc.connectionState === 'failed') this.onlost();
    });
    this.pc = pc;
  }

  /** Starts over with the same tracks, once the server is reachable again. */
  restart() {
    this.pc.close();
    this.#sends.clear();
    this.#connect();
    if (this.#stream !== undefined) this.send(this.#stream);
    for (const [from, { stream, slots }] of this.#members) {
      for (const track of stream.getTracks()) stream.removeTrack(track);
      this.#members.set(from, { stream, slots: new Map() });
      this.receive(from, [...slots.values()]);
    }
  }

  /** Sends our tracks, sealed. */
  send(stream) {
    this.#stream = stream;
    for (const track of stream.getTracks()) {
      const transceiver = this.pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      const sent = { kind: SOURCES[track.kind], index: 0 };
      this.#call.protectSender(transceiver.sender, { ...sent, codec: this.#codecs[track.kind] });
      this.#preferCodec(transceiver, track.kind);
      this.#sends.set(transceiver, sent);
    }
    if (this.#isMuted) this.mute(true).catch(reportError);
    this.#negotiate();
  }

  /** Stops sending everything, or starts again. */
  async mute(isMuted) {
    this.#isMuted = isMuted;
    await Promise.all([...this.#sends.keys()].map(({ sender, receiver: { track: { kind } } }) =>
      sender.replaceTrack(isMuted ? null : this.#stream.getTracks().find((track) => track.kind === kind))));
  }

  /** Receives these tracks of a participant, and no others; returns the stream with the opened
   * media. */
  receive(from, tracks) {
    const member = this.#members.get(from) ?? { stream: new MediaStream(), slots: new Map() };
    this.#members.set(from, member);
    const wanted = new Map(tracks.map((track) => [`${track.kind} ${track.index}`, track]));
    for (const [key, { transceiver }] of [...member.slots]) {
      if (wanted.has(key)) continue;
      member.slots.delete(key);
      member.stream.removeTrack(transceiver.receiver.track);
      transceiver.stop();
    }
    for (const [key, track] of wanted) {
      if (member.slots.has(key)) continue;
      const { kind, index } = track;
      const transceiver = this.#receiveTrack(from, track);
      member.slots.set(key, { transceiver, kind, index });
      member.stream.addTrack(transceiver.receiver.track);
    }
    this.#negotiate();
    return member.stream;
  }

  /** Stops receiving a participant. */
  remove(from) {
    for (const { transceiver } of this.#members.get(from)?.slots.values() ?? []) transceiver.stop();
    this.#members.delete(from);
    this.#negotiate();
  }

  /** The `inbound-rtp` counters of microphone and camera, by participant and kind of media. */
  async inbound() {
    const members = [...this.#members].map(async ([from, { slots }]) => {
      const of = (media) => inbound(slots.get(`${SOURCES[media]} 0`)?.transceiver.receiver);
      return [from, { audio: await of('audio'), video: await of('video') }];
    });
    return Object.fromEntries(await Promise.all(members));
  }

  close() {
    this.pc.close();
  }

  // One offer at a time. Changes in the meantime go into the next one.
  async #negotiate() {
    this.#stale = true;
    if (this.#negotiating) return;
    this.#negotiating = true;
    try {
      while (this.#stale && this.pc.signalingState !== 'closed') {
        this.#stale = false;
        const { pc } = this;
        if (pc.getTransceivers().length === 0) continue;
        try {
          await pc.setLocalDescription();
          const { sdp } = pc.localDescription;
          const answer = await this.#server.offer({ sdp, sends: this.#sent(), slots: this.#slots() });
          await pc.setRemoteDescription({ type: 'answer', sdp: answer });
        } catch (error) {
          // The connection was replaced, or the server is unreachable: the next one starts over.
          if (this.pc !== pc) continue;
          this.onlost(error);
          return;
        }
      }
    } finally {
      this.#negotiating = false;
    }
  }

  #receiveTrack(from, { kind, index }) {
    const media = MEDIA[kind];
    const transceiver = this.pc.addTransceiver(media, { direction: 'recvonly' });
    this.#call.protectReceiver(transceiver.receiver, { from, kind, index, codec: this.#codecs[media] });
    this.#preferCodec(transceiver, media);
    return transceiver;
  }

  // Tells the server which of our tracks each m-line carries.
  #sent() {
    const carrying = [...this.#sends].filter(([{ mid }]) => mid !== null);
    return Object.fromEntries(carrying.map(([{ mid }, sent]) => [mid, sent]));
  }

  // Tells the server which member's track each m-line shall carry.
  #slots() {
    const slots = {};
    for (const [from, member] of this.#members) {
      for (const { transceiver: { mid }, kind, index } of member.slots.values()) {
        if (mid !== null) slots[mid] = { from, kind, index };
      }
    }
    return slots;
  }

  // All members send the same codec; leaving out the others keeps offers small.
  #preferCodec(transceiver, media) {
    const wanted = [`${media}/${this.#codecs[media]}`, `${media}/rtx`];
    const { codecs } = RTCRtpReceiver.getCapabilities(media);
    const kept = codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase()));
    if (kept.length > 0) transceiver.setCodecPreferences(kept);
  }
}

async function inbound(receiver) {
  if (receiver === undefined) return undefined;
  const reports = [...(await receiver.getStats()).values()];
  return reports.find(({ type }) => type === 'inbound-rtp');
}
