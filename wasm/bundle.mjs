// Makes `pkg`, what npm publishes, of `build`: our scripts beside the module and its bindings. Run by `cargo wasm`,
// `cargo demo` and `cargo verify`.

import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';

import { build } from 'esbuild';

const here = (path) => new URL(path, import.meta.url).pathname;
const MODULES = [
  'sealframe_wasm_relaxed.wasm',
  'sealframe_wasm_simd.wasm',
  'sealframe_wasm_bg.wasm',
  'sealframe_group_bg.wasm',
  'sealframe_profiles_bg.wasm',
];

/**
 * The bindings' one way of handing bytes to a module, which would take anything: a string as zeros,
 * an `ArrayBuffer` as no bytes. It goes through the door too, so that nobody gets past it, the next
 * author neither.
 */
async function guardBindings() {
  const PASS = 'function passArray8ToWasm0(arg, malloc) {\n';
  for (const name of (await readdir(here('./build'))).filter((file) => /^sealframe_.*\.js$/.test(file))) {
    const bindings = await readFile(here(`./build/${name}`), 'utf8');
    const guarded = bindings.replace(PASS, `${PASS}    arg = viewOf(arg, 'bytes');\n`);
    if (guarded === bindings || /function pass(?!Array8ToWasm0)/.test(bindings)) {
      throw new Error(`${name} hands values over in a way that is not guarded`);
    }
    await writeFile(here(`./build/${name}`), `import { viewOf } from './arguments.js';\n${guarded}`);
  }
}

const options = {
  absWorkingDir: here('./build'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** Another `module.js`, or one of these: bytes from elsewhere than a file beside the script. */
const moduleFrom = (script, of = 'module.js') => ({
  name: of,
  setup({ onResolve }) {
    onResolve({ filter: /module\.js$/ }, ({ importer, path }) =>
      path !== `./${of}` || importer.endsWith(script) ? undefined : { path: here(`./build/${script}`) });
  },
});

/** A module for one format in place of the one for all, with its bindings. */
const bindingsOf = (name) => ({
  name,
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/sealframe_profiles/ }, ({ path }) =>
      ({ path: here(`./build/${path.replace('sealframe_profiles', name)}`) }));
  },
});

/** Of a worker as one script with the module inside, which runs as a module and as a classic script. */
const alone = {
  ...options,
  format: 'iife',
  minify: true,
  loader: { '.wasm': 'binary' },
  // The bindings would look for the module's file there if they were not given it.
  define: { 'import.meta.url': 'location.href' },
};

/**
 * Our errors are of one class in all entry points: the file that has it is beside them, not in each
 * of them.
 */
const oneError = {
  name: 'one error',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/failure\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

await guardBindings();

async function inlineSource() {
  const { outputFiles } = await build({
    ...alone,
    entryPoints: ['worker.js'],
    write: false,
    plugins: [moduleFrom('module.inline.js')],
  });
  return outputFiles[0].text;
}

const source = await inlineSource();
const inline = {
  name: 'inline',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^sealframe-worker-source$/ }, ({ path }) => ({ path, namespace: 'inline' }));
    onLoad({ filter: /.*/, namespace: 'inline' }, () => ({ contents: source, loader: 'text' }));
  },
};

const pkg = here('./pkg');
await rm(pkg, { recursive: true, force: true });
await mkdir(pkg);
await build({ ...options, entryPoints: ['index.js', 'credentials.js', 'frames.js', 'profiles.js', 'worker-inline.js'], outdir: pkg, plugins: [inline, oneError] });
// The bindings would warn of servers that know no type for the module; it loads all the same. The worker frees its call itself.
const define = { 'Symbol.dispose': 'undefined', FinalizationRegistry: 'undefined' };
await build({ ...options, entryPoints: ['worker.js'], minify: true, drop: ['console'], define, outdir: pkg });
await build({ ...options, entryPoints: ['profiles-worker.js'], minify: true, drop: ['console'], outdir: pkg });
for (const system of ['jitsi', 'livekit']) {
  await build({
    ...alone,
    entryPoints: [`${system}-worker.js`],
    drop: ['console'],
    outdir: pkg,
    plugins: [bindingsOf(`sealframe_${system}`)],
  });
}
await build({
  ...options,
  entryPoints: { 'frames.node': 'frames.js', 'profiles.node': 'profiles.js' },
  platform: 'node',
  outdir: pkg,
  plugins: [moduleFrom('module.node.js'), moduleFrom('profiles-module.node.js', 'profiles-module.js'), oneError],
});
await copyFile(here('./build/failure.js'), `${pkg}/failure.js`);
for (const module of MODULES) await copyFile(here(`./build/${module}`), `${pkg}/${module}`);
await cp(here('./types'), pkg, { recursive: true });
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) await copyFile(here(`../${licence}`), `${pkg}/${licence}`);
