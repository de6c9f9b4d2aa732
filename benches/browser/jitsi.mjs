// Fetches the worker of lib-jitsi-meet, which is not published on npm.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);

/**
 * A third-party build of release 2.6726. Its other dependencies are not available from npm, so only
 * this file is extracted.
 */
const JITSI = {
  name: '@lyno/lib-jitsi-meet@2.6726.2',
  integrity: 'sha512-cTrKBgy4ZHD6vyFTOAOx5ylyzjWs3ft6MLhmchu9zRq7uLr8omD4lE2fmSfoyoSqMjFc/3sU9XLYXiJ21hqQuw==',
  file: 'package/lib-jitsi-meet.e2ee-worker.js',
};

/** Extracts it into a folder; resolves to its path. */
export async function fetchJitsi(folder = fileURLToPath(new URL('./node_modules/.cache/jitsi', import.meta.url))) {
  await mkdir(folder, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, JITSI.name]);
  const tarball = join(folder, Object.values(JSON.parse(stdout))[0].filename);
  const digest = createHash('sha512').update(await readFile(tarball)).digest('base64');
  if (`sha512-${digest}` !== JITSI.integrity) throw new Error(`${JITSI.name} does not match its known hash`);
  await run('tar', ['-xzf', tarball, '-C', folder, JITSI.file]);
  return join(folder, JITSI.file);
}
