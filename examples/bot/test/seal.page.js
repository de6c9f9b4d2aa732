// Runs inside a page, after server.page.js: seals a participant's media with the worker of LiveKit
// or of Jitsi, loaded from the server, as their own clients do.

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (byte) => parseInt(byte, 16));
const NAME = 'alice';

const WORKERS = {
  /** livekit-client's worker with a passphrase, or with bytes. */
  async livekit({ passphrase, key: hex, index }) {
    const worker = new Worker('/sealframe/livekit.mjs', { type: 'module' });
    const say = (kind, data, transfer = []) => worker.postMessage({ kind, data }, transfer);
    const [raw, derivation] = passphrase ? [new TextEncoder().encode(passphrase), 'PBKDF2'] : [bytes(hex), 'HKDF'];
    const key = await crypto.subtle.importKey('raw', raw, derivation, false, ['deriveBits', 'deriveKey']);
    const ring = { sharedKey: true, keyringSize: 16, keySize: 128, ratchetSalt: 'LKFrameEncryptionKey' };
    say('init', { keyProviderOptions: { ...ring, ratchetWindowSize: 0, failureTolerance: 10 }, loglevel: 'error' });
    say('setKey', { key, keyIndex: index, isPublisher: true, participantIdentity: NAME });
    say('enable', { enabled: true, participantIdentity: NAME });
    return ({ track }, { readable, writable }) => {
      const codec = track.kind === 'video' ? 'vp8' : undefined;
      const streams = { readableStream: readable, writableStream: writable };
      const data = { participantIdentity: NAME, trackId: track.id, codec, isReuse: false, ...streams };
      say('encode', data, [readable, writable]);
    };
  },

  /** lib-jitsi-meet's worker with 32 bytes. */
  async jitsi({ key, index }) {
    const worker = new Worker('/sealframe/jitsi.js');
    worker.postMessage({ operation: 'initialize' });
    worker.postMessage({ operation: 'setKey', participantId: NAME, key: bytes(key), keyIndex: index });
    return (sender, { readable, writable }) => {
      const streams = { readableStream: readable, writableStream: writable };
      worker.postMessage({ operation: 'encode', participantId: NAME, ...streams }, [readable, writable]);
    };
  },
};

/** Enters `room` and sends a camera and a microphone; resolves to the participant. */
async function sendSealed(room, worker, given) {
  const { Participant, drawn, tone } = globalThis.plain;
  const seal = await WORKERS[worker](given);
  const participant = await Participant.join(room, { codec: 'vp8', seal });
  participant.send(drawn(320, 240), { kind: 'camera', index: 0 });
  participant.send(tone(), { kind: 'microphone', index: 0 });
  await participant.negotiate();
  return participant;
}

globalThis.sendSealed = sendSealed;
