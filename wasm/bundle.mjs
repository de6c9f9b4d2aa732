// Makes `pkg`, which npm publishes, of the modules and their bindings in `build` and of our scripts
// in `js/src`. Run by `cargo wasm`, `cargo demo` and `cargo verify`.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
  const GUARD = "import { viewOf } from './js/shared/arguments.js';\n";
  for (const name of (await readdir(here('./build'))).filter((file) => /^sealframe_.*\.js$/.test(file))) {
    const bindings = await readFile(here(`./build/${name}`), 'utf8');
    if (bindings.startsWith(GUARD)) continue;
    const guarded = bindings.replace(PASS, `${PASS}    arg = viewOf(arg, 'bytes');\n`);
    if (guarded === bindings || /function pass(?!Array8ToWasm0)/.test(bindings)) {
      throw new Error(`${name} hands values over in a way that is not guarded`);
    }
    await writeFile(here(`./build/${name}`), GUARD + guarded);
  }
}

/** Checks the types of all scripts, and writes their declarations into `build/types`. */
async function checkTypes() {
  const tsc = execFile(here('./node_modules/.bin/tsc'), ['--project', here('./js')]);
  tsc.stdout.pipe(process.stderr);
  const [code] = await once(tsc, 'exit');
  if (code !== 0) throw new Error('the scripts have errors of type');
}

/** Copies the declarations of these scripts, and of what they lead to, into the package. */
async function copyTypes(scripts) {
  const wanted = new Set(scripts.map((script) => script.replace(/\.js$/, '.d.ts')));
  for (const file of wanted) {
    const text = await readFile(here(`./build/types/${file}`), 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import\() ?['"](\.[^'"]*)\.js['"]/g)) {
      wanted.add(join(dirname(file), `${path}.d.ts`));
    }
    await mkdir(dirname(`${pkg}/types/${file}`), { recursive: true });
    await writeFile(`${pkg}/types/${file}`, text);
  }
}

/** Each script by itself, in the same folders: what is bundled below, and what tests import. */
async function compileScripts() {
  const all = await readdir(here('./js/src'), { recursive: true });
  await build({
    absWorkingDir: here('./js/src'),
    entryPoints: all.filter((file) => /(?<!\.d|\.check)\.ts$/.test(file)),
    outdir: here('./build/js'),
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    logLevel: 'warning',
  });
}

const options = {
  absWorkingDir: here('./build/js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * Takes one script where another one is imported: bytes come from elsewhere than a fetched file.
 */
const instead = (of, script) => ({
  name: of,
  setup({ onResolve }) {
    const wanted = new RegExp(`/loader/${of}\\.js$`);
    onResolve({ filter: wanted }, ({ importer }) =>
      importer.endsWith(`/${script}.js`) ? undefined : { path: here(`./build/js/loader/${script}.js`) });
  },
});

/** A module for one format in place of the one for all, with its bindings. */
const bindingsOf = (name) => ({
  name,
  setup({ onResolve }) {
    onResolve({ filter: /\/build\/sealframe_profiles/ }, ({ path }) =>
      ({ path: here(`./build/${path.slice(path.indexOf('sealframe_profiles')).replace('sealframe_profiles', name)}`) }));
  },
});

/**
 * Of a worker as one script with the module inside, which runs as a module and as a classic script.
 */
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
    onResolve({ filter: /\/shared\/errors\.js$|^\.\/errors\.js$/ }, () => ({ path: './errors.js', external: true }));
  },
};

await guardBindings();
await Promise.all([checkTypes(), compileScripts()]);

async function inlineSource() {
  const { outputFiles } = await build({
    ...alone,
    entryPoints: ['worker/main.js'],
    write: false,
    plugins: [instead('browser', 'inline')],
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
/** By file of the package: the script that it begins with. */
const ENTRIES = {
  index: 'page/sealed-call.js',
  credentials: 'page/credentials.js',
  frames: 'formats/sframe/shared-secret-frames.js',
  profiles: 'formats/profiles.js',
  'worker-inline': 'page/worker-inline.js',
};
await build({ ...options, entryPoints: ENTRIES, outdir: pkg, plugins: [inline, oneError] });
// The bindings would warn of servers that know no type for the module; it loads all the same.
const define = { 'Symbol.dispose': 'undefined' };
/** Takes out of the bindings what the worker does without: it frees its call itself. */
const slim = {
  name: 'slim bindings',
  setup({ onLoad }) {
    onLoad({ filter: /\/build\/sealframe_\w+\.js$/ }, async ({ path }) => {
      const bindings = await readFile(path, 'utf8');
      const contents = bindings.replaceAll(/^ *\w+Finalization\.(un)?register\(.*\);\n/gm, '')
        .replaceAll(/^const \w+Finalization = [^;]*;\n/gm, '')
        // A script fetches its own module as it was fetched itself: its response can be read.
        .replaceAll(/^ *function expectedResponseType\(type\) \{.*?^    \}\n/gms, '')
        .replaceAll('expectedResponseType(module.type)', 'true');
      const kept = /Finalization\.|expectedResponseType/.exec(contents);
      if (kept !== null) throw new Error(`${path} still has ${kept}`);
      return { contents };
    });
  },
};
const worker = { ...options, minify: true, drop: ['console'], outdir: pkg };
// Names that nothing outside of the script uses.
const mangleProps = /^(__(wbg_ptr|wrap|destroy_into_raw)|kidLow|kidHigh|isReady|headerLength|prefixLength|sendKid|roomLength|dropErased|hasRoom|forgetStream|unpark|giveUp|sourceAt|module_or_path|erasures|slope)$/;
await build({ ...worker, entryPoints: { worker: 'worker/main.js' }, define, mangleProps, plugins: [slim] });
await build({ ...worker, entryPoints: { 'profiles-worker': 'formats/worker.js' } });
for (const system of ['jitsi', 'livekit']) {
  await build({
    ...alone,
    entryPoints: { [`${system}-worker`]: `formats/${system}/worker.js` },
    drop: ['console'],
    outdir: pkg,
    plugins: [bindingsOf(`sealframe_${system}`)],
  });
}
await build({
  ...options,
  entryPoints: { 'frames.node': ENTRIES.frames, 'profiles.node': ENTRIES.profiles },
  platform: 'node',
  outdir: pkg,
  plugins: [instead('browser', 'node'), instead('profiles-browser', 'profiles-node'), oneError],
});
await copyFile(here('./build/js/shared/errors.js'), `${pkg}/errors.js`);
for (const module of MODULES) await copyFile(here(`./build/${module}`), `${pkg}/${module}`);
await copyTypes(Object.values(ENTRIES));
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) await copyFile(here(`../${licence}`), `${pkg}/${licence}`);
