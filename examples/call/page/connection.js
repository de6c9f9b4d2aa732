// The RTCPeerConnection, protected: every transceiver drops what it carries until the call is told what that is.

const SOURCES = { audio: 'microphone', video: 'camera' };

export class Connection {
  pc;

  #call;
  #server;
  #codecs;
  #members = new Map(); // from → { audio, video } transceivers
  #stale = false;
  #negotiating = false;

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
      this.#call.protectSender(transceiver.sender, {
        kind: SOURCES[track.kind],
        index: 0,
        codec: this.#codecs[track.kind],
      });
      preferCodec(transceiver, track.kind, this.#codecs[track.kind]);
    }
    this.#negotiate();
  }

  /** Receives a participant's tracks; returns the stream that will carry them, opened. */
  add(from) {
    const transceivers = {};
    for (const kind of ['audio', 'video']) {
      const transceiver = this.pc.addTransceiver(kind, { direction: 'recvonly' });
      this.#call.protectReceiver(transceiver.receiver, {
        from,
        kind: SOURCES[kind],
        index: 0,
        codec: this.#codecs[kind],
      });
      preferCodec(transceiver, kind, this.#codecs[kind]);
      transceivers[kind] = transceiver;
    }
    this.#members.set(from, transceivers);
    this.#negotiate();
    return new MediaStream(Object.values(transceivers).map(({ receiver }) => receiver.track));
  }

  /** Stops receiving a participant. */
  remove(from) {
    for (const transceiver of Object.values(this.#members.get(from) ?? {})) transceiver.stop();
    this.#members.delete(from);
    this.#negotiate();
  }

  /** Per participant and kind, the counters of `inbound-rtp`. */
  async inbound() {
    const members = [...this.#members].map(async ([from, { audio, video }]) => [
      from,
      { audio: await inbound(audio.receiver), video: await inbound(video.receiver) },
    ]);
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
        const answer = await this.#server.offer(this.pc.localDescription.sdp, this.#slots());
        await this.pc.setRemoteDescription({ type: 'answer', sdp: answer });
      }
    } finally {
      this.#negotiating = false;
    }
  }

  // Tells the server whose track each m-line shall carry.
  #slots() {
    const slots = {};
    for (const [from, transceivers] of this.#members) {
      for (const [kind, { mid }] of Object.entries(transceivers)) {
        if (mid !== null) slots[mid] = { from, kind };
      }
    }
    return slots;
  }
}

// All members send the same; leaving the others out keeps offers small.
function preferCodec(transceiver, kind, codec) {
  const wanted = [`${kind}/${codec}`, `${kind}/rtx`];
  const { codecs } = RTCRtpReceiver.getCapabilities(kind);
  const kept = codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase()));
  if (kept.length > 0) transceiver.setCodecPreferences(kept);
}

async function inbound(receiver) {
  const reports = [...(await receiver.getStats()).values()];
  return reports.find(({ type }) => type === 'inbound-rtp');
}
