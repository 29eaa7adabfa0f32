//! A disk that can be full: a small file system in memory, where this machine lets us mount one.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A fresh cluster, its WAL and what a run writes need a third of it.
const SIZE: &str = "size=768m,mode=0755";
/// What ballast is made of.
const BLOCK_BYTES: usize = 1024 * 1024;

/// A mounted disk; unmounted when it is dropped.
pub(in super::super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// `None` where mounting isn't allowed.
    pub(super) fn make(scratch: &Path) -> Option<Self> {
        let path = scratch.join("disk");
        std::fs::create_dir(&path).ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&path).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then_some(Self { path })
    }

    /// Where PostgreSQL's data go.
    pub(super) fn folder(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Leaves no room. Some hundred megabytes are written, so it is not done on a thread that others wait for.
    pub async fn fill(&self) {
        let ballast = self.ballast();
        let filling = tokio::task::spawn_blocking(move || {
            let Ok(mut ballast) = File::create(ballast) else { return };
            let mut block = vec![1; BLOCK_BYTES];
            // Ever smaller pieces, to the last page.
            while !block.is_empty() {
                while ballast.write_all(&block).is_ok() {}
                block.truncate(block.len() / 16);
            }
        });
        let _ = filling.await; // it can't panic
    }

    /// Takes the ballast away.
    pub fn make_room(&self) {
        let _ = std::fs::remove_file(self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Disk {
    /// Unmounts lazily: the disk goes when the last file on it is closed.
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}
