//! PostgreSQL's data directory: made once, whole or not at all, and opened by one server at a time.

use super::child::Child;
use super::error::{DevError, Doing};
use super::log::Log;
use super::owner::Owner;
use super::programs::{self, Program};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Creating a data directory takes half a second; a slow disk may need far more.
const INITDB_MAX: Duration = Duration::from_secs(120);
/// How long an orphan may take to end after each signal: the first asks for a clean shutdown, the second for an
/// immediate one.
const ORPHAN_STOP_MAX: Duration = Duration::from_secs(10);

/// A data directory, and the program that may open it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub data: PathBuf,
    pub program: Program,
}

impl Cluster {
    /// Opens the data directory `postgres` in `home`, or makes it. `durable` says whether its files are synced.
    pub async fn open_or_create(
        home: &Path,
        owner: &Owner,
        log: &Log,
        durable: bool,
    ) -> Result<Self, DevError> {
        let data = home.join("postgres");
        let program = choose(&data, programs::postgres()?)?;
        owner.check_reach(&program.path)?;
        if !data.join("PG_VERSION").exists() {
            create(&data, &program, owner, log, durable).await?;
        }
        let cluster = Self { data, program };
        cluster.end_orphan().await?;
        Ok(cluster)
    }

    /// Whether the server `pid` has written that it takes connections.
    pub fn is_ready(&self, pid: u32) -> bool {
        self.pid_file().is_some_and(|file| file.pid == pid && file.ready)
    }

    /// Stops a server that outlived the process that started it, and removes the pid file of one that was killed.
    ///
    /// PostgreSQL clears up after a dead one itself, unless its pid has meanwhile been given to somebody else.
    async fn end_orphan(&self) -> Result<(), DevError> {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        let Some(pid) = self.pid_file().and_then(|file| Pid::from_raw(file.pid.try_into().ok()?)) else {
            return Ok(());
        };
        let path = self.data.join("postmaster.pid");
        if !self.is_opened_by(pid) {
            return std::fs::remove_file(&path).doing(|| format!("removing the stale `{}`", path.display()));
        }
        for signal in [Signal::INT, Signal::QUIT] {
            let _ = kill_process(pid, signal);
            let asked = Instant::now();
            while asked.elapsed() < ORPHAN_STOP_MAX {
                if !self.is_opened_by(pid) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Err(DevError::InUse { folder: self.data.clone() })
    }

    /// Whether the process `pid` has this data directory as its working directory, as its server has. Where that
    /// can't be seen, it is enough that the process lives.
    fn is_opened_by(&self, pid: Pid) -> bool {
        match std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())) {
            Ok(folder) => folder == self.data,
            Err(_) if Path::new("/proc/self/cwd").exists() => false,
            Err(_) => test_kill_process(pid).is_ok(),
        }
    }

    fn pid_file(&self) -> Option<PidFile> {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        let ready = text.lines().nth(PidFile::STATUS_LINE).is_some_and(|status| status.trim() == "ready");
        Some(PidFile { pid, ready })
    }
}

/// What `postmaster.pid` says: the pid in its first line, the state in its eighth, as `pg_ctl` reads them.
struct PidFile {
    pid: u32,
    ready: bool,
}

impl PidFile {
    const STATUS_LINE: usize = 7;
}

/// The newest program; for existing data, the one of the version that wrote them.
fn choose(data: &Path, mut found: Vec<Program>) -> Result<Program, DevError> {
    let versions = found.iter().map(|program| program.major.to_string()).collect::<Vec<_>>().join(", ");
    if let Ok(written) = std::fs::read_to_string(data.join("PG_VERSION")) {
        found.retain(|program| written.trim() == program.major.to_string());
        let other = || DevError::OtherVersion {
            data: data.to_owned(),
            written: written.trim().to_owned(),
            found: versions,
        };
        return found.pop().ok_or_else(other);
    }
    found
        .pop()
        .ok_or_else(|| DevError::Missing { what: "PostgreSQL".to_owned(), advice: "install it".to_owned() })
}

/// Makes the data directory under another name first, so that one cut short is never taken for a whole one.
async fn create(
    data: &Path,
    program: &Program,
    owner: &Owner,
    log: &Log,
    durable: bool,
) -> Result<(), DevError> {
    let unfinished = data.with_extension("unfinished");
    for folder in [&unfinished, data] {
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .doing(|| format!("removing the unfinished `{}`", folder.display()))?;
        }
    }
    owner.create_private_folder(&unfinished)?;

    let mut initdb = clean_command(&program.path.with_file_name("initdb"), &unfinished);
    initdb
        .args(["--username=usher", "--auth=trust", "--encoding=UTF8", "--no-locale", "--pgdata"])
        .arg(&unfinished);
    if !durable {
        initdb.arg("--no-sync");
    }
    owner.run(&mut initdb);
    log.take_output(&mut initdb)?;
    let child = Child::spawn("initdb", initdb, Signal::KILL).doing(|| "starting `initdb`".to_owned())?;
    let name = "initdb".to_owned();
    let (path, tail) = (log.path().to_owned(), || log.tail(0));
    match child.exited_within(INITDB_MAX).await {
        Some(status) if status.success() => {}
        Some(status) => return Err(DevError::Died { name, status, log: path, tail: tail() }),
        None => {
            return Err(DevError::Slow { name, state: "done", bound: INITDB_MAX, log: path, tail: tail() });
        }
    }
    std::fs::rename(&unfinished, data).doing(|| format!("renaming `{}`", unfinished.display()))
}

/// A command that runs in `folder` with none of our environment: `PGDATA`, `PGPORT` or a locale would change what it
/// does.
pub(super) fn clean_command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
    command
}
