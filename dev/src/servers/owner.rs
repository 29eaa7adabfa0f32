//! The user as whom the servers run.
//!
//! PostgreSQL refuses to run as root. So root runs it as `postgres`, or as `nobody` where there is no such
//! user, in folders that this user may enter; everybody else runs it as themselves.

use super::error::{DevError, Doing};
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user that runs the servers: another one if we are root, else ourselves (`other` is none).
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    other: Option<User>,
}

#[derive(Clone, Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Reads who we are, and if that is root, `/etc/passwd`.
    pub fn of_servers() -> Result<Self, DevError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let users = std::fs::read_to_string("/etc/passwd").doing(|| "reading `/etc/passwd`".to_owned())?;
        let user = ["postgres", "nobody"].iter().find_map(|name| find(&users, name));
        let user = user.ok_or_else(|| DevError::Missing {
            what: "user `postgres` or `nobody`, as whom root could run PostgreSQL".to_owned(),
            advice: "run this as another user than root".to_owned(),
        })?;
        Ok(Self { other: Some(user) })
    }

    /// Makes `command` run as this user.
    pub fn run(&self, command: &mut Command) {
        if let Some(user) = &self.other {
            command.uid(user.uid).gid(user.gid);
        }
    }

    /// Creates a folder that only this user may enter (0700), if it isn't there.
    pub fn create_private_folder(&self, path: &Path) -> Result<(), DevError> {
        if !path.exists() {
            DirBuilder::new().mode(0o700).create(path).doing(|| format!("creating `{}`", path.display()))?;
            if let Some(user) = &self.other {
                chown(path, Some(user.uid), Some(user.gid))
                    .doing(|| format!("giving `{}` to `{}`", path.display(), user.name))?;
            }
        }
        Ok(())
    }

    /// Creates a folder of ours, with its parents, in which this user can reach what is its own; gives its full path.
    pub fn create_shared_folder(&self, path: &Path) -> Result<PathBuf, DevError> {
        let mode = if self.other.is_some() { 0o755 } else { 0o700 };
        let made = DirBuilder::new().recursive(true).mode(mode).create(path);
        made.doing(|| format!("creating `{}`", path.display()))?;
        let path = path.canonicalize().doing(|| format!("looking at `{}`", path.display()))?;
        self.check_reach(&path)?;
        Ok(path)
    }

    /// An error if this user may not pass all the folders down to `path`.
    pub fn check_reach(&self, path: &Path) -> Result<(), DevError> {
        let Some(user) = &self.other else { return Ok(()) };
        let real = path.canonicalize().doing(|| format!("looking at `{}`", path.display()))?;
        for folder in real.ancestors().filter(|folder| folder.is_dir()) {
            let about = folder.metadata().doing(|| format!("looking at `{}`", folder.display()))?;
            let needed = if about.uid() == user.uid { 0o100 } else { 0o001 };
            if about.permissions().mode() & needed == 0 {
                return Err(DevError::Unreachable { user: user.name.clone(), path: path.to_owned() });
            }
        }
        Ok(())
    }
}

/// `name:password:uid:gid:…`, a line a user.
fn find(users: &str, name: &str) -> Option<User> {
    users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find_map(|fields| match fields[..] {
        [user, _, uid, gid, ..] if user == name => {
            Some(User { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        }
        _ => None,
    })
}
