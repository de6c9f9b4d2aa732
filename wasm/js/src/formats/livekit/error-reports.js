// Errors as livekit-client's E2EEManager takes them.

/**
 * By our codes: the reason that livekit-client gives, and words. What is missing here is nothing that anybody has to know who has
 * not asked.
 */
const REASONS = {
  UnknownKey: ['MissingKey', 'no key at the index of a frame'],
  Unauthentic: ['InvalidKey', 'a frame does not open with the key at its index'],
  NotThisFormat: ['InvalidKey', 'a frame is not sealed as LiveKit seals it'],
  KeyExhausted: ['InternalError', 'a key has sealed all that it may'],
  TooManyStreams: ['InternalError', 'a key has sealed as many streams as it may: 1,024'],
  UnsupportedCodec: ['InternalError', 'livekit-client has no way to encrypt frames of this codec'],
  UnknownCodec: ['InternalError', 'nobody has said which codec a track has'],
  NoTimestamp: ['InternalError', 'this browser does not say when a frame was taken, and no nonce can be made without'],
  UnknownState: ['InternalError', 'nobody has said whether the frames of a participant are encrypted: they are dropped'],
  NotEnabled: ['InternalError', 'encryption is off, and nothing passes in clear'],
};
const PAUSE_MS = 1000;

/** Tells of errors, each kind once a second for each participant. */
export class ErrorReports {
  #tell;
  #told = new Map();

  constructor(tell) {
    this.#tell = tell;
  }

  /** `what` is a code, or something thrown. */
  report(participantIdentity, what) {
    if (typeof what === 'string' && !Object.hasOwn(REASONS, what)) return;
    const error = this.errorOf(what);
    const key = `${participantIdentity} ${error.message}`;
    const now = performance.now();
    if (now - this.#told.get(key) < PAUSE_MS) return;
    this.#told.set(key, now);
    this.#tell({ error, participantIdentity });
  }

  /** An `Error` for whatever: who waits for an answer reads its message. */
  errorOf(what) {
    if (what instanceof Error) return what;
    const [reason, words] = Object.hasOwn(REASONS, what) ? REASONS[what] : ['InternalError', what];
    return new Error(`${reason}: ${words}`);
  }
}
