//! A node: a process that is killed, frozen, told to leave and started again, with a proxy on each of its ways.

use crate::support::{HttpProxy, Proxy, Wire};
use anyhow::Context;
use dev::{Child, Signal};
use std::{
    fs::File,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a node that is told to leave may take, whatever goes wrong meanwhile: 25 s, and 1 s for scheduling.
pub(in super::super) const LEAVE_MAX: Duration = Duration::from_secs(26);

/// What stands between a node and the servers.
pub(super) struct Proxies {
    pub postgres: Proxy,
    pub redis: Wire,
    pub gateway: HttpProxy,
}

pub(in super::super) struct NodeProcess {
    pub number: usize,
    pub url: String,
    pub postgres: Proxy,
    pub redis: Wire,
    pub gateway: HttpProxy,
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    child: Option<Arc<Child>>,
    /// Whether it has said since its start that it is ready.
    was_ready: bool,
}

/// A node that ended though nobody told it to.
pub(in super::super) struct Gone {
    status: ExitStatus,
    was_ready: bool,
}

impl Gone {
    /// Whether this is a fault of the node. Only a failed start, while the database is away, is none.
    pub fn is_crash(&self) -> bool {
        self.was_ready || self.status.signal().is_some()
    }

    pub fn status(&self) -> ExitStatus {
        self.status
    }
}

impl NodeProcess {
    pub(super) fn new(
        number: usize,
        listen: &str,
        proxies: Proxies,
        program: PathBuf,
        environment: Vec<(&'static str, String)>,
        log: PathBuf,
    ) -> Self {
        let Proxies { postgres, redis, gateway } = proxies;
        let (url, state) = (format!("http://{listen}"), Mutex::default());
        Self { number, url, postgres, redis, gateway, program, environment, log, state }
    }

    /// Starts it, unless it runs.
    pub fn start(&self) -> anyhow::Result<()> {
        let mut state = self.lock();
        if state.child.is_none() {
            let log = File::options().append(true).create(true).open(&self.log).context("opening a log")?;
            let mut command = Command::new(&self.program);
            command.args(["usher", "serve"]).envs(self.environment.iter().cloned());
            command.current_dir(std::env::temp_dir()); // where no configuration file lies
            command.stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
            let child = Child::spawn("node", command, Signal::KILL).context("starting a node")?;
            *state = State { child: Some(Arc::new(child)), was_ready: false };
        }
        Ok(())
    }

    /// `kill -9`, until it is gone.
    pub async fn kill(&self) {
        let child = self.lock().child.take();
        if let Some(child) = child {
            child.signal(Signal::KILL);
            child.exited().await;
        }
    }

    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGTERM, until it is gone; how long that took. `None`: too long, and it was killed.
    pub async fn leave(&self) -> Option<Duration> {
        let child = self.lock().child.take()?;
        let told = Instant::now();
        child.signal(Signal::TERM);
        if child.exited_within(LEAVE_MAX).await.is_some() {
            return Some(told.elapsed());
        }
        child.signal(Signal::KILL);
        child.exited().await;
        None
    }

    /// How it ended, if it did so by itself; it is to be started again then.
    pub fn is_gone(&self) -> Option<Gone> {
        let mut state = self.lock();
        let status = state.child.as_ref()?.status()?;
        state.child = None;
        Some(Gone { status, was_ready: state.was_ready })
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self, http: &reqwest::Client) -> bool {
        const ANSWER_MAX: Duration = Duration::from_secs(1);
        let asked = http.get(format!("{}/readyz", self.url)).timeout(ANSWER_MAX).send().await;
        let is_ready = asked.is_ok_and(|answer| answer.status().is_success());
        if is_ready {
            self.lock().was_ready = true;
        }
        is_ready
    }

    /// Its process id, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.lock().child.as_ref().map(|child| child.pid())
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.lock().child {
            child.signal(signal);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
