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

/** What becomes of a call one of whose streams breaks in this script. */
export async function broken(script) {
  const worker = new Worker(script, { type: 'module' });
  const call = await SealedCall.joinWithSecret({ secret: new Uint8Array(32).fill(1), member: 1, worker });
  const errors = [];
  call.onerror = ({ message }) => errors.push(message);
  const told = new Promise((resolve) => { call.onstate = (state) => state.kind === 'camera' && state.state === 'broken' && resolve(state); });
  const pc = call.createConnection();
  call.protectSender(pc.addTransceiver('video').sender, { kind: 'camera' });
  const state = await told;
  const opens = await call.tryOpen({ from: 2, kind: 'camera', codec: 'vp8', wire: new Uint8Array() });
  pc.close();
  await call.close();
  return { state, errors, opens };
}

/** What becomes of two calls in one worker. */
export async function twice() {
  const worker = new Worker('./worker.js', { type: 'module' });
  const secret = () => new Uint8Array(32).fill(1);
  const begun = SealedCall.joinWithSecret({ secret: secret(), member: 1, worker });
  const codes = [await SealedCall.joinWithSecret({ secret: secret(), member: 2, worker }).catch(({ code }) => code)];
  const call = await begun;
  const group = new Uint8Array([1]);
  codes.push(await SealedCall.join({ group, credential: group, address: 'a', worker }).catch(({ code }) => code));
  codes.push((await call.announcement()).length > 0 ? 'fine' : 'not fine');
  await call.close();
  return codes;
}

/** What a call reports whose worker is this script. */
export async function reported(script) {
  const worker = new Worker(script, { type: 'module' });
  const call = await SealedCall.joinWithSecret({ secret: new Uint8Array(32).fill(1), member: 1, worker });
  const failed = new Promise((resolve) => { call.onerror = ({ message }) => resolve(message); });
  const pc = call.createConnection();
  call.protectSender(pc.addTransceiver('video').sender, { kind: 'camera' });
  const message = await failed;
  pc.close();
  worker.terminate();
  return message;
}
