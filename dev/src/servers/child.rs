//! One process of ours: dies when we die, inherits nothing, and can be signalled without hitting a stranger.
//!
//! Each child has a thread that starts it and waits for it. It needs one: `PR_SET_PDEATHSIG` follows the *thread*
//! that forked, so that thread must live as long as the child does.

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A running or ended child process. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
    /// Held while the process is signalled or reaped; `true` once its pid is no longer ours.
    reaped: Arc<Mutex<bool>>,
}

impl Child {
    /// Starts `command` in a process group of its own (a Ctrl-C in the terminal is for us to pass on), with
    /// an empty standard input and no open files but the ones that the command names.
    ///
    /// `at_our_death` is the signal that the child gets when this process ends in whatever way (Linux only;
    /// elsewhere an orphan is stopped by the next start).
    pub fn spawn(name: &str, mut command: Command, at_our_death: Signal) -> io::Result<Self> {
        command.stdin(Stdio::null()).process_group(0);
        tie_to_us(&mut command, at_our_death);

        let (ended_sender, ended) = watch::channel(None);
        let (pid_sender, pid) = mpsc::sync_channel(1);
        let reaped = Arc::new(Mutex::new(false));
        let thread_reaped = Arc::clone(&reaped);
        std::thread::Builder::new().name(format!("child {name}")).spawn(move || {
            let mut process = match command.spawn() {
                Ok(process) => process,
                Err(error) => return drop(pid_sender.send(Err(error))),
            };
            let pid = Pid::from_child(&process);
            drop(pid_sender.send(Ok(pid)));
            // Look without reaping: until the lock is held the pid must stay ours, or a signal sent meanwhile
            // could hit whoever got the number next.
            while let Err(rustix::io::Errno::INTR) =
                waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            {}
            let mut reaped = lock(&thread_reaped);
            let status = process.wait().unwrap_or_else(|_| ExitStatus::from_raw(0));
            *reaped = true;
            ended_sender.send_replace(Some(status));
        })?;
        let pid = pid.recv().unwrap_or_else(|_| Err(io::Error::other("the child's thread ended early")))?;
        Ok(Self { pid, ended, reaped })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal; does nothing if the process has ended.
    pub fn signal(&self, signal: Signal) {
        let reaped = lock(&self.reaped);
        if !*reaped {
            // Fails only if the process has just ended, which is what `exited` is for.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// How it ended, if it has.
    pub fn status(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits for its end.
    pub async fn exited(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            Err(_) => ExitStatus::default(),
        }
    }

    /// Waits for its end, at most so long.
    pub async fn exited_within(&self, bound: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(bound, self.exited()).await.ok()
    }

    /// As [`Child::exited_within`], for `drop`, where nothing can be awaited.
    pub(crate) fn block_until_exited(&self, bound: Duration) {
        const LOOK_EVERY: Duration = Duration::from_millis(2);
        let started = Instant::now();
        while self.status().is_none() && started.elapsed() < bound {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn lock(reaped: &Mutex<bool>) -> MutexGuard<'_, bool> {
    reaped.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(unsafe_code)]
fn tie_to_us(command: &mut Command, at_our_death: Signal) {
    let us = getpid();
    // SAFETY: runs between fork and exec, where only async-signal-safe calls are allowed. These are three plain
    // system calls and a comparison: no allocation, no lock, no memory shared with the parent's threads.
    unsafe {
        command.pre_exec(move || bind_and_close(us, at_our_death));
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn bind_and_close(parent: Pid, at_our_death: Signal) -> io::Result<()> {
    const FIRST_AFTER_STDERR: u32 = 3;
    rustix::process::set_parent_process_death_signal(Some(at_our_death))?;
    // A parent that died before that call would never send the signal.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    // SAFETY: marks open files close-on-exec and touches no memory. A kernel before 5.11 refuses, which does little
    // harm: the files that Rust opens are marked already; this is for those we inherited from our own parent.
    unsafe {
        libc::syscall(libc::SYS_close_range, FIRST_AFTER_STDERR, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn bind_and_close(_parent: Pid, _at_our_death: Signal) -> io::Result<()> {
    Ok(())
}
