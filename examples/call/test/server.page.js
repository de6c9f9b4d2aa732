// Runs inside a page: a participant without encryption, for tests of what the server forwards.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const MEDIA = { microphone: 'audio', camera: 'video', screen: 'video', screenAudio: 'audio' };
const DEPENDENCY_DESCRIPTOR =
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** Moving pictures of a given size. */
function drawn(width, height) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  let step = 0;
  setInterval(() => {
    step += 1;
    for (let bar = 0; bar < 24; bar += 1) {
      context.fillStyle = `hsl(${(step * 7 + bar * 37) % 360} 80% 50%)`;
      context.fillRect((bar * 53 + step * 5) % width, (bar * 31) % height, 40, 30);
    }
  }, 40);
  return canvas.captureStream(25).getVideoTracks()[0];
}

/** A tone. */
function tone() {
  const context = new AudioContext();
  const oscillator = context.createOscillator();
  const destination = context.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  return destination.stream.getAudioTracks()[0];
}

// The simplest change that leaves no codec bit readable.
const flip = () => new TransformStream({
  transform(frame, controller) {
    frame.data = new Uint8Array(frame.data).map((byte) => byte ^ 0xa5).buffer;
    controller.enqueue(frame);
  },
});

class Participant {
  tracks = {}; // from → the tracks that the server announced
  #sends = new Map(); // transceiver → { kind, index }, or null for one that is not announced
  #slots = new Map(); // transceiver → { from, kind, index }
  #answered;
  #options;

  /**
   * `codec` and `fmtp` choose a video codec; `isOpaque` flips all bits of frames; `isRaw` uses raw
   * packetization; `seal(sender, streams)` transforms sent frames in another way.
   */
  static async join(room, options = {}) {
    const participant = new Participant();
    participant.#options = options;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws?${new URLSearchParams({ room, name: 'plain' })}`);
    participant.socket = socket;
    participant.id = await new Promise((resolve, reject) => {
      socket.onerror = reject;
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === 'welcome') resolve(message.id);
        participant.#hear(message);
      };
    });
    participant.pc = new RTCPeerConnection({
      iceServers: [],
      bundlePolicy: 'max-bundle',
      ...(options.isOpaque || options.seal ? { encodedInsertableStreams: true } : {}),
    });
    return participant;
  }

  #hear({ type, id, from, members, tracks, sdp }) {
    if (type === 'welcome') for (const member of members) this.tracks[member.id] = member.tracks;
    if (type === 'joined') this.tracks[id] = tracks;
    if (type === 'tracks') this.tracks[from] = tracks;
    if (type === 'answer') this.#answered(sdp);
  }

  /** Sends a track; `sent` is `{ kind, index }`, or null to hide it from the server. */
  send(track, sent, { direction = 'sendonly', sendEncodings } = {}) {
    const transceiver = this.pc.addTransceiver(track, { direction, ...(sendEncodings && { sendEncodings }) });
    this.#sends.set(transceiver, sent);
    this.#prepare(transceiver, track.kind);
    return transceiver;
  }

  /** Receives a track, on a new m-line or on a given one. */
  receive(wanted, transceiver) {
    const media = MEDIA[wanted.kind];
    transceiver ??= this.pc.addTransceiver(media, { direction: 'recvonly' });
    if (!this.#sends.has(transceiver)) this.#prepare(transceiver, media);
    this.#slots.set(transceiver, wanted);
    return transceiver;
  }

  #prepare(transceiver, media) {
    const { codec, fmtp, isOpaque, seal, hasDescriptor } = this.#options;
    if (seal) seal(transceiver.sender, transceiver.sender.createEncodedStreams());
    if (isOpaque) {
      for (const end of [transceiver.sender, transceiver.receiver]) {
        const { readable, writable } = end.createEncodedStreams();
        readable.pipeThrough(flip()).pipeTo(writable).catch(() => {});
      }
    }
    if (media === 'audio') return;
    if (codec !== undefined) {
      const { codecs } = RTCRtpReceiver.getCapabilities('video');
      const isWanted = ({ mimeType, sdpFmtpLine }) => mimeType.toLowerCase() === `video/${codec}`
        && (fmtp ?? []).every((part) => sdpFmtpLine?.includes(part));
      const kept = codecs.filter((each) => isWanted(each) || /rtx/.test(each.mimeType));
      if (!kept.some(isWanted)) throw new Error(`this browser has no ${codec} ${fmtp}`);
      transceiver.setCodecPreferences(kept);
    }
    if (hasDescriptor) {
      transceiver.setHeaderExtensionsToNegotiate(transceiver.getHeaderExtensionsToNegotiate().map((extension) =>
        extension.uri === DEPENDENCY_DESCRIPTOR ? { ...extension, direction: 'sendrecv' } : extension));
    }
  }

  async negotiate() {
    const byMid = (tracks) => Object.fromEntries([...tracks]
      .filter(([, track]) => track !== null)
      .map(([{ mid }, track]) => [mid, track]));
    const offer = await this.pc.createOffer();
    await this.pc.setLocalDescription({ type: 'offer', sdp: this.#munge(offer.sdp) });
    const answer = await new Promise((resolve, reject) => {
      this.#answered = resolve;
      setTimeout(reject, 20_000, new Error('no answer'));
      const { sdp } = this.pc.localDescription;
      this.socket.send(JSON.stringify({ type: 'offer', sdp, sends: byMid(this.#sends), slots: byMid(this.#slots) }));
    });
    await this.pc.setRemoteDescription({ type: 'answer', sdp: this.#munge(answer) });
    return answer;
  }

  // Makes every video codec raw.
  #munge(sdp) {
    if (!this.#options.isRaw) return sdp;
    return sdp.replace(/a=rtpmap:(\d+) (?:VP8|VP9|H264|AV1)\/90000\r\n/g, '$&a=packetization:$1 raw\r\n');
  }

  /** Counters of a sender or receiver, and its codec. */
  async stats(end) {
    const reports = [...(await end.getStats()).values()];
    const codecs = new Map(reports.filter(({ type }) => type === 'codec').map((report) => [report.id, report]));
    return reports
      .filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp')
      .map((report) => ({ ...report, codec: codecs.get(report.codecId) }));
  }

  close() {
    this.pc.close();
    this.socket.close();
  }
}

globalThis.plain = { Participant, drawn, tone, sleep };
