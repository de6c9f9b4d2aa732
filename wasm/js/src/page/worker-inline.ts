// The worker as one script, for pages that cannot serve extra files:
// `SealedCall.join({worker: createWorker(), …})`.

import source from 'sealframe-worker-source';

import { SealframeError } from '../shared/errors.js';

/** A script's address, also where Trusted Types are required. */
type ScriptUrl = string | URL;

let url: ScriptUrl | undefined;

/**
 * A worker for one call, from a script inside the page's own: needs `worker-src blob:` of a
 * Content-Security-Policy, and `trusted-types sealframe` where it requires Trusted Types. Throws
 * 'NotSupported' where there are no workers, as in Node.js.
 */
export function createWorker(): Worker {
  if (typeof Worker !== 'function') throw new SealframeError('NotSupported', 'calls need a browser: there is no Worker here');
  url ??= trusted(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  return new Worker(url, { name: 'sealframe' });
}

/** What makes trusted addresses, where the browser has Trusted Types. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): ScriptUrl };
}

/** The address for pages that require Trusted Types. */
function trusted(own: string): ScriptUrl {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return own;
  return trustedTypes.createPolicy('sealframe', { createScriptURL: (any) => any }).createScriptURL(own);
}
