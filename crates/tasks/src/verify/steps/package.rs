//! Steps that build the npm package and test it in Node.js.

use std::process::Command;

use anyhow::Result;

use crate::{paths::root, shell::Shell, tools, wasm_package};

pub(super) fn build(shell: &Shell) -> Result<()> {
    wasm_package::build(shell)
}

/// The frames in each module, everything else once.
pub(super) fn in_node(shell: &Shell) -> Result<()> {
    const MODULES: [&str; 3] =
        ["sealframe_wasm_relaxed.wasm", "sealframe_wasm_simd.wasm", "sealframe_wasm_bg.wasm"];
    let folder = root().join("wasm/test");
    let node = tools::node(shell)?;
    for module in MODULES {
        let mut test = Command::new(&node);
        test.args(["--test", "--test-reporter=tap"]).arg(folder.join("package.test.mjs"));
        shell.run(test.env("SEALFRAME_MODULE", module))?;
    }
    let others = [
        "border.test.mjs",
        "credentials.test.mjs",
        "formats.test.mjs",
        "keys.test.mjs",
        "profiles.test.mjs",
        "stand-ins.test.mjs",
        "worker.test.mjs",
    ];
    let mut test = Command::new(&node);
    test.args(["--test", "--test-reporter=tap"]);
    shell.run(test.args(others.map(|name| folder.join(name))))
}
