// Serves the page with everybody's worker. Isolated from other origins, so that clocks are as fine as they get.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';

const here = (path) => new URL(path, import.meta.url).pathname;
const run = promisify(execFile);

/**
 * The worker of lib-jitsi-meet, which publishes nothing on npm itself: this is somebody else's build of release 2.6726.
 * Its other dependencies are not to be had from npm, so only the one file is taken out of it.
 */
const JITSI = {
  name: '@lyno/lib-jitsi-meet@2.6726.2',
  integrity: 'sha512-cTrKBgy4ZHD6vyFTOAOx5ylyzjWs3ft6MLhmchu9zRq7uLr8omD4lE2fmSfoyoSqMjFc/3sU9XLYXiJ21hqQuw==',
  file: 'package/lib-jitsi-meet.e2ee-worker.js',
};

async function fetchJitsi() {
  const folder = here('./node_modules/.cache/jitsi');
  await mkdir(folder, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, JITSI.name]);
  const tarball = join(folder, Object.values(JSON.parse(stdout))[0].filename);
  const digest = createHash('sha512').update(await readFile(tarball)).digest('base64');
  if (`sha512-${digest}` !== JITSI.integrity) throw new Error(`${JITSI.name} is not the one that is known`);
  await run('tar', ['-xzf', tarball, '-C', folder, JITSI.file]);
  return join(folder, JITSI.file);
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/** Listens on a port, 0 for any; resolves to `{url, close}`. */
export async function serve(port = 0) {
  const single = {
    '/livekit/worker.mjs': here('./node_modules/livekit-client/dist/livekit-client.e2ee.worker.mjs'),
    '/jitsi/worker.js': await fetchJitsi(),
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
