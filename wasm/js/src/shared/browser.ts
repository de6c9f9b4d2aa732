// What browsers have and TypeScript's own library does not describe, or describes for pages and
// workers apart.

/** An encoded frame of a sender or receiver. */
export interface EncodedFrame {
  data: ArrayBuffer;
  /** Missing in frames of sound. */
  readonly type?: 'key' | 'delta' | 'empty';
  /** The RTP timestamp, where older browsers have it. */
  readonly timestamp?: number;
  getMetadata(): FrameMetadata;
}

/** What a browser says of an encoded frame; older ones say less. */
export interface FrameMetadata {
  mimeType?: string;
  payloadType?: number;
  rtpTimestamp?: number;
  synchronizationSource?: number;
}

/** Frames on their way through a worker. */
export type FrameSource = ReadableStream<EncodedFrame>;
/** Where they go on. */
export type FrameSink = WritableStream<EncodedFrame>;

/** The worker's end of an `RTCRtpScriptTransform`. */
export interface Transformer {
  readonly readable: FrameSource;
  readonly writable: FrameSink;
  readonly options: unknown;
  sendKeyFrameRequest?(): Promise<unknown> | undefined;
  generateKeyFrame?(): Promise<unknown>;
}

/** The global scope of a dedicated worker, as far as ours use it. */
export interface WorkerScope {
  onmessage: ((event: { data: unknown }) => void) | null;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  close(): void;
}

/** This worker's own scope. */
export const scope = self as unknown as WorkerScope;
