//! The data folder of `usher dev`: kept from run to run, used by one process at a time, emptied on request.

use crate::servers::error::{DevError, Doing};
use crate::servers::owner::Owner;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What may be in it. A reset removes these and nothing else: somebody may have named a folder of their own.
const OURS: [&str; 16] = [
    "postgres",
    "postgres.unfinished",
    "postgres.lock",
    "postgres.log",
    "postgres.log.previous",
    "redis",
    "redis.log",
    "redis.log.previous",
    "gateway.books",
    "logs",
    "tokens.json",
    "trouble",
    "trouble.deadly",
    "trouble.json",
    "env",
    "mend",
];

/// The folder, held as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder that was named, or the default one, and makes it if need be.
    pub fn open(named: Option<&Path>) -> Result<Self, DevError> {
        let owner = Owner::of_servers()?;
        let path = named.map_or_else(|| default_path(&owner), |path| Ok(path.to_owned()))?;
        let path = owner.create_shared_folder(&path)?;
        let lock_path = path.join("dev.lock");
        let lock = File::create(&lock_path).doing(|| format!("creating `{}`", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DevError::InUse { folder: path }),
            Err(TryLockError::Error(error)) => {
                Err(error).doing(|| format!("locking `{}`", lock_path.display()))
            }
        }
    }

    /// Where the folder is, or would be, whoever uses it.
    pub fn find(named: Option<&Path>) -> Result<PathBuf, DevError> {
        named.map_or_else(|| default_path(&Owner::of_servers()?), |path| Ok(path.to_owned()))
    }

    /// Removes what earlier runs left: databases, logs, books, tokens. Unpacked servers stay.
    pub fn empty(&self) -> Result<(), DevError> {
        for name in OURS {
            let path = self.path.join(name);
            let removed = match path.symlink_metadata() {
                Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path),
                Ok(_) => std::fs::remove_file(&path),
                Err(_) => continue,
            };
            removed.doing(|| format!("removing `{}`", path.display()))?;
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `.usher` in the working directory. Root's servers run as another user; where that user can't reach it, a
/// folder in `/var/tmp` that is named after the working directory.
fn default_path(owner: &Owner) -> Result<PathBuf, DevError> {
    let here = std::env::current_dir().doing(|| "asking for the working directory".to_owned())?;
    if owner.check_reach(&here).is_ok() {
        return Ok(here.join(".usher"));
    }
    let roots = Path::new("/var/tmp/usher-root");
    owner.create_shared_folder(roots)?;
    // Everybody may write in /var/tmp, so somebody else could have made it first.
    let made_by = roots.symlink_metadata().doing(|| format!("looking at `{}`", roots.display()))?;
    if !made_by.is_dir() || made_by.uid() != rustix::process::geteuid().as_raw() {
        return Err(DevError::InUse { folder: roots.to_owned() });
    }
    Ok(roots.join(here.to_string_lossy().trim_matches('/').replace('/', "-")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;

    #[test]
    fn a_reset_removes_what_is_ours_and_nothing_else() {
        let scratch = Scratch::new().unwrap();
        let named = scratch.path().join("data");
        let folder = Folder::open(Some(&named)).unwrap();
        std::fs::create_dir_all(named.join("postgres/base")).unwrap();
        std::fs::create_dir_all(named.join("services/bin")).unwrap();
        for file in ["tokens.json", "thesis.txt"] {
            std::fs::write(named.join(file), "").unwrap();
        }
        folder.empty().unwrap();
        let mut left: Vec<_> = named.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["dev.lock", "services", "thesis.txt"]);
        assert!(matches!(Folder::open(Some(&named)), Err(DevError::InUse { .. })));
    }
}
