// The RTCPeerConnection, protected: every transceiver drops what it carries until the call is told what that is.

/** What the page sends, by the kind of media of its tracks. */
const SOURCES = { audio: 'microphone', video: 'camera' };

const MEDIA = { microphone: 'audio', camera: 'video', screen: 'video', screenAudio: 'audio' };

export class Connection {
  pc;

  #call;
  #server;
  #codecs;
  #sends = new Map(); // transceiver → { kind, index }
  #members = new Map(); // from → { stream, slots: Map of 'kind index' → { transceiver, kind, index } }
  #stale = false;
  #negotiating = false;

  /** `codec` is the video codec to send and to ask for. */
  constructor(call, server, codec) {
    this.#call = call;
    this.#server = server;
    this.#codecs = { audio: 'opus', video: codec };
    this.pc = call.createConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
  }

  /** Sends our tracks, sealed. */
  send(stream) {
    for (const track of stream.getTracks()) {
      const transceiver = this.pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
      const sent = { kind: SOURCES[track.kind], index: 0 };
      this.#call.protectSender(transceiver.sender, { ...sent, codec: this.#codecs[track.kind] });
      this.#preferCodec(transceiver, track.kind);
      this.#sends.set(transceiver, sent);
    }
    this.#negotiate();
  }

  /** Receives these tracks of a participant and no others; returns the stream that carries them, opened. */
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
      const transceiver = this.#receiveTrack(from, track);
      member.slots.set(key, { transceiver, ...track });
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

  /** Per participant and kind of media, the counters of `inbound-rtp` of the microphone or camera. */
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

  // One offer in flight. What changes meanwhile makes the next one.
  async #negotiate() {
    this.#stale = true;
    if (this.#negotiating) return;
    this.#negotiating = true;
    try {
      while (this.#stale && this.pc.signalingState !== 'closed') {
        this.#stale = false;
        if (this.pc.getTransceivers().length === 0) continue;
        await this.pc.setLocalDescription();
        const { sdp } = this.pc.localDescription;
        const answer = await this.#server.offer({ sdp, sends: this.#sent(), slots: this.#slots() });
        await this.pc.setRemoteDescription({ type: 'answer', sdp: answer });
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

  // Tells the server whose track each m-line shall carry.
  #slots() {
    const slots = {};
    for (const [from, member] of this.#members) {
      for (const { transceiver: { mid }, kind, index } of member.slots.values()) {
        if (mid !== null) slots[mid] = { from, kind, index };
      }
    }
    return slots;
  }

  // All members send the same; leaving the others out keeps offers small.
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
