// Errors as callers see them.

/** Something that sealframe refuses; `code` says what, as listed in the package's types. */
export class SealframeError extends Error {
  name = 'SealframeError';

  constructor(code, message = code, options = undefined) {
    super(`sealframe: ${message}`, options);
    this.code = code;
  }
}

/** Members have 16 bits; more would be cut off on the way into the core. */
export function checkMember(number) {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
    throw new RangeError('sealframe: a member is a whole number from 0 to 65535');
  }
}
