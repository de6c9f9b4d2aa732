// Fetches the worker of lib-jitsi-meet, which publishes nothing on npm itself.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);

/**
 * Somebody else's build of release 2.6726. Its other dependencies are not to be had from npm, so only the one file is taken
 * out of it.
 */
const JITSI = {
  name: '@lyno/lib-jitsi-meet@2.6726.2',
  integrity: 'sha512-cTrKBgy4ZHD6vyFTOAOx5ylyzjWs3ft6MLhmchu9zRq7uLr8omD4lE2fmSfoyoSqMjFc/3sU9XLYXiJ21hqQuw==',
  file: 'package/lib-jitsi-meet.e2ee-worker.js',
};

/** Puts it into a folder, and says where it is. */
export async function fetchJitsi(folder = fileURLToPath(new URL('./node_modules/.cache/jitsi', import.meta.url))) {
  await mkdir(folder, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, JITSI.name]);
  const tarball = join(folder, Object.values(JSON.parse(stdout))[0].filename);
  const digest = createHash('sha512').update(await readFile(tarball)).digest('base64');
  if (`sha512-${digest}` !== JITSI.integrity) throw new Error(`${JITSI.name} is not the one that is known`);
  await run('tar', ['-xzf', tarball, '-C', folder, JITSI.file]);
  return join(folder, JITSI.file);
}
