// Serves the page with all contestants' workers. Cross-origin isolated, for the finest clock
// resolution.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { fetchJitsi } from './jitsi.mjs';

const here = (path) => new URL(path, import.meta.url).pathname;

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** Listens on a port, 0 for any; resolves to `{url, close}`. */
export async function serve(port = 0) {
  const single = {
    '/livekit/worker.mjs': here('./node_modules/livekit-client/dist/livekit-client.e2ee.worker.mjs'),
    '/jitsi/worker.js': await fetchJitsi(here('./node_modules/.cache/jitsi')),
  };
  const fileOf = (path) => {
    if (single[path] !== undefined) return single[path];
    const ours = /^\/sealframe\/([\w.-]+)$/.exec(path);
    if (ours !== null) return here(`../../wasm/pkg/${ours[1]}`);
    return join(here('./page'), path === '/' ? 'index.html' : path);
  };
  const server = createServer(async ({ url }, response) => {
    const file = fileOf(normalize(new URL(url, 'http://localhost').pathname));
    try {
      const bytes = await readFile(file);
      response.writeHead(200, {
        'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
