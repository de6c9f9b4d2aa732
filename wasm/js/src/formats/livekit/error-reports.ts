// Errors in the form that livekit-client's E2EEManager takes.

/**
 * By our codes: the reason that livekit-client gives, and words. A code that is missing here says
 * nothing that an application has to know without asking.
 */
const REASONS: Readonly<Record<string, readonly [reason: string, words: string]>> = {
  UnknownKey: ['MissingKey', 'no key at the index of a frame'],
  Unauthentic: ['InvalidKey', 'a frame does not open with the key at its index'],
  NotThisFormat: ['InvalidKey', 'a frame is not sealed as LiveKit seals it'],
  KeyExhausted: ['InternalError', 'a key has sealed all that it may'],
  TooManyStreams: ['InternalError', 'a key has sealed as many streams as it may: 1,024'],
  UnsupportedCodec: ['InternalError', 'livekit-client has no way to encrypt frames of this codec'],
  UnknownCodec: ['InternalError', 'the codec of a track is not known'],
  NoTimestamp: ['InternalError', 'this browser does not say when a frame was taken, and no nonce can be made without'],
  UnknownState: ['InternalError', 'it is not known whether the frames of a participant are encrypted: they are dropped'],
  NotEnabled: ['InternalError', 'encryption is off, and nothing passes in clear'],
};
const PAUSE_MS = 1000;

/** What livekit-client is told. */
export interface Report {
  error: Error;
  participantIdentity: string | undefined;
}

/** Tells of errors, each kind once a second for each participant. */
export class ErrorReports {
  #tell: (report: Report) => void;
  #told = new Map<string, number>();

  constructor(tell: (report: Report) => void) {
    this.#tell = tell;
  }

  /** `what` is a code, or something thrown. */
  report(participantIdentity: string | undefined, what: unknown): void {
    if (typeof what === 'string' && !Object.hasOwn(REASONS, what)) return;
    const error = this.errorOf(what);
    const key = `${participantIdentity} ${error.message}`;
    const now = performance.now();
    if (now - (this.#told.get(key) ?? -Infinity) < PAUSE_MS) return;
    this.#told.set(key, now);
    this.#tell({ error, participantIdentity });
  }

  /** An `Error` for whatever was thrown: a request that waits for an answer gets its message. */
  errorOf(what: unknown): Error {
    if (what instanceof Error) return what;
    const code = String(what);
    const [reason, words] = (Object.hasOwn(REASONS, code) ? REASONS[code] : undefined) ?? ['InternalError', code];
    return new Error(`${reason}: ${words}`);
  }
}
