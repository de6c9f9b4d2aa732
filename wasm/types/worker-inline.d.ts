/**
 * A worker for one call, from a script inside the page's own: needs `worker-src blob:` of a
 * Content-Security-Policy, and `trusted-types sealframe` where it requires Trusted Types. Throws
 * 'NotSupported' where there are no workers, as in Node.js.
 */
export function createWorker(): Worker;
