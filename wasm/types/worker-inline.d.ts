/** A worker for one call, from a script inside the page's own: needs `worker-src blob:` of a Content-Security-Policy. */
export function createWorker(): Worker;
