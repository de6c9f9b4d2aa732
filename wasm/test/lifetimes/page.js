// What the page does in the tests of lifetimes.

import { SealedCall } from './index.js';

/** A worker of the test's, with the package's own inside. */
export class Probe {
  #worker = new Worker('./probe.js', { type: 'module' });

  ask(request, args = {}) {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data: { result, error } }) =>
        (error === undefined ? resolve(result) : reject(new Error(error)));
      this.#worker.onerror = ({ message }) => reject(new Error(message));
      this.#worker.postMessage({ request, ...args });
    });
  }

  kill() {
    this.#worker.terminate();
  }
}

/** What a call reports whose worker is this script. */
export async function reported(script) {
  const worker = new Worker(script, { type: 'module' });
  const call = await SealedCall.start({ secret: new Uint8Array(32).fill(1), member: 1, worker });
  const failed = new Promise((resolve) => { call.onerror = ({ message }) => resolve(message); });
  const pc = call.createConnection();
  call.protectSender(pc.addTransceiver('video').sender, { kind: 'camera' });
  const message = await failed;
  pc.close();
  worker.terminate();
  return message;
}
