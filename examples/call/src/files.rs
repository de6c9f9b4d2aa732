//! The files of the page and of the browser package.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;

/// Two directories and the cached contents of their files. All responses share a file's bytes, so
/// connections that do not read cost none.
#[derive(Debug)]
pub(crate) struct Files {
    /// Served at `/`.
    page: PathBuf,
    /// Served at `/sealframe/`.
    package: PathBuf,
    /// Contains only existing files, so it is bounded by the directories.
    read: Mutex<HashMap<PathBuf, Read>>,
}

#[derive(Clone, Debug)]
struct Read {
    /// Modification time and length.
    version: (SystemTime, u64),
    bytes: Bytes,
}

impl Files {
    pub(crate) fn new(page: &Path, package: &Path) -> Self {
        Self { page: page.into(), package: package.into(), read: Mutex::default() }
    }

    /// Media type and bytes of the file at a URL's path; `None` if there is no such file.
    pub(crate) async fn read(&self, url_path: &str) -> Option<(&'static str, Bytes)> {
        let path = url_path.trim_start_matches('/');
        let (directory, name) = match path.strip_prefix("sealframe/") {
            Some(name) => (&self.package, name),
            None if path.is_empty() => (&self.page, "index.html"),
            None => (&self.page, path),
        };
        let bytes = self.bytes(inside(directory, name)?).await?;
        Some((mime(name), bytes))
    }

    /// Reads the file again only if it has changed, as during work on the page.
    async fn bytes(&self, path: PathBuf) -> Option<Bytes> {
        let metadata = tokio::fs::metadata(&path).await.ok().filter(|metadata| metadata.is_file())?;
        let version = (metadata.modified().ok()?, metadata.len());
        let known = |read: &HashMap<PathBuf, Read>| {
            read.get(&path).filter(|read| read.version == version).map(|read| read.bytes.clone())
        };
        if let Some(bytes) = known(&self.read.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Some(bytes);
        }
        let bytes = Bytes::from(tokio::fs::read(&path).await.ok()?);
        let read = Read { version, bytes: bytes.clone() };
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(path, read);
        Some(bytes)
    }
}

/// A path below `directory`, or `None` for a name that is not plain.
fn inside(directory: &Path, name: &str) -> Option<PathBuf> {
    let plain = |part: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(letters)
    };
    name.split('/').all(plain).then(|| directory.join(name))
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js" | "mjs")) => "text/javascript; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "wasm")) => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::inside;

    #[test]
    fn only_plain_names_below_the_directory_are_served() {
        let directory = Path::new("d");
        for name in ["../x", "a/../x", "a//x", ".git", "/etc", "a\\x", "%2e%2e/x", ""] {
            assert_eq!(inside(directory, name), None, "{name}");
        }
        assert!(inside(directory, "a/b-c_1.js").is_some());
    }
}
