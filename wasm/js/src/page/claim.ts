// A worker is for one call.

import { SealframeError } from '../shared/errors.js';

/** On a worker that has a call. By name: another copy of this script finds it too. */
const TAKEN: unique symbol = Symbol.for('sealframe.call') as never;

/**
 * Takes a worker for a call, for good. Throws 'WorkerInUse' if it has one already, whose handlers
 * and streams are left alone; `secret` is wiped then.
 */
export function claim(worker: Worker & { [TAKEN]?: boolean }, secret: Uint8Array | undefined): void {
  if (worker[TAKEN]) {
    secret?.fill(0);
    throw new SealframeError('WorkerInUse', 'this worker has a call already: each call needs one of its own');
  }
  worker[TAKEN] = true;
}
