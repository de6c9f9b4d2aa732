// Errors as callers see them. One file for all entry points of the package, so that the class is
// one.

/** Something that sealframe refuses; `code` says what, as listed in the package's types. */
export class SealframeError extends Error {
  name = 'SealframeError';

  constructor(code, message = code, options = undefined) {
    super(`sealframe: ${message}`, options);
    this.code = code;
  }
}

/**
 * What a worker answers for something thrown: `{code, message}`. The modules throw their codes as
 * strings; a value of the wrong type has the code 'TypeError'.
 */
export function answerOf(error) {
  if (typeof error === 'string') return { code: error, message: error };
  if (error instanceof TypeError) return { code: 'TypeError', message: error.message };
  return { code: error?.code ?? 'Other', message: String(error?.message ?? error?.code ?? error) };
}

/** The error that a worker's answer stands for. */
export function errorOf({ code, message }) {
  return code === 'TypeError' ? new TypeError(message) : new SealframeError(code, message.replace(/^sealframe: /, ''));
}
