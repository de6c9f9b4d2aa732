//! Programs from outside: found, or installed with a word about it.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    paths::target_dir,
    shell::{Shell, find},
};

/// Debian's and rustup's own locks make a second installer fail instead of wait.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Holds other installers off while `work` runs.
///
/// # Errors
///
/// If `shell` may not install, and those of `work`.
fn installing<T>(shell: &Shell, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if !shell.may_install {
        bail!("missing, and not installed because of --no-install: {what}");
    }
    let _held = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    shell.say(&format!("installing {what}"));
    work()
}

/// Adds rustup targets or components that are missing, to this toolchain or another.
pub(crate) fn rustup(
    shell: &Shell,
    kind: &str,
    wanted: &[&str],
    toolchain: Option<&str>,
) -> Result<()> {
    let of = toolchain.map_or(vec![], |name| vec!["--toolchain", name]);
    let mut list = Command::new("rustup");
    let listed = shell.output(list.args([kind, "list", "--installed"]).args(&of));
    let listed = listed.context("rustup is needed to install a target")?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    // Components are listed with the host's name behind theirs.
    let is_there = |name: &str| {
        listed.lines().any(|line| line == name || kind == "component" && line.starts_with(name))
    };
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    installing(shell, &format!("Rust {kind} {}", missing.join(", ")), || {
        shell.run(Command::new("rustup").args([kind, "add"]).args(&of).args(missing))
    })
}

/// Whether rustup has a toolchain.
pub(crate) fn has_toolchain(name: &str) -> bool {
    let asked = Command::new("rustup").args(["run", name, "rustc", "--version"]).output();
    asked.is_ok_and(|asked| asked.status.success())
}

/// A toolchain of rustup's, without documentation.
pub(crate) fn toolchain(shell: &Shell, name: &str) -> Result<()> {
    if has_toolchain(name) {
        return Ok(());
    }
    installing(shell, &format!("Rust {name}"), || {
        shell.run(Command::new("rustup").args([
            "toolchain",
            "install",
            name,
            "--profile",
            "minimal",
            "--no-self-update",
        ]))
    })
}

/// A program of crates.io's, under `target/tools`.
pub(crate) fn cargo_install(shell: &Shell, package: &str, version: &str) -> Result<PathBuf> {
    let home = target_dir().join("tools").join(format!("{package}-{version}"));
    let program = home.join("bin").join(package);
    if !program.exists() {
        installing(shell, &format!("{package} {version} (compiled; minutes)"), || {
            let mut install = shell.cargo();
            install.args(["install", "--locked", "--quiet", "--version", version, package]);
            install.arg("--root").arg(&home).env("CARGO_TARGET_DIR", home.join("build"));
            // Sooner there matters more than a second of running.
            install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
            shell.run(&mut install)
        })?;
    }
    Ok(program)
}

/// Node.js with npm, at least version 20.
pub(crate) fn node(shell: &Shell) -> Result<PathBuf> {
    let node = find_or_install(shell, &["node"], &["nodejs", "npm"])?;
    let version = Command::new(&node).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().unwrap_or(0) < 20 {
        bail!("Node.js 20 or later is needed, found {}", version.trim());
    }
    Ok(node)
}

/// Chromium or Chrome: what `SEALFRAME_CHROMIUM` names, what is installed, or Debian's.
pub(crate) fn chromium(shell: &Shell) -> Result<PathBuf> {
    if let Some(named) = env::var_os("SEALFRAME_CHROMIUM") {
        return existing("SEALFRAME_CHROMIUM", named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    find_or_install(shell, &names, &["chromium"])
        .context("set SEALFRAME_CHROMIUM to the path of Chromium or Chrome")
}

/// Firefox: what `SEALFRAME_FIREFOX` names, what is installed, or Debian's.
pub(crate) fn firefox(shell: &Shell) -> Result<PathBuf> {
    if let Some(named) = env::var_os("SEALFRAME_FIREFOX") {
        return existing("SEALFRAME_FIREFOX", named.into());
    }
    find_or_install(shell, &["firefox-esr", "firefox"], &["firefox-esr"])
        .context("set SEALFRAME_FIREFOX to the path of Firefox")
}

/// Tests would leave out a browser that is not there.
fn existing(variable: &str, path: PathBuf) -> Result<PathBuf> {
    ensure!(path.is_file(), "{variable} names no file: {}", path.display());
    Ok(path)
}

/// The packages that a `package.json` locks, in its folder.
pub(crate) fn npm_ci(shell: &Shell, folder: &Path) -> Result<()> {
    let stamp = folder.join("node_modules/.package-lock.json");
    let is_fresh = || -> Option<bool> {
        let installed = stamp.metadata().ok()?.modified().ok()?;
        let locked = folder.join("package-lock.json").metadata().ok()?.modified().ok()?;
        Some(installed >= locked)
    };
    if is_fresh() == Some(true) {
        return Ok(());
    }
    let npm = find_or_install(shell, &["npm", "npm.cmd"], &["npm"])?;
    installing(shell, &format!("npm packages for {}", folder.display()), || {
        shell.run(Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))
    })
}

/// Python in a private environment under `target`, `folder`, with these packages.
pub(crate) fn python(shell: &Shell, folder: &str, packages: &[&str]) -> Result<PathBuf> {
    let python = find_or_install(shell, &["python3"], &["python3"])?;
    let home = target_dir().join(folder);
    let inside = home.join("bin/python");
    let stamp = home.join("packages");
    let wanted = packages.join(" ");
    if inside.exists() && std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(inside);
    }
    if !stamp.exists() {
        let venv = || shell.run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&home));
        // Debian keeps a part of Python's own modules in a package of its own.
        venv().or_else(|_| install(shell, &["python3-venv"]).and_then(|()| venv()))?;
    }
    installing(shell, &format!("for Python under {}: {wanted}", home.display()), || {
        shell.run(Command::new(&inside).args(["-m", "pip", "install", "--quiet"]).args(packages))
    })?;
    std::fs::write(stamp, wanted)?;
    Ok(inside)
}

/// The first of `names` on the path; otherwise Debian's `packages` are installed.
pub(crate) fn find_or_install(shell: &Shell, names: &[&str], packages: &[&str]) -> Result<PathBuf> {
    if let Some(found) = find(names) {
        return Ok(found);
    }
    if find(&["apt-get"]).is_none() {
        bail!("none of {} found: please install one", names.join(", "));
    }
    install(shell, packages)?;
    find(names).with_context(|| format!("{packages:?} installed, but no {} found", names.join(", ")))
}

/// Installs Debian's packages.
fn install(shell: &Shell, packages: &[&str]) -> Result<()> {
    let what = format!("from Debian: {} (this can take minutes)", packages.join(" "));
    installing(shell, &what, || {
        apt_get(shell, &["update", "-q"])?;
        apt_get(shell, &[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
    })
}

fn apt_get(shell: &Shell, args: &[&str]) -> Result<()> {
    let is_root = Command::new("id").arg("-u").output();
    let is_root = is_root.is_ok_and(|id| id.stdout.starts_with(b"0"));
    let mut command = if is_root { Command::new("apt-get") } else { Command::new("sudo") };
    if !is_root {
        command.arg("apt-get");
    }
    shell.run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}
