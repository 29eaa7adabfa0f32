//! What every private server has in common: a program on a port of its own, started until it is ready, stopped
//! until it is gone, and started again on the same port.

use super::child::Child;
use super::error::{DevError, Doing};
use super::log::Log;
use super::owner::Owner;
use super::port;
use rustix::process::Signal;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// PostgreSQL's recovery is the slowest: after a crash it replays a few checkpoints' worth of WAL.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long the server may take after each of the stop signals.
const STOP_MAX: Duration = Duration::from_secs(15);
/// `drop` can't be awaited, so it gives less time.
const DROP_MAX: Duration = Duration::from_secs(5);
/// A killed server's port, and PostgreSQL's sessions with their memory, are not free at once.
const TAKE_OVER_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often a port that was free a moment ago may turn out to be taken.
const PORT_TRIES_MAX: usize = 5;

const PORT_TAKEN: &str = "Address already in use";
/// What a server logs if its killed predecessor is not gone yet.
const LEFTOVERS: [&str; 3] = [PORT_TAKEN, "pre-existing shared memory block", "is another postmaster"];

/// What differs between the servers.
pub(crate) trait Program {
    /// The name used in messages.
    const NAME: &'static str;

    /// How to start it on this port.
    fn command(&self, port: u16) -> Command;

    /// Whether the process `pid`, and no stranger, serves on this port by now.
    fn is_ready(&self, port: u16, pid: u32) -> impl Future<Output = bool> + Send;

    /// The signals that stop it, each stronger than the one before. The first is also sent when we die.
    fn stop_signals(&self) -> &[Signal];
}

/// A server on 127.0.0.1: running, or killed, or stopped. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server<P: Program> {
    pub program: P,
    pub log: Log,
    pub port: u16,
    owner: Owner,
    child: Mutex<Option<Child>>,
}

impl<P: Program> Server<P> {
    /// Starts it on a free port and waits until it is ready.
    pub async fn start(program: P, owner: Owner, log: Log) -> Result<Self, DevError> {
        let mut server = Self { program, log, port: 0, owner, child: Mutex::new(None) };
        let mut tries = 1;
        let child = loop {
            server.port = port::free()?;
            match server.launch().await {
                Err(DevError::Died { tail, .. }) if tries < PORT_TRIES_MAX && tail.contains(PORT_TAKEN) => {
                    tries += 1
                }
                launched => break launched?,
            }
        };
        *server.child.get_mut() = Some(child);
        Ok(server)
    }

    /// Sends SIGKILL, and waits until it is gone.
    pub async fn kill(&self) {
        if let Some(child) = self.child.lock().await.take() {
            child.signal(Signal::KILL);
            child.exited().await;
        }
    }

    /// Sends a signal, if it runs.
    pub async fn signal(&self, signal: Signal) {
        if let Some(child) = &*self.child.lock().await {
            child.signal(signal);
        }
    }

    /// Stops it with one signal after the other. If it outlasts them all, it is killed, and that is an error.
    pub async fn stop(&self) -> Result<(), DevError> {
        let Some(child) = self.child.lock().await.take() else { return Ok(()) };
        child.signal(Signal::CONT);
        for signal in self.program.stop_signals() {
            child.signal(*signal);
            if child.exited_within(STOP_MAX).await.is_some() {
                return Ok(());
            }
        }
        Err(self.slow("stopped", STOP_MAX, 0))
    }

    /// Stops it if it runs, and starts it on the same port.
    pub async fn restart(&self) -> Result<(), DevError> {
        self.stop().await?;
        let mut child = self.child.lock().await;
        let asked = Instant::now();
        loop {
            match self.launch().await {
                Err(DevError::Died { tail, .. })
                    if asked.elapsed() < TAKE_OVER_MAX
                        && LEFTOVERS.iter().any(|what| tail.contains(what)) =>
                {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                launched => {
                    *child = Some(launched?);
                    return Ok(());
                }
            }
        }
    }

    /// Starts the process and waits until it is ready.
    async fn launch(&self) -> Result<Child, DevError> {
        let log_start = self.log.length();
        let mut command = self.program.command(self.port);
        self.owner.run(&mut command);
        self.log.take_output(&mut command)?;
        let child = Child::spawn(P::NAME, command, self.program.stop_signals()[0])
            .doing(|| format!("starting {}", P::NAME))?;

        let started = Instant::now();
        while started.elapsed() < READY_MAX {
            if let Some(status) = child.status() {
                let (log, tail) = (self.log.path().to_owned(), self.log.tail(log_start));
                return Err(DevError::Died { name: P::NAME.to_owned(), status, log, tail });
            }
            if self.program.is_ready(self.port, child.pid()).await {
                return Ok(child);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(self.slow("ready", READY_MAX, log_start))
    }

    fn slow(&self, state: &'static str, bound: Duration, log_start: u64) -> DevError {
        let (log, tail) = (self.log.path().to_owned(), self.log.tail(log_start));
        DevError::Slow { name: P::NAME.to_owned(), state, bound, log, tail }
    }
}

impl<P: Program> Drop for Server<P> {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut().take() {
            child.signal(Signal::CONT);
            child.signal(self.program.stop_signals()[0]);
            child.block_until_exited(DROP_MAX);
        }
    }
}
