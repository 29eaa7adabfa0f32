//! A node: its lanes, its sweep, its leases, its client. It is built once and drained once.

use crate::{
    build_error::BuildError,
    client::{Client, Parts},
    database::Database,
    hints::Hints,
    lane::{Calls, Leases, Queue, Shared, Suspects, Watchers, lane_of},
    lanes::{self, Lanes},
    machine::{Culprits, Places},
    outbox::{self, Courier, Deliver, Handler},
    presence,
    registry::{Registry, RegistryError},
    renewal,
    settings::Settings,
    steps::StepList,
    sweep,
    workflow::Workflow,
};
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Pooled connections for work of one statement: letters that wait for a row, handles that read.
const POOL_MAX: u32 = 8;
/// How long a node waits at its end for its own tasks and lanes.
const STOP_MAX: Duration = Duration::from_secs(2);

/// A running node.
pub struct Engine {
    client: Client,
    shared: Arc<Shared>,
    lanes: Lanes,
    tasks: TaskTracker,
    /// Cancelled when all work must stop, also if the node is dropped without having been drained.
    stop: DropGuard,
}

/// A node that is being built.
pub struct Builder<S> {
    services: S,
    database: Database,
    settings: Settings,
    hints: Option<(String, String)>,
    events: Option<Arc<dyn Handler>>,
    registry: Registry,
}

impl Engine {
    /// Begins a node whose calls use `services`.
    pub fn builder<S: Clone + Send + Sync + 'static>(services: S, database: Database) -> Builder<S> {
        let registry = Registry::default();
        Builder { services, database, settings: Settings::default(), hints: None, events: None, registry }
    }

    /// The client of this node.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The node's name in rows and logs.
    pub fn node(&self) -> &str {
        &self.shared.settings.node
    }

    /// Stops taking work, waits for calls that are out, commits their results, and leaves. If a call is still out then,
    /// another node takes over its saga when the lease ends. It takes no longer than [`Settings::drain`] and a few seconds,
    /// whatever hangs.
    pub async fn drain(self) {
        self.shared.draining.cancel();
        self.shared.calls.tasks.close();
        let home = tokio::time::timeout(self.shared.settings.drain, async {
            loop {
                self.shared.calls.tasks.wait().await;
                // A batch that was begun before may have handed out another call.
                if self.shared.queues.iter().all(|queue| queue.is_idle())
                    && self.shared.calls.tasks.is_empty()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if home.await.is_err() {
            tracing::warn!("calls are still out; other nodes take over their sagas when the leases end");
        }
        self.stop.disarm().cancel();
        self.tasks.close();
        let stopped = tokio::time::timeout(STOP_MAX, async {
            self.tasks.wait().await;
            while !self.lanes.have_ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if stopped.await.is_err() {
            tracing::warn!("a lane, or a task of this node, did not stop in time");
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Builder<S> {
    /// Registers this workflow and its steps.
    pub fn workflow<W>(mut self) -> Self
    where
        W: Workflow,
        W::Steps: StepList<S>,
    {
        self.registry.workflows.add::<W>();
        W::Steps::register(&self.services, &mut self.registry.steps);
        self
    }

    /// Sets the bounds and times.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sends hints through this Redis, on this channel.
    pub fn hints(mut self, redis_url: &str, channel: &str) -> Self {
        self.hints = Some((redis_url.to_owned(), channel.to_owned()));
        self
    }

    /// Sets the handler that gets what sagas emit, for as long as the node runs. Without a handler messages stay in the outbox.
    pub fn events(mut self, handler: impl Deliver) -> Self {
        self.events = Some(Arc::new(handler));
        self
    }

    /// Makes only a client, for a node that leaves the lanes to other nodes.
    pub async fn client(self) -> Result<Client, BuildError> {
        let registry = self.registry.checked()?;
        let hints = self.hints.map(|(url, channel)| Hints::open(&url, &channel)).transpose()?;
        let pool = self.database.pool(POOL_MAX).await?;
        let parts = Arc::new(Parts { registry, database: self.database, settings: self.settings });
        Ok(Client { pool, lanes: None, running: None, hints, draining: CancellationToken::new(), parts })
    }

    /// Starts the node.
    pub async fn start(self) -> Result<Engine, BuildError> {
        let hints = self.hints.as_ref().map(|(url, channel)| Hints::open(url, channel)).transpose()?;
        let pool: PgPool = self.database.pool(POOL_MAX).await?;
        let events = self.events.clone();
        let shared = self.shared()?;
        let (stop, draining, tasks) = (shared.stop.clone(), shared.draining.clone(), TaskTracker::new());
        let lanes = Lanes::default();
        for number in 0..shared.queues.len() {
            lanes.start(&shared, number).await?;
        }
        tasks.spawn(lanes::watch(shared.clone(), lanes.clone(), stop.clone()));
        tasks.spawn(sweep::run(shared.clone(), draining.clone()));
        tasks.spawn(renewal::run(shared.clone(), lanes.clone(), stop.clone()));
        tasks.spawn(presence::run(shared.clone(), draining.clone()));
        if let Some(handler) = events {
            let (scope, poll) = (shared.settings.batch_scope, shared.settings.outbox_poll);
            let courier = Courier { database: shared.database.clone(), handler, scope, poll };
            tasks.spawn(outbox::run(courier, draining.clone()));
        }
        if let Some(hints) = hints.clone() {
            tasks.spawn(hints.listen(shared.clone(), draining.clone()));
        }
        let (registry, database, settings) =
            (shared.registry.clone(), shared.database.clone(), shared.settings.clone());
        let parts = Arc::new(Parts { registry, database, settings });
        let (lanes_of, running) = (Some(shared.clone()), Some(lanes.clone()));
        let client = Client { pool, lanes: lanes_of, running, hints, draining, parts };
        Ok(Engine { client, shared, lanes, tasks, stop: stop.drop_guard() })
    }

    /// What the lanes of this node share.
    pub(crate) fn shared(self) -> Result<Arc<Shared>, RegistryError> {
        let settings = self.settings;
        let registry = self.registry.checked()?;
        let stop = CancellationToken::new();
        let culprits = Arc::new(Culprits::default());
        let queue = |_| Arc::new(Queue::new(&settings, culprits.clone()));
        let queues: Vec<Arc<Queue>> = (0..settings.lanes.max(1)).map(queue).collect();
        let lines = queues.clone();
        let places = Places::new(settings.calls_max, move |saga, token, place| {
            lines[lane_of(saga, lines.len())].give_place(saga, token, place);
        });
        Ok(Arc::new(Shared {
            registry,
            database: self.database,
            places,
            queues,
            watchers: Watchers::default(),
            leases: Arc::new(Leases::new(settings.lease)),
            suspects: Suspects::new(),
            culprits,
            draining: stop.child_token(),
            stop,
            calls: Calls::new(tokio::runtime::Handle::current(), &settings.node),
            settings,
        }))
    }
}
