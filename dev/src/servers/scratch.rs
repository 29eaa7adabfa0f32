//! A folder for one process's throw-away servers.
//!
//! Each server gets a folder in it. It is removed when its [`Scratch`] is dropped. If its process was killed, the
//! next process that asks for a folder removes it: the file `lock` in it is locked as long as its process lives.

use super::error::{DevError, Doing};
use rand::Rng;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const PREFIX: &str = "usher-scratch-";

/// A folder of our own in `/var/tmp` (or `USHER_SCRATCH_DIR`), a real disk that every user can reach.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes a new one, and removes those of processes that are gone.
    ///
    /// # Errors
    /// [`DevError::Io`] if the folder can't be made.
    pub fn new() -> Result<Self, DevError> {
        let base = std::env::var_os("USHER_SCRATCH_DIR").map_or_else(|| "/var/tmp".into(), PathBuf::from);
        sweep(&base);
        let path = base.join(format!("{PREFIX}{:016x}", rand::rng().random::<u64>()));
        // 0755 for root alone: there the servers run as another user, in folders of their own that are 0700.
        let mode = if rustix::process::geteuid().is_root() { 0o755 } else { 0o700 };
        DirBuilder::new().mode(mode).create(&path).doing(|| format!("creating `{}`", path.display()))?;
        let lock = path.join("lock");
        let file = File::create(&lock).doing(|| format!("creating `{}`", lock.display()))?;
        file.lock().doing(|| format!("locking `{}`", lock.display()))?;
        Ok(Self { path, _lock: file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes our own folders that nobody holds. What can't be removed is left to the next sweep.
fn sweep(base: &Path) {
    let us = rustix::process::geteuid().as_raw();
    for entry in base.read_dir().into_iter().flatten().flatten() {
        let ours = entry.metadata().is_ok_and(|folder| folder.is_dir() && folder.uid() == us);
        if !ours || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // A folder without the file is being made, or its process was killed while it made it.
        let Ok(lock) = File::open(entry.path().join("lock")) else { continue };
        if lock.try_lock().is_ok() {
            empty(&entry.path());
        }
    }
}

/// Removes the lock file last, because no later sweep removes a folder without it.
fn empty(folder: &Path) {
    let mut entries = folder.read_dir().into_iter().flatten().flatten();
    let mut removed = entries.by_ref().filter(|entry| entry.file_name() != "lock").map(|entry| {
        let path = entry.path();
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
    });
    if removed.all(|removed| removed.is_ok()) {
        let _ = std::fs::remove_dir_all(folder);
    }
}
