// The worker as one script, for who cannot serve files beside the page's own: `SealedCall.start({worker: createWorker()})`.
// The page's Content-Security-Policy must allow `worker-src blob:`.

import source from 'sealframe-worker-source';

let url;

/** A new worker for one call. */
export function createWorker() {
  url ??= URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  return new Worker(url, { name: 'sealframe' });
}
