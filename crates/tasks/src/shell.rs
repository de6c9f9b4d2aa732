//! Where the commands of a step run: their output, their priority, and what they may install.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};

use crate::paths::root;

/// Steps write into files of their own when several run at once; single commands write to the
/// terminal.
pub(crate) struct Shell {
    log: Option<Mutex<File>>,
    /// Without it a missing program is an error that names the program.
    pub(crate) may_install: bool,
    /// Compilers give way to browsers, which play media in real time.
    gives_way: bool,
}

impl Shell {
    /// Output goes to the terminal.
    pub(crate) fn terminal() -> Self {
        Self { log: None, may_install: true, gives_way: false }
    }

    /// Output goes to a new file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn logging(path: &Path, may_install: bool, gives_way: bool) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { log: Some(Mutex::new(file)), may_install, gives_way })
    }

    /// Says what is about to happen.
    pub(crate) fn say(&self, what: &str) {
        match &self.log {
            None => eprintln!("==> {what}"),
            // A log that cannot be written has nobody to tell.
            Some(log) => drop(writeln!(hold(log), "==> {what}")),
        }
    }

    /// A program; compilers with lower priority where the system has `nice`.
    fn program(&self, name: &OsStr) -> Command {
        if self.gives_way && cfg!(unix) {
            let mut command = Command::new("nice");
            command.args(["-n", "10"]).arg(name);
            return command;
        }
        Command::new(name)
    }

    /// Cargo, in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.in_workspace(self.program(&cargo))
    }

    /// Cargo of another toolchain.
    pub(crate) fn cargo_of(&self, toolchain: &str) -> Command {
        let mut command = self.program(OsStr::new("rustup"));
        command.args(["run", toolchain, "cargo"]);
        self.in_workspace(command)
    }

    /// In the workspace, without what `cargo run` told this program about its own package: build
    /// scripts that look at these variables would run again.
    fn in_workspace(&self, mut command: Command) -> Command {
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(&*name);
            }
        }
        command.current_dir(root());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not end with 0.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let line = spell(command);
        if let Some(log) = &self.log {
            let mut log = hold(log);
            writeln!(log, "$ {line}")?;
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        }
        let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
        if !status.success() {
            bail!("`{line}` ended with {status}");
        }
        Ok(())
    }

    /// Runs a command to its end and returns what it printed.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not end with 0.
    pub(crate) fn output(&self, command: &mut Command) -> Result<Vec<u8>> {
        let line = spell(command);
        if let Some(log) = &self.log {
            command.stderr(hold(log).try_clone()?);
        }
        let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
        if !output.status.success() {
            bail!("`{line}` ended with {}", output.status);
        }
        Ok(output.stdout)
    }
}

fn hold(log: &Mutex<File>) -> MutexGuard<'_, File> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
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
