// A camera and a microphone from one connection to another in the same page, each end with a worker
// of its own.

import { ChosenJitsiEnd, ChosenLiveKitEnd, DaveEnd, JitsiEnd, LiveKitEnd } from './ends.js';
import { Loop } from './loop.js';
import { RoomEnd } from './rooms.js';

/**
 * Where each worker is; `type` as its client starts it, lib-jitsi-meet by a blob that imports it.
 */
const WORKERS = {
  livekit: { End: LiveKitEnd, url: 'livekit-client.e2ee.worker.mjs', type: 'module' },
  'sealframe for livekit': { End: LiveKitEnd, url: 'livekit-worker.js', type: 'module' },
  'livekit in its room': { End: RoomEnd, url: 'livekit-client.e2ee.worker.mjs', type: 'module' },
  'sealframe in a room of livekit': { End: RoomEnd, url: 'livekit-worker.js', type: 'classic' },
  jitsi: { End: JitsiEnd, url: 'lib-jitsi-meet.e2ee-worker.js', type: 'blob' },
  'sealframe for jitsi': { End: JitsiEnd, url: 'jitsi-worker.js', type: 'blob' },
  'sealframe, told livekit': { End: ChosenLiveKitEnd, url: 'profiles-worker.js', type: 'module' },
  'sealframe, told jitsi': { End: ChosenJitsiEnd, url: 'profiles-worker.js', type: 'module' },
  'sealframe, told dave': { End: DaveEnd, url: 'profiles-worker.js', type: 'module' },
};

class Call {
  #loop;
  #sealing;
  #opening;

  static async start({ sealing, opening, codec, path }) {
    const call = new Call();
    [call.#sealing, call.#opening] = [sealing, opening].map((name, place) => {
      const { End, url, type } = WORKERS[name];
      return new End(start(url, type), path, place === 0);
    });
    call.#loop = await Loop.start({
      codec,
      isEncoded: path === 'streams',
      onsender: (sender) => call.#sealing.seal(sender, sender.track.kind === 'video' ? codec : undefined),
      onreceiver: (receiver) => call.#opening.open(receiver, receiver.track.kind === 'video' ? codec : undefined),
    });
    return call;
  }

  /** Sets a key at both ends; `null` for an end that gets none. */
  async setKeys(index, sealing, opening) {
    if (opening !== null) await this.#opening.setKey(opening, index);
    if (sealing !== null) await this.#sealing.setKey(sealing, index);
  }

  async ratchetSealing(index) {
    await this.#sealing.ratchet(index);
  }

  /** A data packet from one end to the other. */
  async passData(bytes) {
    return this.#opening.openData(await this.#sealing.sealData(bytes));
  }

  received = () => this.#loop.received();
  said = () => ({ sealing: this.#sealing.said, opening: this.#opening.said });
  stop = () => this.#loop.stop();
}

function start(url, type) {
  if (type !== 'blob') return new Worker(`./${url}`, { type });
  const source = `importScripts("${new URL(url, location.href)}");`;
  return new Worker(URL.createObjectURL(new Blob([source], { type: 'application/javascript' })));
}

globalThis.Call = Call;
