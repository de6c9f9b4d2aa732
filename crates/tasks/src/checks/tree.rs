//! The text files of the project.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Folders that hold nothing written by hand: build results, installed packages, fuzzing's finds.
const SKIPPED_NAMES: [&str; 8] =
    [".git", "artifacts", "corpus", "coverage", "node_modules", "seeds", "target", "dist"];
/// The same, by path.
const SKIPPED_PATHS: [&str; 2] = ["wasm/build", "wasm/pkg"];

pub(super) struct File {
    /// From the workspace's folder, with slashes.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// What follows the last dot of its name, or the whole name.
    pub(super) fn extension(&self) -> &str {
        self.path.rsplit(['.', '/']).next().unwrap_or_default()
    }

    /// The folder of a path, without the last slash; empty for the workspace's own.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

pub(super) struct Tree {
    /// Sorted by path.
    pub(super) files: Vec<File>,
}

impl Tree {
    /// Reads every text file below `root`.
    ///
    /// # Errors
    ///
    /// If a folder or a file cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let path = entry?.path();
                let relative = relative(root, &path);
                let name = relative.rsplit('/').next().unwrap_or_default();
                if path.is_dir() {
                    let is_skipped = SKIPPED_NAMES.contains(&name);
                    if !is_skipped && !SKIPPED_PATHS.contains(&relative.as_str()) {
                        folders.push(path);
                    }
                } else if path.is_file()
                    && let Ok(text) = String::from_utf8(fs::read(&path)?)
                {
                    files.push(File { path: relative, text });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// Whether a path names a file, or a folder that holds one.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }

    /// Files whose names end in one of `extensions`.
    pub(super) fn of<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(|file| extensions.contains(&file.extension()))
    }

    /// A tree for tests, of pairs of path and text.
    #[cfg(test)]
    pub(super) fn of_texts(texts: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        let mut files: Vec<File> = texts.iter().map(file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root).unwrap_or(path).into();
    parts.to_string_lossy().replace('\\', "/")
}

/// Joins a relative path onto a folder; `None` if it leads out of the tree.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
