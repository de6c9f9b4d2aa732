//! The steps of `cargo verify`, in the order in which each lane takes them.

mod browsers;
mod package;
mod project;
mod rust;

use anyhow::Result;

pub(super) use self::rust::program;

use crate::{checks, shell::Shell};

/// Steps of one lane never run at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// They share cargo's lock and both cores.
    Cargo,
    /// They play media in real time, and get processors first.
    Browsers,
    /// The rest: small scripts.
    Scripts,
}

impl Lane {
    pub(super) const ALL: [Self; 3] = [Self::Cargo, Self::Browsers, Self::Scripts];
}

pub(super) type Run = fn(&Shell) -> Result<()>;

pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) lane: Lane,
    /// Steps that must have passed before.
    pub(super) needs: &'static [&'static str],
    pub(super) run: Run,
    /// What `--quick` runs of it, if anything.
    pub(super) quick: Option<Run>,
}

impl Step {
    const fn new(lane: Lane, name: &'static str, what: &'static str, run: Run) -> Self {
        Self { name, what, lane, needs: &[], run, quick: None }
    }

    const fn needs_also(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    const fn quick(mut self, run: Run) -> Self {
        self.quick = Some(run);
        self
    }
}

use Lane::{Browsers, Cargo, Scripts};

/// What every test in a browser takes.
const CALLS: &[&str] = &["build", "package"];

pub(super) const STEPS: &[Step] = &[
    Step::new(Cargo, "build", "every Rust test and both example programs, compiled", rust::build)
        .quick(rust::build),
    Step::new(Cargo, "package", "the WebAssembly modules and the npm package, built", package::build)
        .quick(package::build),
    Step::new(
        Cargo,
        "tests",
        "Rust tests: vectors, properties, fuzz seeds, documentation examples",
        rust::tests,
    )
    .needs_also(&["build"])
    .quick(rust::quick_tests),
    Step::new(Cargo, "lints", "clippy over all targets", rust::lints).quick(rust::lints),
    Step::new(Cargo, "docs", "documentation without broken links", rust::documentation),
    Step::new(Cargo, "features", "each feature alone, and none, linted", rust::features),
    Step::new(
        Cargo,
        "oldest",
        "the oldest Rust: unit tests with ring, all tests of the media path without it",
        rust::oldest,
    ),
    Step::new(Cargo, "seeds", "fuzz seeds made again by their program", rust::seeds)
        .needs_also(&["build"]),
    Step::new(
        Cargo,
        "packages",
        "published packages are complete, and cargo makes them",
        checks::packages::step,
    ),
    Step::new(Cargo, "bare-metal", "no operating system (thumbv7em-none-eabihf)", rust::bare_metal),
    Step::new(Cargo, "aarch64", "the kernel on AArch64, emulated by QEMU", rust::aarch64),
    Step::new(Cargo, "wasi", "the kernel in WebAssembly, run by Node.js", rust::wasi),
    Step::new(
        Cargo,
        "taint",
        "no secret decides a branch or an address in the package's modules",
        rust::taint,
    )
    .needs_also(&["build", "package"]),
    Step::new(Cargo, "miri", "undefined behaviour in small tests, by Miri", rust::miri),
    Step::new(
        Browsers,
        "published",
        "the npm package in Node.js, TypeScript, Vite, webpack, esbuild and browsers",
        browsers::published,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "connections",
        "every member of a protected connection, and what it negotiates",
        browsers::connections,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "calls",
        "encrypted calls in Chromium and Firefox through the example server",
        browsers::calls,
    )
    .needs_also(CALLS)
    .quick(browsers::one_call),
    Step::new(
        Browsers,
        "lives",
        "calls through frozen pages, a lost network, a server that restarts, reloads, second windows",
        browsers::lives,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "leaks",
        "every way to send media, and nothing readable at the server",
        browsers::leaks,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "server",
        "what the example server carries and records of clear media, and what it bears",
        browsers::server,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "peers",
        "calls between our workers and those of LiveKit and Jitsi, in Chromium",
        browsers::peers,
    )
    .needs_also(CALLS),
    Step::new(
        Browsers,
        "bots",
        "the bot with LiveKit's native client, and with LiveKit's and Jitsi's workers",
        browsers::bots,
    )
    .needs_also(CALLS),
    Step::new(Scripts, "format", "rustfmt changes nothing", project::format).quick(project::format),
    Step::new(Scripts, "spelling", "no known misspelling", project::spelling).quick(project::spelling),
    Step::new(Scripts, "comments", "no comment is wider than 100 columns", checks::width::step)
        .quick(checks::width::step),
    Step::new(Scripts, "wildcards", "no wildcard over an enum of ours", checks::wildcards::step)
        .quick(checks::wildcards::step),
    Step::new(Scripts, "circles", "no files that import each other", checks::circles::step)
        .quick(checks::circles::step),
    Step::new(Scripts, "layers", "crates depend on each other as drawn", checks::layers::step)
        .quick(checks::layers::step),
    Step::new(Scripts, "duplicates", "no six lines of code twice", checks::duplicates::step)
        .quick(checks::duplicates::step),
    Step::new(Scripts, "links", "links in documents lead somewhere", checks::links::step)
        .quick(checks::links::step),
    Step::new(Scripts, "licences", "licences, sources and duplicates of dependencies", project::deny),
    Step::new(Scripts, "vectors", "test vectors made again by their Python scripts", project::vectors),
    Step::new(Scripts, "node", "the npm package in Node.js", package::in_node)
        .needs_also(&["package"])
        .quick(package::in_node),
];
