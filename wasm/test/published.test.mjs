// What npm would publish, as its users use it: in Node.js, with TypeScript, and in pages that are
// made by Vite, webpack, esbuild or by nothing, each opened in real Chromium and Firefox under a
// strict Content-Security-Policy.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import * as esbuild from 'esbuild';
import * as vite from 'vite';
import webpack from 'webpack';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from '../../examples/call/test/browser.mjs';

import { serve } from './serve.mjs';

const run = promisify(execFile);
const here = (path) => new URL(path, import.meta.url).pathname;
const TIMEOUT = { timeout: 120_000 };

/** Nothing but our own files; WebAssembly may be compiled. Scripts may not be evaluated. */
const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
  + "media-src 'self' blob: mediastream:";
const WITH_BLOB_WORKERS = STRICT.replace("worker-src 'self'", 'worker-src blob:');

const MODULES = ['sealframe_wasm_bg.wasm', 'sealframe_wasm_relaxed.wasm', 'sealframe_wasm_simd.wasm'];
const FILES = [
  'package.json',
  'README.md',
  ...[
    'LICENSE-APACHE',
    'LICENSE-MIT',
    'credentials.js',
    'errors.js',
    'frames.js',
    'frames.node.js',
    'index.js',
    'jitsi-worker.js',
    'livekit-worker.js',
    'profiles-worker.js',
    'profiles.js',
    'profiles.node.js',
    'sealframe_group_bg.wasm',
    'sealframe_profiles_bg.wasm',
    ...MODULES,
    'worker-inline.js',
    'worker.js',
    ...[
      'formats/frame-info',
      'formats/options',
      'formats/profiles',
      'formats/sframe/shared-secret-frames',
      'page/credentials',
      'page/group',
      'page/sealed-call',
      'page/worker-inline',
      'shared/bytes',
      'shared/errors',
      'shared/group-state',
      'shared/ids',
      'shared/streams',
    ].map((name) => `types/${name}.d.ts`),
  ].map((name) => `pkg/${name}`),
];

/** A folder with the pages and, in `node_modules`, the package as npm unpacks it. */
let site;
let packed;

before(async () => {
  site = await mkdtemp(join(tmpdir(), 'sealframe-site-'));
  await cp(here('./site'), site, { recursive: true });
  await writeFile(join(site, 'package.json'), '{ "type": "module" }');
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', site], { cwd: here('..') });
  [packed] = Object.values(JSON.parse(stdout));
  const home = join(site, 'node_modules/sealframe');
  await mkdir(home, { recursive: true });
  await run('tar', ['-xzf', join(site, packed.filename), '--strip-components=1', '-C', home]);
});

after(() => rm(site, { recursive: true, force: true }));

test('nothing is published that should not be, and nothing is missing', () => {
  assert.deepEqual(packed.files.map(({ path }) => path).sort(), [...FILES].sort());
});

test("the package has the crates' version", async () => {
  const manifest = await readFile(here('../../Cargo.toml'), 'utf8');
  assert.equal(packed.version, /^version = "(.*)"$/m.exec(manifest)[1]);
});

test('what a page loads stays within its budget', async (t) => {
  const sizes = {};
  for (const name of FILES.filter((file) => /\.(js|wasm)$/.test(file))) {
    const bytes = await readFile(here(`../${name}`));
    sizes[name] = [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
    t.diagnostic(`${name}: ${sizes[name][0]} bytes, gzip ${sizes[name][1]}, brotli ${sizes[name][2]}`);
  }
  const readme = await readFile(here('../README.md'), 'utf8');
  for (const [name, figures] of Object.entries(sizes)) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name.slice('pkg/'.length)}\` |`));
    const said = row?.split('|').slice(2, 5).map((cell) => Number(cell.replaceAll(',', '')));
    // Other compilers come to slightly other sizes.
    const isNear = said?.every((figure, place) => Math.abs(figure / figures[place] - 1) < 0.05);
    assert.ok(isNear, `${name}: the README says ${said}, it has ${figures}`);
  }
  const loads = [...MODULES.map((module) => [60_000, 'pkg/worker.js', `pkg/${module}`]),
    [147_000, 'pkg/sealframe_group_bg.wasm'], [64_500, 'pkg/jitsi-worker.js'], [64_500, 'pkg/livekit-worker.js']];
  for (const [most, ...files] of loads) {
    const together = files.reduce((sum, name) => sum + sizes[name][1], 0);
    assert.ok(together <= most, `${files.join(' with ')}: ${together} bytes by gzip, at most ${most}`);
  }
});

test('Node.js finds its own entry, and frames go through', async () => {
  const script = join(site, 'bot.mjs');
  await writeFile(script, `
    import assert from 'node:assert/strict';
    import * as page from 'sealframe';
    import { SharedSecretFrames, SealframeError } from 'sealframe/frames';
    import { JitsiFrames, SealframeError as same } from 'sealframe/profiles';
    import { ListJudge, SealframeError as alike } from 'sealframe/credentials';
    // One class, and one API under one name, wherever it is evaluated: it fails as it is used.
    assert.equal(same, SealframeError);
    assert.equal(alike, SealframeError);
    const identity = '07'.repeat(32);
    const presented = { identity, group: new Uint8Array(4), credential: new Uint8Array(0) };
    assert.equal((await new ListJudge(identity + ' alice').judge(presented)).user, 'alice');
    assert.equal(page.SealframeError, SealframeError);
    assert.deepEqual(Object.keys(page), ['SealedCall', 'SealframeError', 'createWorker', 'supportedFramings']);
    await assert.rejects(page.SealedCall.joinWithSecret({ secret: new Uint8Array(32).fill(7), member: 1 }), { code: 'NotSupported' });
    await assert.rejects(page.SealedCall.join({ group: new Uint8Array(4), credential: new Uint8Array(4), address: 'a' }), { code: 'NotSupported' });
    assert.throws(() => page.createWorker(), { name: 'SealframeError', code: 'NotSupported' });
    assert.throws((await import('sealframe/worker-inline')).createWorker, (error) => error instanceof SealframeError);
    const jitsi = await JitsiFrames.start();
    jitsi.setKey(0, new Uint8Array(32));
    const info = { type: 'audio', ssrc: 1, rtpTimestamp: 960 };
    assert.deepEqual(jitsi.open(jitsi.seal(new Uint8Array(40), info), info), new Uint8Array(40));
    const secret = new Uint8Array(32).fill(7);
    const [alice, bob] = [await SharedSecretFrames.start({ secret, member: 1 }), await SharedSecretFrames.start({ secret, member: 2 })];
    bob.addMember(1, alice.announcement());
    const stream = { kind: 'camera', codec: 'vp8' };
    const [sealer, opener] = [alice.sealer(stream), bob.opener({ ...stream, from: 1 })];
    const frame = Uint8Array.from({ length: 1200 }, (_, place) => place);
    const wire = sealer.seal(frame);
    assert.equal(wire.length > frame.length, true);
    const failing = (work, code) =>
      assert.throws(work, (error) => error instanceof SealframeError && error.code === code);
    failing(() => opener.open(frame), 'OtherMember');
    failing(() => opener.open(wire.map((byte, place) => (place === 900 ? byte ^ 1 : byte))), 'Unauthentic');
    assert.equal(opener.kid, null);
    assert.deepEqual(opener.open(wire), frame);
    assert.equal(typeof opener.kid, 'bigint');
    assert.equal(opener.kid, sealer.kid);
    failing(() => opener.open(wire), 'Replayed');
    failing(() => bob.addMember(3, alice.announcement()), 'WrongSender');
    assert.throws(() => bob.opener({ ...stream, from: 65537 }), TypeError);
    assert.throws(() => alice.sealer({ kind: 'camera', codec: 'h265' }), TypeError);
    alice.free();
    failing(() => sealer.seal(frame), 'NotStarted');
    await assert.rejects(SharedSecretFrames.start({ secret: secret.subarray(1, 9), member: 1 }), { code: 'SecretTooShort' });
    console.log('through');
  `);
  const { stdout } = await run(process.execPath, [script]);
  assert.equal(stdout, 'through\n');
});

/** A component as frameworks have them, which they evaluate on a server first. */
const COMPONENT = `
  import { SealedCall, SealframeError, createWorker, supportedFramings } from 'sealframe';
  import { createWorker as createInline } from 'sealframe/worker-inline';
  import { SharedSecretFrames } from 'sealframe/frames';
  import { LiveKitFrames } from 'sealframe/profiles';
  export const uses = { SealedCall, createWorker, createInline, supportedFramings, LiveKitFrames };
  export async function render() {
    const secret = new Uint8Array(32).fill(7);
    const code = await SealedCall.joinWithSecret({ secret, member: 1 }).catch((error) => error instanceof SealframeError && error.code);
    const frames = await SharedSecretFrames.start({ secret, member: 1 });
    return \`\${code} \${supportedFramings().full.length > 0} \${frames.sealer({ kind: 'camera', codec: 'vp8' }).seal(secret).length > 32}\`;
  }
`;

/** How a page is made for a server: each way gives the module. */
const SERVERS = {
  'Node.js itself': async (entry) => entry,
  Vite: async (entry, outDir) => {
    await vite.build({ root: site, logLevel: 'error', build: { ssr: entry, outDir, emptyOutDir: true } });
    return join(outDir, 'component.js');
  },
  'Vite, the package inside': async (entry, outDir) => {
    await vite.build({ root: site, logLevel: 'error', build: { ssr: entry, outDir, emptyOutDir: true }, ssr: { noExternal: true } });
    await copyModules(outDir);
    return join(outDir, 'component.js');
  },
  'webpack 5': async (entry, path) => {
    const compiler = webpack({
      context: site,
      entry,
      mode: 'production',
      target: 'node20',
      experiments: { outputModule: true },
      output: { path, filename: 'component.mjs', library: { type: 'module' }, chunkFormat: 'module' },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    assert.equal(stats.hasErrors(), false, stats.toString());
    return join(path, 'component.mjs');
  },
  esbuild: async (entry, outdir) => {
    const options = { absWorkingDir: site, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' };
    await esbuild.build({ ...options, entryPoints: [entry], outdir, outExtension: { '.js': '.mjs' } });
    await copyModules(outdir);
    return join(outdir, 'component.mjs');
  },
};

/** For those that look for no files behind URLs on servers. */
async function copyModules(folder) {
  for (const name of MODULES) await copyFile(join(site, 'node_modules/sealframe/pkg', name), join(folder, name));
}

describe('a component that is rendered on a server', () => {
  for (const [way, make] of Object.entries(SERVERS)) {
    test(way, TIMEOUT, async () => {
      const entry = join(site, 'component.js');
      await writeFile(entry, COMPONENT);
      const made = await make(entry, join(site, `server-${way.replace(/\W/g, '')}`));
      const script = `const { render } = await import(${JSON.stringify(made)}); console.log(await render());`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
      assert.equal(stdout, 'NotSupported true true\n');
    });
  }
});

describe('types', () => {
  test('allow what is meant and refuse the rest', TIMEOUT, async () => {
    const options = ['--noEmit', '--strict', '--noUncheckedIndexedAccess', '--target', 'es2022', '--lib', 'es2023,dom'];
    for (const modules of [['esnext', 'bundler'], ['nodenext', 'nodenext'], ['node16', 'node16']]) {
      const [module, resolution] = modules;
      const of = ['--module', module, '--moduleResolution', resolution, join(site, 'types.ts')];
      // It says what is wrong on its standard output.
      const { stdout } = await run(here('./node_modules/.bin/tsc'), [...options, ...of], { cwd: site }).catch((error) => error);
      assert.equal(stdout, '', resolution);
    }
  });

  test('leave nothing out', async () => {
    const { SharedSecretFrames, ...others } = await import(here('../pkg/frames.node.js'));
    const typed = await readFile(here('../pkg/types/formats/sframe/shared-secret-frames.d.ts'), 'utf8');
    const profiles = await import(here('../pkg/profiles.node.js'));
    const typedProfiles = await readFile(here('../pkg/types/formats/profiles.d.ts'), 'utf8');
    const credentials = await import(here('../pkg/credentials.js'));
    const typedCredentials = await readFile(here('../pkg/types/page/credentials.d.ts'), 'utf8');
    for (const [module, types] of [[profiles, typedProfiles], [credentials, typedCredentials]]) {
      for (const [name, exported] of Object.entries(module)) {
        const members = exported.prototype === undefined ? [] : Object.getOwnPropertyNames(exported.prototype);
        for (const said of [name, ...members]) assert.match(types, new RegExp(`\\b${said}\\b`), `${name}.${said}`);
      }
    }
    const page = await readFile(here('../pkg/index.js'), 'utf8');
    const typedPage = await readFile(here('../pkg/types/page/sealed-call.d.ts'), 'utf8');
    for (const name of [...Object.getOwnPropertyNames(SharedSecretFrames.prototype), ...Object.keys(others)]) {
      assert.match(typed, new RegExp(`\\b${name}\\b`));
    }
    const exported = /export \{([^}]*)\};\s*$/.exec(page)[1].split(',').map((name) => name.trim().replace(/^\w+ as /, ''));
    assert.deepEqual(exported.sort(), ['SealedCall', 'SealframeError', 'createWorker', 'supportedFramings'].sort());
    const body = page.slice(page.indexOf('var SealedCall = class'));
    const members = [...body.slice(0, body.indexOf('\n};')).matchAll(/^ {2}(?:async |get )?([a-zA-Z]\w*)(?: =|\()/gm)];
    assert.ok(members.length > 10, 'members are found');
    for (const [, name] of members) assert.match(typedPage, new RegExp(`\\b${name}\\b`), name);
  });
});

/** In a page: which tokens are judged otherwise than their vectors say. */
async function judgeAll(text) {
  const { OidcJudge, newIdentity } = await import('/node_modules/sealframe/pkg/credentials.js');
  const { issuer, audiences, key_sets: keySets, oidc } = JSON.parse(text);
  const others = [];
  for (const { name, credential, identity, group_id: group, now, keys, setup, accepted, refusal } of oidc) {
    const judge = new OidcJudge({
      issuer: setup.issuer ?? issuer, audiences: setup.audiences ?? audiences, keys: keySets[keys].json, user: setup.user_claim,
      bindings: setup.bindings, leeway: setup.leeway, maxAge: setup.any_age ? Infinity : undefined, sinceIssued: setup.since_issued,
      callClaim: setup.call_claim, callForm: setup.call_form, callRequired: setup.call_required,
    });
    const presented = {
      identity, group: Uint8Array.from(group.match(/../g) ?? [], (each) => parseInt(each, 16)), credential: new TextEncoder().encode(credential), now,
    };
    const said = await judge.judge(presented).then(({ user }) => user, ({ code }) => code);
    if (said !== (accepted?.user ?? refusal)) others.push(`${name}: ${said}`);
  }
  return { others, judged: oidc.length, identity: (await newIdentity()).identity.length };
}

/** How a page is made: each way gives the folder to serve. */
const MAKERS = {
  'without a tool': { policy: STRICT, make: () => pageFor(site, 'plain.js').then(() => site) },
  Vite: {
    policy: STRICT,
    async make() {
      const outDir = join(site, 'dist-vite');
      await pageFor(site, 'app.js');
      await vite.build({ root: site, logLevel: 'error', build: { outDir } });
      return outDir;
    },
  },
  'webpack 5': {
    policy: STRICT,
    async make() {
      const path = join(site, 'dist-webpack');
      const compiler = webpack({
        context: site,
        entry: './app.js',
        mode: 'production',
        output: { path, filename: 'app.js', publicPath: '/' },
      });
      const stats = await promisify(compiler.run.bind(compiler))();
      assert.equal(stats.hasErrors(), false, stats.toString());
      await pageFor(path, 'app.js');
      return path;
    },
  },
  'esbuild, worker beside the page': {
    policy: STRICT,
    async make() {
      const outdir = join(site, 'dist-esbuild');
      await bundle('app.js', outdir);
      for (const name of ['worker.js', 'sealframe_group_bg.wasm', ...MODULES]) {
        await copyFile(join(site, 'node_modules/sealframe/pkg', name), join(outdir, name));
      }
      return outdir;
    },
  },
  'esbuild, worker inline, under Trusted Types': {
    policy: `${WITH_BLOB_WORKERS}; require-trusted-types-for 'script'; trusted-types sealframe`,
    async make() {
      const outdir = join(site, 'dist-trusted');
      await bundle('inline.js', outdir);
      return outdir;
    },
  },
  'esbuild, worker inline': {
    policy: WITH_BLOB_WORKERS,
    async make() {
      const outdir = join(site, 'dist-inline');
      await bundle('inline.js', outdir);
      return outdir;
    },
  },
};

async function bundle(entry, outdir) {
  const options = { absWorkingDir: site, bundle: true, format: 'esm', minify: true, logLevel: 'error' };
  await esbuild.build({ ...options, entryPoints: [entry], outdir });
  await pageFor(outdir, entry);
}

/** Writes the page that loads this script. */
async function pageFor(folder, script) {
  const page = await readFile(here('./site/index.html'), 'utf8');
  await writeFile(join(folder, 'index.html'), page.replace('./app.js', `./${script}`));
}

const ENCRYPTED = {
  'seal microphone': 'encrypted',
  'seal camera': 'encrypted',
  'open microphone': 'encrypted',
  'open camera': 'encrypted',
};

/** Opens a page and lets it call itself. */
async function callIn(browser, url, prepare) {
  const page = await browser.newPage();
  if (prepare !== undefined) await page.evaluateOnNewDocument(prepare);
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  try {
    await page.goto(url);
    // Through a message, not a wrapped promise: an error is to be read here.
    const outcome = await page.evaluate(() =>
      Promise.resolve(globalThis.outcome ?? 'the script did not run').catch((error) => String(error)));
    assert.deepEqual(outcome, ENCRYPTED, said.join('\n'));
  } finally {
    await page.close();
  }
}

for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
  describe(`pages in ${name}`, async () => {
    if (name === 'Firefox' && !(await isInstalled(FIREFOX))) return test(`no ${FIREFOX}`, { skip: true });
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser.close());

    for (const [way, { make, policy }] of Object.entries(MAKERS)) {
      test(way, TIMEOUT, async () => {
        const server = await serve([await make()], policy);
        try {
          await callIn(browser, server.url);
        } finally {
          server.close();
        }
      });
    }

    test('ID tokens are judged as in Node.js', TIMEOUT, async () => {
      const vectors = await readFile(here('../../crates/testkit/vectors/credentials/credentials.json'), 'utf8');
      await writeFile(join(site, 'judge.html'), '<!doctype html>');
      const server = await serve([site], STRICT);
      const page = await browser.newPage();
      try {
        await page.goto(`${server.url}judge.html`);
        const told = await page.evaluate(judgeAll, vectors);
        assert.deepEqual(told.others, []);
        assert.equal(told.judged, 133);
        assert.equal(told.identity, 64);
      } finally {
        await page.close();
        server.close();
      }
    });

    if (name === 'Chromium') test('where there is createEncodedStreams alone', TIMEOUT, async () => {
      const { make, policy } = MAKERS['without a tool'];
      const server = await serve([await make()], policy);
      try {
        await callIn(browser, server.url, () => { delete globalThis.RTCRtpScriptTransform; });
      } finally {
        server.close();
      }
    });

    test("Vite's development server", TIMEOUT, async () => {
      await pageFor(site, 'app.js');
      const server = await vite.createServer({ root: site, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } });
      await server.listen();
      try {
        await callIn(browser, server.resolvedUrls.local[0]);
      } finally {
        await server.close();
      }
    });
  });
}
