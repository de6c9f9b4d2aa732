// The worker: every frame of a call passes through here, between encoder and packetizer, and between
// depacketizer and decoder. Whatever does not seal or open is dropped.

import init, { Call, errorName } from './sealframe_wasm.js';
import { clearPrefix, streamKind } from './codec.js';
import { FrameMemory } from './memory.js';
import { StreamState } from './state.js';

/** Set by the `start` message. Until then every frame is dropped. */
let call = null;
let observe = false;
/** Where frames are sealed and opened. */
let memory = null;

// Attached synchronously: a transform may be constructed before the module's first await ends.
self.onrtctransform = ({ transformer }) => {
  run(transformer.readable, transformer.writable, transformer.options, transformer).catch(die);
};

const requests = {
  async start({ secret, sender, observe: wanted }) {
    const wasm = await init({
      module_or_path: new URL('./sealframe_wasm_bg.wasm', import.meta.url),
    });
    memory = new FrameMemory(wasm.memory);
    call = new Call(secret, sender);
    secret.fill(0);
    observe = wanted;
  },
  /** Old Chromium: the streams of createEncodedStreams, moved here. */
  transform({ readable, writable, options }) {
    run(readable, writable, options, null).catch(die);
  },
  announcement: () => started().announcement(),
  addMember: ({ from, announcement }) => started().addMember(from, announcement),
  removeMember: ({ from }) => started().removeMember(from),
  ratchet: () => started().ratchet(),
  tryOpen({ from, kind, index, codec, wire }) {
    started();
    const opened = open({ from, kind: streamKind(kind), index, prefix: clearPrefix(codec) }, wire);
    return opened.data === null ? { ok: false, code: opened.code } : { ok: true };
  },
  close() {
    call?.free();
    call = null;
    self.close();
  },
};

self.onmessage = async ({ data: { id, request, ...args } }) => {
  try {
    self.postMessage({ id, result: await requests[request](args) });
  } catch (error) {
    // The core throws its codes as strings.
    const code = typeof error === 'string' ? error : 'Other';
    self.postMessage({ id, error: { code, message: String(error?.message ?? error) } });
  }
};

function started() {
  if (call === null) throw 'NotStarted';
  return call;
}

/** What ends a stream is the page's to know: outside a promise it reaches the worker's `onerror`. */
function die(error) {
  setTimeout(() => {
    throw error;
  });
}

/** Passes frames on, one by one and in order, until the track ends. */
async function run(readable, writable, options, transformer) {
  const { direction, from, kind, index, codec } = options;
  const stream = {
    from,
    index,
    kind: streamKind(kind),
    prefix: clearPrefix(codec),
  };
  const step = direction === 'seal' ? seal : open;
  let last = null;
  const state = new StreamState({ from, kind, index, direction }, (update) => {
    self.postMessage({ state: update });
    // Frames were missing until now: the decoder needs a new start.
    const starts = update.state === 'encrypted' && last !== 'encrypted';
    last = update.state;
    if (starts && direction === 'open' && codec !== 'opus') {
      transformer?.sendKeyFrameRequest?.()?.catch?.(() => {});
    }
  });
  const reader = readable.getReader();
  const writer = writable.getWriter();
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) break;
    if (call === null) continue;
    const before = new Uint8Array(frame.data);
    const { data, code } = step(stream, before);
    state.count(code);
    if (data === null) continue;
    if (observe) report(options, before, data);
    frame.data = data.buffer;
    // Not awaited: the next frame need not wait for this one's packets. A closed track ends the loop.
    writer.write(frame).catch(() => {});
  }
}

/** Seals one frame: `data` is new bytes, or null with a `code` that says why not. */
function seal({ kind, index, prefix }, frame) {
  return inMemory(frame, (length) => call.seal(length, kind, index, prefix));
}

/** Opens one frame, likewise. */
function open({ from, kind, index, prefix }, frame) {
  return inMemory(frame, (length) => call.open(from, length, kind, index, prefix));
}

function inMemory(frame, work) {
  const result = memory.run(call, frame, work);
  return typeof result === 'number' ? { data: null, code: errorName(result) } : { data: result, code: null };
}

/** Shows the page what went in and out; it has the media anyway, a server must never see this. */
function report({ direction, from, kind, index }, before, after) {
  const [clear, wire] = direction === 'seal' ? [before, after] : [after, before];
  const observed = {
    direction: direction === 'seal' ? 'sealed' : 'opened',
    from,
    kind,
    index,
    clear: clear.slice(),
    wire: wire.slice(),
  };
  self.postMessage({ observed }, [observed.clear.buffer, observed.wire.buffer]);
}
