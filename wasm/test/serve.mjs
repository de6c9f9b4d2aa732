// Serves files to pages.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** Serves folders, the first that has a file, under a policy. Resolves to `{url, close}`. */
export async function serve(folders, policy) {
  const server = createServer(async ({ url }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    for (const folder of folders) {
      const file = join(folder, path === '/' ? 'index.html' : path);
      const bytes = await readFile(file).catch(() => null);
      if (bytes === null) continue;
      return response.writeHead(200, { 'Content-Type': TYPES[extname(file)], 'Content-Security-Policy': policy }).end(bytes);
    }
    response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
