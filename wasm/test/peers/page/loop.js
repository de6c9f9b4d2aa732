// Two connections in one page, media going from the first to the second.

export class Loop {
  #from;
  #to;
  #source;

  /**
   * `onsender` and `onreceiver` get each sender and receiver in the task that makes it; `isEncoded`
   * for createEncodedStreams.
   */
  static async start({ codec, isEncoded, onsender, onreceiver }) {
    const loop = new Loop();
    const configuration = { encodedInsertableStreams: isEncoded };
    const [from, to] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
    [loop.#from, loop.#to] = [from, to];
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate);
    to.ontrack = ({ receiver, track }) => {
      onreceiver(receiver);
      const element = document.createElement(track.kind);
      element.srcObject = new MediaStream([track]);
      element.autoplay = true;
      document.body.append(element);
    };
    loop.#source = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240, frameRate: 20 }, audio: true });
    for (const track of loop.#source.getTracks()) {
      const transceiver = from.addTransceiver(track, { direction: 'sendonly' });
      onsender(transceiver.sender);
      if (track.kind === 'video') prefer(transceiver, codec);
    }
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    return loop;
  }

  /** What has been decoded so far; `codec` is that of the last packets. */
  async received() {
    const now = { packets: 0, frames: 0, samples: 0, energy: 0, codec: null };
    const stats = await this.#to.getStats();
    for (const report of stats.values()) {
      if (report.type !== 'inbound-rtp') continue;
      now.packets += report.packetsReceived;
      if (report.kind === 'video') {
        now.frames = report.framesDecoded ?? 0;
        now.codec = stats.get(report.codecId)?.mimeType ?? null;
      } else {
        now.samples = (report.totalSamplesReceived ?? 0) - (report.concealedSamples ?? 0);
        now.energy = report.totalAudioEnergy ?? 0;
      }
    }
    return now;
  }

  stop() {
    for (const track of this.#source.getTracks()) track.stop();
    this.#from.close();
    this.#to.close();
  }
}

function prefer(transceiver, codec) {
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  const wanted = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`);
  if (wanted.length === 0) throw new Error(`this browser has no ${codec}`);
  transceiver.setCodecPreferences(wanted);
}
