// Errors as callers see them. One file for all entry points of the package, so that the class is
// one.

/** Why a comparison of emoji fails. */
export type SasErrorCode =
  | 'SasTooMany' | 'SasAlreadyOpen' | 'SasNotOpen' | 'SasNothingToCompare' | 'SasCancelled' | 'SasTimedOut'
  | 'SasOutOfOrder' | 'SasMismatch';

/** Why a frame, an announcement, a call or something of a connection is refused. More may come. */
export type ErrorCode =
  | 'UnknownKey' | 'StepErased' | 'StepTooFar' | 'Replayed' | 'TooOld' | 'TooManyKeys' | 'Unauthentic' | 'OtherMember'
  | 'HeaderInvalid' | 'TooShort' | 'UnexpectedFrame' | 'OtherFraming' | 'FramingRefused'
  | 'KeyExhausted' | 'PrefixTooLong' | 'NoRoom'
  | 'SecretTooShort' | 'WrongSecret' | 'WrongSender' | 'OtherSuite' | 'UnknownVersion' | 'Malformed' | 'KeyInUse'
  | 'KeyRefused' | 'Departed'
  | 'OtherGroup' | 'OtherKem' | 'UnknownMember' | 'Away' | 'Refused' | 'Removed' | 'InUse' | 'Locked' | 'Full'
  | 'NotForUs' | 'Stale' | 'WrongKey'
  | 'Equivocation' | 'NotAllowed' | 'Busy' | 'Ended' | 'Policy' | 'Own' | 'TrustDamaged' | 'TrustFull' | 'IdentityChanged'
  | SasErrorCode
  | 'OtherKeys' | 'UnknownStream' | 'NotReserved' | 'NoRandomness' | 'WorkerInUse' | 'Other'
  // Freed, closed or not begun; and a call where there is no browser.
  | 'NotStarted' | 'NotSupported'
  // Of a call: its worker broke or cannot be loaded, does not answer, or the call was closed.
  // 'Ended' above: we are out.
  | 'WorkerFailed' | 'WorkerSilent' | 'Closed'
  // Of a protected connection: what would leave in clear.
  | 'TransformRefused' | 'TonesRefused' | 'DataChannelRefused'
  // Of `sealframe/profiles`.
  | 'NotThisFormat' | 'Injected' | 'SameKey' | 'NoRatchet' | 'UnsupportedCodec' | 'UnknownCodec' | 'StartCodeInside'
  | 'DigitsRefused' | 'TooManyStreams'
  // Of `sealframe/credentials`: why a credential is refused, and what is no key set, issuer or
  // list.
  | 'TooLarge' | 'NotThisKind' | 'WrongIssuer' | 'WrongAudience' | 'WrongPurpose' | 'WrongAlgorithm' | 'BadSignature'
  | 'NotYetValid' | 'Expired' | 'NotBound' | 'WrongIdentity' | 'WrongCall' | 'NoUser' | 'UnverifiedEmail' | 'NotListed'
  | 'ChangedIdentity' | 'NotAKeySet' | 'NoUsableKey' | 'TwoOfOneName' | 'IssuerRefused' | 'NoIdentity' | 'NoName' | 'OfAnother';

/** Something that is refused; `code` says what. One class for all entry points of the package. */
export class SealframeError extends Error {
  override name = 'SealframeError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string = code, options?: ErrorOptions) {
    super(`sealframe: ${message}`, options);
    this.code = code;
  }
}

/**
 * An error as it crosses from a worker to its page. A value of a wrong type has the code
 * 'TypeError'.
 *
 * @internal
 */
export interface ErrorAnswer {
  code: string;
  message: string;
}

/**
 * What a worker answers for something thrown. The modules throw their codes as strings.
 *
 * @internal
 */
export function answerOf(error: unknown): ErrorAnswer {
  if (typeof error === 'string') return { code: error, message: error };
  if (error instanceof TypeError) return { code: 'TypeError', message: error.message };
  const { code, message } = Object(error) as Partial<ErrorAnswer>;
  return { code: code ?? 'Other', message: String(message ?? code ?? error) };
}

/**
 * The error that a worker's answer stands for.
 *
 * @internal
 */
export function errorOf({ code, message }: ErrorAnswer): Error {
  if (code === 'TypeError') return new TypeError(message);
  return new SealframeError(code as ErrorCode, message.replace(/^sealframe: /, ''));
}

/**
 * The message of whatever was thrown.
 *
 * @internal
 */
export const messageOf = (error: unknown): string => String((Object(error) as Partial<Error>).message ?? error);

/**
 * Does `work`, and makes an error of the code that a module throws as a string.
 *
 * @internal
 */
export function withErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw typeof error === 'string' ? new SealframeError(error as ErrorCode) : error;
  }
}
