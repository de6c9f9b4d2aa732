// Makes `pkg`, what npm publishes, of `build`: our scripts beside the module and its bindings. Run by `cargo wasm`,
// `cargo demo` and `cargo verify`.

import { copyFile, cp, mkdir, readFile, rm } from 'node:fs/promises';

import { build } from 'esbuild';

const here = (path) => new URL(path, import.meta.url).pathname;
const MODULES = [
  'sealframe_wasm_relaxed.wasm',
  'sealframe_wasm_simd.wasm',
  'sealframe_wasm_bg.wasm',
  'sealframe_group_bg.wasm',
];

const options = {
  absWorkingDir: here('./build'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

/** Another `module.js`: bytes from elsewhere than a file beside the script. */
const moduleFrom = (script) => ({
  name: 'module',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/module\.js$/ }, ({ importer }) =>
      importer.endsWith(script) ? undefined : { path: here(`./build/${script}`) });
  },
});

/** The worker as one classic script, with the module inside. */
async function inlineSource() {
  const { outputFiles } = await build({
    ...options,
    entryPoints: ['worker.js'],
    format: 'iife',
    minify: true,
    write: false,
    loader: { '.wasm': 'binary' },
    // The bindings would look for the module's file there if they were not given it.
    define: { 'import.meta.url': 'location.href' },
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
await build({ ...options, entryPoints: ['index.js', 'frames.js', 'worker-inline.js'], outdir: pkg, plugins: [inline] });
// The bindings would warn of servers that know no type for the module; it loads all the same.
await build({ ...options, entryPoints: ['worker.js'], minify: true, drop: ['console'], outdir: pkg });
await build({
  ...options,
  entryPoints: { 'frames.node': 'frames.js' },
  platform: 'node',
  outdir: pkg,
  plugins: [moduleFrom('module.node.js')],
});
for (const module of MODULES) await copyFile(here(`./build/${module}`), `${pkg}/${module}`);
await cp(here('./types'), pkg, { recursive: true });
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) await copyFile(here(`../${licence}`), `${pkg}/${licence}`);
