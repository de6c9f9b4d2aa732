// What the build puts in the place of these imports.

declare module '*.wasm' {
  /** The bytes of the module. */
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

declare module 'sealframe-worker-source' {
  /** The whole worker as one script. */
  const source: string;
  export default source;
}

declare module 'node:fs/promises' {
  /** The bytes of a file. */
  export function readFile(file: URL): Promise<Uint8Array<ArrayBuffer>>;
}
