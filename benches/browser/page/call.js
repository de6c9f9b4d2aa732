// One side of a call: one page sends cameras and microphones, the other receives them, and in both
// every frame passes the contestant's transform.

import { SealedCall } from '/sealframe/index.js';

const SECRET = new Uint8Array(32).fill(7);
const CAMERA = { width: 160, height: 120, frameRate: 10 };
const SENDER = 1;
const RECEIVER = 2;

let pc;
let sealed;

globalThis.side = {
  /** The sender's offer: `{sdp, announcement}`, the latter for our own contestant only. */
  async offer(name, streams) {
    const connect = await CONNECT[name === 'sealframe' ? name : 'others'](name, SENDER);
    const source = await navigator.mediaDevices.getUserMedia({ video: CAMERA, audio: true });
    for (const kind of ['video', 'audio']) {
      for (let index = 0; index < streams; index += 1) {
        const [track] = source.getTracks().filter((one) => one.kind === kind);
        connect.sends(pc.addTransceiver(track.clone(), { direction: 'sendonly' }).sender, kind, index);
      }
    }
    for (const transceiver of pc.getTransceivers()) preferVp8(transceiver);
    await pc.setLocalDescription();
    await gathered();
    return { sdp: pc.localDescription.sdp, announcement: await sealed?.announcement().then(Array.from) };
  },

  /** The receiver's answer. */
  async answer(name, { sdp, announcement }) {
    const connect = await CONNECT[name === 'sealframe' ? name : 'others'](name, RECEIVER);
    await sealed?.addMember(SENDER, Uint8Array.from(announcement));
    const next = { video: 0, audio: 0 };
    pc.ontrack = ({ receiver, track }) => {
      connect.receives(receiver, track.kind, next[track.kind]++);
      const element = document.createElement(track.kind);
      element.srcObject = new MediaStream([track]);
      element.autoplay = true;
      document.body.append(element);
    };
    await pc.setRemoteDescription({ type: 'offer', sdp });
    await pc.setLocalDescription();
    await gathered();
    return pc.localDescription.sdp;
  },

  accept: (sdp) => pc.setRemoteDescription({ type: 'answer', sdp }),

  /** The media received so far: frames of video decoded and of audio played, and their total
   * time in seconds. */
  async received() {
    const sum = { video: 0, audio: 0, processing: 0, concealed: 0, streams: 0 };
    for (const report of (await pc.getStats()).values()) {
      if (report.type !== 'inbound-rtp') continue;
      if (report.kind === 'video') {
        sum.video += report.framesDecoded ?? 0;
        sum.processing += report.totalProcessingDelay ?? 0;
      } else {
        sum.audio += report.packetsReceived;
        sum.concealed += report.concealedSamples / report.totalSamplesReceived;
      }
      if ((report.framesDecoded ?? report.totalAudioEnergy) > 0) sum.streams += 1;
    }
    return sum;
  },
};

const CONNECT = {
  /** Set up as in an application. */
  async sealframe(_, member) {
    sealed = await SealedCall.joinWithSecret({ secret: SECRET, member });
    pc = sealed.createConnection();
    const kindOf = { video: 'camera', audio: 'microphone' };
    return {
      sends: (sender, kind, index) => sealed.protectSender(sender, { kind: kindOf[kind], index }),
      receives: (receiver, kind, index) => sealed.protectReceiver(receiver, { from: SENDER, kind: kindOf[kind], index }),
    };
  },

  /** A worker with the contestant's transform. */
  async others(name) {
    const worker = new Worker('./transform.js', { type: 'module' });
    worker.postMessage(name);
    await new Promise((resolve) => { worker.onmessage = resolve; });
    pc = new RTCPeerConnection({ encodedInsertableStreams: true });
    const attach = (direction) => (target, kind, index) => {
      target.transform = new RTCRtpScriptTransform(worker, { direction, track: `${kind}${index}`, kind });
    };
    return { sends: attach('seal'), receives: attach('open') };
  },
};

function preferVp8(transceiver) {
  if (transceiver.sender.track.kind !== 'video') return;
  const { codecs } = RTCRtpSender.getCapabilities('video');
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'video/VP8'));
}

async function gathered() {
  while (pc.iceGatheringState !== 'complete') await new Promise((resolve) => { pc.onicegatheringstatechange = resolve; });
}
