// The page's side: starts the worker, hands it every sender and receiver, and relays key messages.

import { clearPrefix, streamKind } from './codec.js';

/** A call whose members share one secret. Everything secret lives in its worker. */
export class SealedCall {
  #worker;
  #pending = new Map();
  #nextId = 0;
  /** Why the worker answers no more. */
  #ended = null;
  #observe;

  /** Called with `{direction, from, kind, index, state, code, opened, failed}` when a stream's state changes,
   * and about once a second: `state` is 'waiting', 'encrypted' or 'failing'. */
  onstate = () => {};
  /** Called with an Error if the worker dies: from then on no frame passes. */
  onerror = () => {};

  /**
   * Give these to every RTCPeerConnection of the call. In Chromium nothing flows then before a transform
   * is attached; without, a transform attached one task too late is ignored and media go out in clear.
   */
  rtcConfiguration = Object.freeze({ encodedInsertableStreams: true });

  /** Use `SealedCall.start`. */
  constructor(worker, observe) {
    this.#worker = worker;
    this.#observe = observe;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      const error = new Error(`sealframe: worker failed: ${event.message}`);
      this.#end(error);
      this.onerror(error);
    };
  }

  /**
   * @param {Uint8Array} options.secret at least 16 random bytes that all members share
   * @param {number} options.sender this member's number, unique in the call: 0..=65535
   * @param {Function} [options.observe] gets `{direction, kind, index, clear, wire}` of every frame; for
   *   demonstrations and tests
   */
  static async start({ secret, sender, observe }) {
    checkMember(sender);
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    const call = new SealedCall(worker, observe);
    const copy = secret.slice();
    try {
      await call.#ask('start', { secret: copy, sender, observe: observe !== undefined }, [copy.buffer]);
    } catch (error) {
      call.#end(error);
      worker.terminate();
      throw error;
    }
    return call;
  }

  /** Seals what `rtpSender` sends. Call it in the task that made the sender. */
  protectSender(rtpSender, { kind, index = 0, codec }) {
    this.#attach(rtpSender, { direction: 'seal', kind, index, codec });
  }

  /** Opens what `rtpReceiver` receives from member `from`. Call it in the task that made the receiver. */
  protectReceiver(rtpReceiver, { from, kind, index = 0, codec }) {
    this.#attach(rtpReceiver, { direction: 'open', from, kind, index, codec });
  }

  /** Our present key, for the server to relay to others; only those who have the secret can read it. */
  announcement() {
    return this.#ask('announcement', {});
  }

  /** Installs the key that member `from` announces. Rejects with an Error whose `code` is 'WrongSecret', ... */
  async addMember(from, announcement) {
    checkMember(from);
    return this.#ask('addMember', { from, announcement });
  }

  /** Wipes the keys of a member who left. */
  async removeMember(from) {
    checkMember(from);
    return this.#ask('removeMember', { from });
  }

  /** Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The others follow. */
  ratchet() {
    return this.#ask('ratchet', {});
  }

  /** Whether a sealed frame opens, and if not, why: `{ok: true}` or `{ok: false, code}`. One that did has been opened:
   * it does not open again. */
  async tryOpen({ from, kind, index = 0, codec, wire }) {
    checkMember(from);
    return this.#ask('tryOpen', { from, kind, index, codec, wire });
  }

  /** Wipes all keys and ends the worker; no frame passes any more. */
  async close() {
    await this.#ask('close', {});
    this.#end(new Error('sealframe: the call is closed'));
  }

  /** Nothing is answered any more. */
  #end(error) {
    this.#ended = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #attach(target, options) {
    // Checked here, where the caller can see it: the worker could only drop frames.
    clearPrefix(options.codec);
    streamKind(options.kind);
    if (options.direction === 'open') checkMember(options.from);
    if (typeof RTCRtpScriptTransform === 'function') {
      target.transform = new RTCRtpScriptTransform(this.#worker, options);
    } else if (typeof target.createEncodedStreams === 'function') {
      const { readable, writable } = target.createEncodedStreams();
      this.#ask('transform', { readable, writable, options }, [readable, writable]);
    } else {
      throw new Error('sealframe: this browser has no encoded transforms');
    }
  }

  #ask(request, args, transfer = []) {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, request, ...args }, transfer);
    return answer;
  }

  #receive({ id, result, error, state, observed }) {
    if (state !== undefined) return this.onstate(state);
    if (observed !== undefined) return this.#observe?.(observed);
    const { resolve, reject } = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) resolve(result);
    else reject(Object.assign(new Error(`sealframe: ${error.message}`), { code: error.code }));
  }
}

/** Members have 16 bits; more would be cut off on the way into the core. */
function checkMember(number) {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff) {
    throw new RangeError('sealframe: a member is a whole number from 0 to 65535');
  }
}
