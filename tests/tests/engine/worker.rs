//! Workers: nodes in processes of their own, to be killed and frozen.

use dev::{Child, Signal};
use orchestrator::{BatchScope, SagaId};
use std::{os::unix::process::ExitStatusExt, process::Command, time::Duration};
use tests::play::{Part, Stage};

/// No worker's work takes so long.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// A worker process. Dropping it kills it.
pub struct Worker(Child);

/// How a worker is started.
pub struct Start(Command);

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its play ended, and it left.
    Peaceful,
    /// It died at its failpoint, or a step killed it.
    Sudden,
}

impl Worker {
    /// A worker on this stage, under this name.
    pub fn on(stage: &Stage, node: &str) -> Start {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        command.arg(stage.url()).env("NODE", node).env_remove("FAILPOINTS");
        if stage.scope == BatchScope::Bucket {
            command.env("SCOPE", "bucket");
        }
        Start(command)
    }

    pub fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    pub async fn ended(&self) -> Death {
        let status = self.0.exited_within(ENDED_WITHIN).await.expect("a worker ends");
        match (status.success(), status.signal()) {
            (true, _) => Death::Peaceful,
            (false, Some(6)) => Death::Sudden,
            _ => panic!("a worker failed: {status}"),
        }
    }
}

impl Start {
    /// Sets an environment variable of the worker.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.env(name, value.to_string());
        self
    }

    /// It is to begin this play.
    pub fn play(self, id: SagaId, part: &Part) -> Self {
        self.with("START", id).with("PART", serde_json::to_string(part).expect("a part is JSON"))
    }

    /// It doesn't look for others' sagas.
    pub fn blind(self) -> Self {
        self.with("POLL_MS", 3_600_000)
    }

    pub fn spawn(self) -> Worker {
        Worker(Child::spawn("worker", self.0, Signal::KILL).expect("a worker starts"))
    }
}
