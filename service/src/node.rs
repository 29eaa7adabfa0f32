//! One node: the engine with the workflows, their steps and ports, and the service around it.

pub use crate::{
    ports::{gateway, locks},
    registered::{Workflows, booking_workflows},
};

use crate::{
    Service,
    config::{self, Capture, Config},
    operators,
    outbox::{FanOut, HAND_OVER_MAX},
};
use anyhow::Context;
use operator::Operator;
use orchestrator::{Builder, Client, Database, Engine, Settings};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};
use steps::{
    Cashier, Repayments, Services,
    gateway::{CaptureMethod, Gateway, instant},
    locks::SeatLocks,
};
use tokio::sync::Notify;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// The channel on which nodes nudge each other.
const HINTS: &str = "usher:hints";

/// How long shutdown waits for calls that are out: what is left of 25 s after the API has drained.
const DRAIN: Duration = Duration::from_secs(11);

/// How long shutdown waits meanwhile for work on batches: as long as the engine waits for its own tasks.
const BATCHES_END: Duration = DRAIN.saturating_add(Duration::from_secs(2));

/// Connections for refunds that look into our books before they leave: each holds one for a statement.
const BOOKS_CONNECTIONS: u32 = 2;

/// A node that has been opened and works until it is drained.
pub struct Node {
    /// The service that callers use.
    pub service: Service,
    engine: Option<Engine>,
    batches: Option<Batches>,
}

/// Work on operators' batches, on a node with lanes.
struct Batches {
    tasks: TaskTracker,
    /// Ends that work, even if the node is dropped without having been drained.
    stop: DropGuard,
}

impl Node {
    /// Opens a node with the gateway that the configuration names.
    ///
    /// # Errors
    /// The database can't be reached, or the configuration can't work.
    pub async fn open(config: Config, lanes: bool) -> anyhow::Result<Self> {
        let gateway = gateway(&config.gateway)?;
        Self::with_gateway(config, gateway, lanes).await
    }

    /// Opens a node with this gateway, either with lanes or leaving the sagas to other nodes.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub async fn with_gateway(config: Config, gateway: Gateway, lanes: bool) -> anyhow::Result<Self> {
        let locks = locks(&config.redis)?;
        let handed = Arc::new(Notify::new());
        let events = FanOut::new(HAND_OVER_MAX, handed.clone());
        let builder = builder(&config, gateway.clone(), locks.clone())?.events(events);
        let (client, engine) = if lanes {
            let engine = builder.start().await.context("starting the lanes")?;
            (engine.client().clone(), Some(engine))
        } else {
            (builder.client().await.context("connecting to the database")?, None)
        };
        let desk = operators::desk(&client, &config);
        let service = Service::open(config, client, desk, locks, gateway, handed).await?;
        let batches = engine.is_some().then(|| Batches::work(service.operator()));
        Ok(Self { service, engine, batches })
    }

    /// Stops taking work, lets running work end, and leaves.
    pub async fn drain(self) {
        self.service.begin_draining();
        let engine = async {
            if let Some(engine) = self.engine {
                engine.drain().await;
            }
        };
        let batches = async {
            if let Some(batches) = self.batches {
                batches.end().await;
            }
        };
        tokio::join!(engine, batches);
    }
}

impl Batches {
    fn work(desk: Operator) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(operator::work_on_batches(desk, stop.clone()));
        tasks.close();
        Self { tasks, stop: stop.drop_guard() }
    }

    /// Begins no further saga, and waits for those that were begun.
    async fn end(self) {
        drop(self.stop);
        if tokio::time::timeout(BATCHES_END, self.tasks.wait()).await.is_err() {
            tracing::warn!("work on a batch did not end in time; another node will go on with it");
        }
    }
}

/// Only the engine's client, for commands: it knows every workflow, and makes no calls.
///
/// # Errors
/// The database can't be reached, or the configuration can't work.
pub async fn client(config: &Config) -> anyhow::Result<Client> {
    let never_asked = Gateway::new(instant::Instant::new());
    let builder = builder(config, never_asked, locks(&config.redis)?)?;
    builder.client().await.context("connecting to the database")
}

fn builder(config: &Config, gateway: Gateway, locks: SeatLocks) -> anyhow::Result<Builder<Services>> {
    let database = Database::at(config.database.url.expose_secret()).context("reading `database.url`")?;
    let cashier = Cashier {
        gateway,
        capture: match config.gateway.capture {
            Capture::Manual => CaptureMethod::Manual,
            Capture::Automatic => CaptureMethod::Automatic,
        },
        return_url: config.gateway.return_url.clone(),
        books: database.pool_on_demand(BOOKS_CONNECTIONS),
        repayments: Repayments { max: config.gateway.repayments_max, apart: config.gateway.repayments_apart },
    };
    let settings = Settings { outbox_poll: config.outbox.poll, ..settings(&config.lanes) };
    let hints = format!("{}{HINTS}", config.redis.prefix);
    let builder = Engine::builder(Services { locks, cashier }, database)
        .hints(config.redis.url.expose_secret(), &hints);
    Ok((config.workflows)(builder, settings))
}

fn settings(lanes: &config::Lanes) -> Settings {
    Settings {
        lanes: lanes.count,
        batch_scope: match lanes.batch_scope {
            config::BatchScope::Database => orchestrator::BatchScope::Database,
            config::BatchScope::Bucket => orchestrator::BatchScope::Bucket,
        },
        intake_max: lanes.intake_max,
        letters_max: lanes.intake_max,
        batch_max: lanes.batch_max,
        stretch_steps_max: lanes.stretch_steps_max,
        lease: lanes.lease,
        poll: lanes.poll,
        stuck_retry: lanes.stuck_retry,
        drain: DRAIN,
        ..Settings::default()
    }
}
