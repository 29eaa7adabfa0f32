//! A process of ours that is started again when it ends, until it is told to stop.

use crate::servers::child::Child;
use crate::servers::error::{DevError, Doing};
use crate::servers::log::Log;
use rustix::process::Signal;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A process that ends sooner than this has ended quickly.
const QUICK: Duration = Duration::from_secs(5);
/// After so many quick ends in a row another try would end the same way.
const QUICK_ENDS_MAX: u32 = 5;
/// The wait before the first new start; doubles with each quick end.
const BACKOFF: Duration = Duration::from_millis(100);
/// A node drains for at most 25 s.
const STOP_MAX: Duration = Duration::from_secs(30);
const READY_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is to be kept running.
pub(super) struct Kept {
    /// For messages and the log's name.
    pub name: &'static str,
    /// How to start it, each time anew.
    pub command: Box<dyn Fn() -> Command + Send + Sync>,
    /// Answers 200 when it can work.
    pub ready_url: String,
}

/// Keeps one process running. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Keeper {
    name: &'static str,
    ready_url: String,
    log: Log,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

#[derive(Clone, Debug)]
enum State {
    Starting,
    Running(Arc<Child>),
    /// Ended too often, or could not be started.
    GivenUp(Option<ExitStatus>),
}

impl Keeper {
    /// Starts it, with its output in a file of `logs`.
    pub fn start(kept: Kept, logs: &Path) -> Result<Self, DevError> {
        let log = Log::begin(logs.join(format!("{}.log", kept.name)))?;
        let (name, ready_url) = (kept.name, kept.ready_url.clone());
        let (sender, state) = watch::channel(State::Starting);
        let stop = CancellationToken::new();
        let task = tokio::spawn(keep(kept, log.clone(), sender, stop.clone()));
        Ok(Self { name, ready_url, log, state, stop, task })
    }

    /// Waits until it can work.
    ///
    /// # Errors
    /// It ended again and again, or isn't ready in time; with the tail of its log.
    pub async fn ready(&self, http: &reqwest::Client) -> Result<(), DevError> {
        let started = Instant::now();
        while started.elapsed() < READY_MAX {
            if let State::GivenUp(status) = *self.state.borrow() {
                return Err(self.died(status));
            }
            let answer = http.get(&self.ready_url).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (log, tail) = (self.log.path().to_owned(), self.log.tail(0));
        Err(DevError::Slow { name: self.name.to_owned(), state: "ready", bound: READY_MAX, log, tail })
    }

    /// `kill -9`, as a crash would, until it is dead. Gives the pid that it had; none if it wasn't running.
    pub async fn kill(&self) -> Option<u32> {
        let child = self.child()?;
        child.signal(Signal::KILL);
        child.exited().await;
        Some(child.pid())
    }

    /// Waits until it has ended too often to be started again.
    pub async fn given_up(&self) -> DevError {
        let mut state = self.state.clone();
        let found = state.wait_for(|state| matches!(state, State::GivenUp(_))).await;
        let status = match found.as_deref() {
            Ok(State::GivenUp(status)) => *status,
            Ok(State::Starting | State::Running(_)) | Err(_) => None,
        };
        self.died(status)
    }

    /// SIGTERM, so that it drains, and SIGKILL if it doesn't.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // Only its end matters here; a panic in the task has already been reported.
        let _ = (&mut self.task).await;
    }

    fn child(&self) -> Option<Arc<Child>> {
        match &*self.state.borrow() {
            State::Running(child) => Some(Arc::clone(child)),
            State::Starting | State::GivenUp(_) => None,
        }
    }

    fn died(&self, status: Option<ExitStatus>) -> DevError {
        let (log, tail) = (self.log.path().to_owned(), self.log.tail(0));
        DevError::Died { name: self.name.to_owned(), status: status.unwrap_or_default(), log, tail }
    }
}

impl Drop for Keeper {
    /// Ends the task first, so that it starts no other child, and then kills the child.
    fn drop(&mut self) {
        self.task.abort();
        if let Some(child) = self.child() {
            child.signal(Signal::KILL);
        }
    }
}

async fn keep(kept: Kept, log: Log, state: watch::Sender<State>, stop: CancellationToken) {
    let mut quick_ends = 0;
    loop {
        let began = Instant::now();
        let child = match start(&kept, &log) {
            Ok(child) => Arc::new(child),
            Err(error) => {
                println!("  {}: {error}", kept.name);
                state.send_replace(State::GivenUp(None));
                return;
            }
        };
        state.send_replace(State::Running(Arc::clone(&child)));
        let status = tokio::select! {
            status = child.exited() => status,
            () = stop.cancelled() => {
                child.signal(Signal::TERM);
                if child.exited_within(STOP_MAX).await.is_none() {
                    child.signal(Signal::KILL);
                    child.exited().await;
                }
                return;
            }
        };
        quick_ends = if began.elapsed() < QUICK { quick_ends + 1 } else { 0 };
        if quick_ends >= QUICK_ENDS_MAX {
            state.send_replace(State::GivenUp(Some(status)));
            return;
        }
        println!("  the {} ended ({status}) and is started again", kept.name);
        tokio::select! {
            () = tokio::time::sleep(BACKOFF * 2_u32.pow(quick_ends)) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Killed when we die: what it has not committed is repeated by the next one.
fn start(kept: &Kept, log: &Log) -> Result<Child, DevError> {
    let mut command = (kept.command)();
    log.take_output(&mut command)?;
    Child::spawn(kept.name, command, Signal::KILL).doing(|| format!("starting the {}", kept.name))
}
