//! A file that one process has for itself.

use std::{
    fs::{File, TryLockError},
    ops::Deref,
};

/// A locked file. It is unlocked when it is dropped, and not only closed: a child that another thread is just forking
/// still has it open, and closing alone would leave it locked until that child runs its own program.
#[derive(Debug)]
pub(crate) struct Locked(File);

impl Locked {
    /// Locks a file, unless somebody else has it locked.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // If unlocking fails, closing the file unlocks it.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scratch;

    #[test]
    fn it_is_free_at_once_though_a_child_still_has_it_open() {
        let scratch = Scratch::new().unwrap();
        let open = || File::create(scratch.path().join("file")).unwrap();
        let locked = Locked::take(open()).unwrap();
        assert!(matches!(Locked::take(open()), Err(TryLockError::WouldBlock)));
        // The same open file under another number, as a forked child has it.
        let _inherited = locked.try_clone().unwrap();
        drop(locked);
        assert!(Locked::take(open()).is_ok());
    }
}
