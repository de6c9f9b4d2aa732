// Full framing: nothing of a video frame is readable, so packetizers and servers are told by other means what they
// would have read. Chromium has both: the Dependency Descriptor, a header extension that says which frames need which;
// and raw packetization, which cuts H.264 and AV1 frames without parsing them.

import { PARSED } from './codec.js';

const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** Makes a connection negotiate both, in every description from now on. */
export function describeFully(pc) {
  const { setLocalDescription, setRemoteDescription, createOffer, createAnswer } = pc;
  const offer = () => {
    for (const transceiver of pc.getTransceivers()) wantDescriptor(transceiver);
    return createOffer.call(pc);
  };
  pc.createOffer = async () => raw(await offer());
  pc.createAnswer = async () => {
    for (const transceiver of pc.getTransceivers()) wantDescriptor(transceiver);
    return raw(await createAnswer.call(pc));
  };
  pc.setLocalDescription = async (description) => {
    if (description?.type === 'rollback') return setLocalDescription.call(pc, description);
    const answers = pc.signalingState === 'have-remote-offer' || pc.signalingState === 'have-local-pranswer';
    const given = description?.sdp ? raw(description) : await (answers ? pc.createAnswer() : pc.createOffer());
    return setLocalDescription.call(pc, given);
  };
  pc.setRemoteDescription = (description) => setRemoteDescription.call(pc, raw(description));
}

function wantDescriptor(transceiver) {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const descriptor = extensions.find(({ uri }) => uri === DESCRIPTOR);
  if (descriptor === undefined || descriptor.direction === 'sendrecv') return;
  descriptor.direction = 'sendrecv';
  transceiver.setHeaderExtensionsToNegotiate(extensions);
}

/** The description with `a=packetization:<pt> raw` behind the codec lines that want it. */
function raw({ type, sdp }) {
  if (!sdp) return { type, sdp };
  const rtpmap = new RegExp(`^(a=rtpmap:(\\d+) (?:${PARSED.join('|')})/90000)(\\r?)$`, 'gmi');
  return {
    type,
    sdp: sdp.replace(rtpmap, (line, map, pt, end) => {
      const attribute = `a=packetization:${pt} raw`;
      return sdp.includes(attribute) ? line : `${map}\r\n${attribute}${end}`;
    }),
  };
}
