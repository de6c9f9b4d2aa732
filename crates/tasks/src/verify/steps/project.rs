//! Steps over the project's files: formatting, spelling, licences, published vectors.

use std::{fs, process::Command};

use anyhow::{Result, ensure};

use crate::{paths::root, shell::Shell, tools};

pub(super) fn format(shell: &Shell) -> Result<()> {
    tools::rustup(shell, "component", &["rustfmt"], None)?;
    shell.run(shell.cargo().args(["fmt", "--all", "--check"]))
}

/// `typos.toml` has the words of ours that the dictionary does not know.
pub(super) fn spelling(shell: &Shell) -> Result<()> {
    let python = tools::python(shell, "python-typos", &["typos==1.52.0"])?;
    let typos = python.with_file_name("typos");
    shell.run(Command::new(typos).args(["--format", "brief"]).current_dir(root()))
}

/// By `deny.toml`. Advisories need a database from outside and are left to whoever has one.
pub(super) fn deny(shell: &Shell) -> Result<()> {
    let deny = tools::cargo_install(shell, "cargo-deny", "0.20.2")?;
    let mut check = Command::new(deny);
    check.args(["--locked", "--workspace", "check", "bans", "licenses", "sources"]);
    shell.run(check.current_dir(root()))
}

/// A script in the folder of vectors, the file that it makes, and what it is asked to check.
const VECTORS: &[(&str, &str, Option<&[&str]>)] = &[
    ("credentials/make_credentials.py", "credentials/credentials.json", Some(&[])), // other judges
    ("dave/make_frames.py", "dave/frames.json", None),
    ("group/make_checks.py", "group/checks.json", Some(&[])), // others' answers
    ("group/make_group.py", "group/group.json", Some(&["group/group.json"])),
    ("keys/make_keys.py", "keys/keys.json", Some(&["rfc9605/test-vectors.json"])),
];

/// The scripts need Python and packages; a private environment under `target` has them.
pub(super) fn vectors(shell: &Shell) -> Result<()> {
    // ML-KEM in `cryptography` encapsulates with randomness of its own, in `kyber-py` with any.
    const PACKAGES: [&str; 3] = ["cryptography==48.0.0", "kyber-py==1.2.0", "PyJWT==2.15.1"];
    let inside = tools::python(shell, "python", &PACKAGES)?;
    let folder = root().join("crates/testkit/vectors");
    for (script, made, checked) in VECTORS {
        let python = || Command::new(&inside);
        if let Some(checked) = checked {
            let checked = checked.iter().map(|file| folder.join(file));
            shell.run(python().arg(folder.join(script)).arg("--check").args(checked))?;
        }
        let output = shell.output(python().arg(folder.join(script)))?;
        ensure!(output == fs::read(folder.join(made))?, "{script} no longer makes {made}");
        shell.say(&format!("{script} makes {made}, byte for byte"));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_script_that_makes_vectors_is_run() {
        let mut scripts = Vec::new();
        for folder in fs::read_dir(root().join("crates/testkit/vectors")).unwrap() {
            let folder = folder.unwrap();
            for file in fs::read_dir(folder.path()).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                if name.starts_with("make_") {
                    scripts.push(format!("{}/{name}", folder.file_name().to_string_lossy()));
                }
            }
        }
        scripts.sort();
        let run: Vec<&str> = VECTORS.iter().map(|(script, _, _)| *script).collect();
        assert_eq!(scripts, run);
    }
}
