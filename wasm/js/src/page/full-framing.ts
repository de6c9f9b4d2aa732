// Full framing: nothing of a video frame is readable, so packetizers and servers are told by other
// means what they would have read. Chromium has both: the Dependency Descriptor, a header extension
// that says which frames need which; and raw packetization, which cuts H.264 and AV1 frames without
// parsing them.

import { PARSED, hasDescriptor } from '../shared/ids.js';
import { SealframeError } from '../shared/errors.js';
import { inBothForms, replaceMethod } from './methods.js';

const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** Of these the first bytes say what a frame is, unless the descriptor does. */
const DESCRIBED = ['vp8', ...PARSED];

type Description = RTCSessionDescriptionInit;
type SetDescription = (description?: Description) => Promise<void>;

/**
 * Makes a connection negotiate both, in every description from now on. `fail` is called with
 * 'FramingRefused' for each m-line that was negotiated without the descriptor though its codec
 * needs it: its pictures will not play.
 */
export function describeFully(pc: RTCPeerConnection, fail: (error: SealframeError) => void): void {
  const told = new Set<string | undefined>();
  pc.addEventListener('signalingstatechange', () => {
    if (pc.signalingState !== 'stable') return;
    for (const { mid, codec } of undescribed(pc)) {
      if (told.has(mid)) continue;
      told.add(mid);
      const what = `m-line ${mid} has no Dependency Descriptor: ${codec} needs it in full framing`;
      fail(new SealframeError('FramingRefused', what));
    }
  });
  // A browser without the descriptor must not promise it.
  if (!hasDescriptor()) return;
  for (const method of ['createOffer', 'createAnswer']) {
    replaceMethod<(...args: unknown[]) => Promise<Description>>(pc, method, (original) => inBothForms(0, async (...args) => {
      for (const transceiver of pc.getTransceivers()) wantDescriptor(transceiver);
      return raw(await original(...args));
    }));
  }
  replaceMethod<SetDescription>(pc, 'setLocalDescription', (original) => inBothForms(1, async (description?: Description) => {
    if (description?.type === 'rollback') return original(description);
    const answers = pc.signalingState === 'have-remote-offer' || pc.signalingState === 'have-local-pranswer';
    return original(description?.sdp ? raw(description) : await (answers ? pc.createAnswer() : pc.createOffer()));
  }));
  replaceMethod<SetDescription>(pc, 'setRemoteDescription', (original) => inBothForms(1, async (description?: Description) =>
    original(description?.sdp ? raw(description) : description)));
}

/** A header extension, and whether it is to be negotiated. */
interface Extension {
  uri: string;
  direction: string;
}

/** What Chromium's transceivers have besides. */
interface ExtensionControl {
  getHeaderExtensionsToNegotiate?(): Extension[];
  setHeaderExtensionsToNegotiate?(extensions: Extension[]): void;
}

function wantDescriptor(transceiver: RTCRtpTransceiver & ExtensionControl): void {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const descriptor = extensions.find(({ uri }) => uri === DESCRIPTOR);
  if (descriptor === undefined || descriptor.direction === 'sendrecv') return;
  descriptor.direction = 'sendrecv';
  transceiver.setHeaderExtensionsToNegotiate?.(extensions);
}

/**
 * The description with `a=packetization:<pt> raw` behind the codec lines that want it, in each
 * m-line by itself.
 */
function raw({ type, sdp = '' }: Description): Description {
  const rtpmap = new RegExp(`^(a=rtpmap:(\\d+) (?:${PARSED.join('|')})/90000)(\\r?)$`, 'gmi');
  return {
    type,
    sdp: sdp.split(/^(?=m=)/m).map((section) => section.replace(rtpmap, (line, map: string, pt: string, end: string) => {
      const attribute = `a=packetization:${pt} raw`;
      return section.includes(attribute) ? line : `${map}\r\n${attribute}${end}`;
    })).join(''),
  };
}

/** Each video m-line that carries something, needs the descriptor and was answered without. */
function undescribed(pc: RTCPeerConnection): { mid: string | undefined; codec: string }[] {
  const descriptions = [pc.currentLocalDescription, pc.currentRemoteDescription];
  const answer = descriptions.find((description) => description?.type === 'answer');
  const sections = answer?.sdp.split(/^m=/m).filter((section) => /^video [1-9]/.test(section)) ?? [];
  return sections.flatMap((section) => {
    const find = (pattern: string) => new RegExp(pattern, 'm').exec(section)?.[1];
    // The first codec of an answer is the one that is sent.
    const codec = find(`^a=rtpmap:${find('^video \\d+ \\S+ (\\d+)')} ([^/]+)/`)?.toLowerCase();
    if (codec === undefined) return [];
    const isFine = !DESCRIBED.includes(codec) || section.includes(DESCRIPTOR) || /^a=inactive/m.test(section);
    return isFine ? [] : [{ mid: find('^a=mid:(\\S+)'), codec }];
  });
}
