// The worker as one script, for who cannot serve files beside the page's own: `SealedCall.start({worker: createWorker()})`.
// The page's Content-Security-Policy must allow `worker-src blob:`.

import { SealframeError } from '../shared/errors.js';

import source from 'sealframe-worker-source';

let url;

/** A new worker for one call. */
export function createWorker() {
  if (typeof Worker !== 'function') throw new SealframeError('NotSupported', 'calls need a browser: there is no Worker here');
  url ??= trusted(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  return new Worker(url, { name: 'sealframe' });
}

/**
 * For pages that require Trusted Types: their Content-Security-Policy is to name the policy,
 * `trusted-types sealframe`.
 */
function trusted(own) {
  const { trustedTypes } = globalThis;
  if (trustedTypes === undefined) return own;
  return trustedTypes.createPolicy('sealframe', { createScriptURL: (any) => any }).createScriptURL(own);
}
