//! Programs from outside: found, or installed with a word about it.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Says what is about to happen.
pub(crate) fn say(what: &str) {
    eprintln!("==> {what}");
}

/// Runs a command to its end, its output on ours.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = spell(command);
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Cargo, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::root());
    cargo
}

/// Adds rustup targets or components that are missing.
pub(crate) fn rustup(kind: &str, wanted: &[&str]) -> Result<()> {
    let listed = Command::new("rustup").args([kind, "list", "--installed"]).output();
    let listed = listed.context("rustup is needed to install a target")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    // Components are listed with the host's name behind theirs.
    let is_there = |name: &str| listed.lines().any(|line| line.starts_with(name));
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("installing Rust {kind} {}", missing.join(", ")));
    run(Command::new("rustup").args([kind, "add"]).args(missing))
}

/// Node.js with npm, at least version 20.
pub(crate) fn node() -> Result<PathBuf> {
    let node = find_or_install(&["node"], &["nodejs", "npm"])?;
    let version = Command::new(&node).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().unwrap_or(0) < 20 {
        bail!("Node.js 20 or later is needed, found {}", version.trim());
    }
    Ok(node)
}

/// Chromium or Chrome: what `SEALFRAME_CHROMIUM` names, what is installed, or Debian's.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("SEALFRAME_CHROMIUM") {
        return Ok(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    find_or_install(&names, &["chromium"])
}

/// Firefox: what `SEALFRAME_FIREFOX` names, what is installed, or Debian's.
pub(crate) fn firefox() -> Result<PathBuf> {
    if let Some(named) = env::var_os("SEALFRAME_FIREFOX") {
        return Ok(named.into());
    }
    find_or_install(&["firefox-esr", "firefox"], &["firefox-esr"])
}

/// The packages that a `package.json` locks, in its folder.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    let stamp = folder.join("node_modules/.package-lock.json");
    let is_fresh = || -> Option<bool> {
        let installed = stamp.metadata().ok()?.modified().ok()?;
        let locked = folder.join("package-lock.json").metadata().ok()?.modified().ok()?;
        Some(installed >= locked)
    };
    if is_fresh() == Some(true) {
        return Ok(());
    }
    say(&format!("installing npm packages for {}", folder.display()));
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
}

/// Python in a private environment under `target`, `folder`, with these packages.
pub(crate) fn python(folder: &str, packages: &[&str]) -> Result<PathBuf> {
    let python = find_or_install(&["python3"], &["python3"])?;
    let home = crate::wasm_package::target_dir().join(folder);
    let inside = home.join("bin/python");
    if !inside.exists() {
        say(&format!("installing for Python under {}: {}", home.display(), packages.join(" ")));
        let venv = || run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&home));
        // Debian keeps a part of Python's own modules in a package of its own.
        venv().or_else(|_| install(&["python3-venv"]).and_then(|()| venv()))?;
    }
    // What is there already costs a moment and nothing from outside.
    run(Command::new(&inside).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    Ok(inside)
}

/// The first of `names` on the path; otherwise Debian's `packages` are installed.
pub(crate) fn find_or_install(names: &[&str], packages: &[&str]) -> Result<PathBuf> {
    if let Some(found) = find(names) {
        return Ok(found);
    }
    if find(&["apt-get"]).is_none() {
        bail!("none of {} found: please install one", names.join(", "));
    }
    install(packages)?;
    find(names).with_context(|| format!("{packages:?} installed, but no {} found", names.join(", ")))
}

/// Installs Debian's packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    say(&format!("installing from Debian: {} (this can take minutes)", packages.join(" ")));
    apt_get(&["update", "-q"])?;
    apt_get(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
}

fn apt_get(args: &[&str]) -> Result<()> {
    let is_root = Command::new("id").arg("-u").output();
    let is_root = is_root.is_ok_and(|id| id.stdout.starts_with(b"0"));
    let mut command = if is_root { Command::new("apt-get") } else { Command::new("sudo") };
    if !is_root {
        command.arg("apt-get");
    }
    run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

/// The first of `names` on the path.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

fn spell(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
