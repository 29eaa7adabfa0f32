//! A node: its lanes, its sweep, its leases, its client. Built once, drained once.

use crate::{
    client::Client,
    database::Database,
    hints::Hints,
    lane::{Calls, Health, Hung, Lane, Leases, Queue, Shared, Watchers},
    operator::{self, Desk, Rows},
    registry::{Registry, RegistryError},
    settings::Settings,
    steps::StepList,
    sweep,
    workflow::Workflow,
};
use sqlx::PgPool;
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Pooled connections for one-statement work: letters that wait for a row, handles that look.
const POOL_MAX: u32 = 8;

/// A running node.
pub struct Engine {
    client: Client,
    shared: Arc<Shared>,
    lanes: Lanes,
    tasks: TaskTracker,
    /// No more work at all; also if the node is dropped without having been drained.
    stop: DropGuard,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its workflows contradict each other.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database can't be reached.
    #[error("connecting to the database")]
    Database(#[from] sqlx::Error),
    /// The address of Redis can't be read.
    #[error("reading the address of Redis")]
    Redis(#[from] redis::RedisError),
    /// A lane could not get its thread.
    #[error("starting a lane")]
    Thread(#[from] std::io::Error),
}

/// A node that is being put together.
pub struct Builder<S> {
    services: S,
    database: Database,
    settings: Settings,
    hints: Option<(String, String)>,
    rows: Option<Arc<dyn Rows>>,
    registry: Registry,
}

impl Engine {
    /// Begins a node whose calls use `services`.
    pub fn builder<S: Clone + Send + Sync + 'static>(services: S, database: Database) -> Builder<S> {
        let registry = Registry::default();
        Builder { services, database, settings: Settings::default(), hints: None, rows: None, registry }
    }

    /// The way in.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The node's name in rows and logs.
    pub fn node(&self) -> &str {
        &self.shared.settings.node
    }

    /// Stops taking work, lets calls that are out come home, commits what they brought, and leaves. What is still out
    /// then is taken over by other nodes when its lease ends.
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
            tracing::warn!("calls are still out; their sagas go to other nodes when the leases end");
        }
        self.stop.disarm().cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Looked at and not joined: a thread that waits for one that hangs would keep the process from ending.
        let lanes = self.lanes.take();
        let stopped = tokio::time::timeout(Duration::from_secs(2), async {
            while !lanes.iter().all(|lane| lane.thread.is_finished()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        if stopped.await.is_err() {
            tracing::warn!("a lane did not stop in time");
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Builder<S> {
    /// Knows this workflow and its steps.
    pub fn workflow<W>(mut self) -> Self
    where
        W: Workflow,
        W::Steps: StepList<S>,
    {
        self.registry.workflows.add::<W>();
        W::Steps::register(&self.services, &mut self.registry.steps);
        self
    }

    /// With these bounds and times.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With hints through this Redis, on this channel.
    pub fn hints(mut self, redis_url: &str, channel: &str) -> Self {
        self.hints = Some((redis_url.to_owned(), channel.to_owned()));
        self
    }

    /// With the service's own rows in what operators see, and its hints after what they do; for batches too.
    pub fn rows(mut self, rows: Arc<dyn Rows>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// A client alone: for a node that leaves the lanes to others.
    pub async fn client(self) -> Result<Client, BuildError> {
        let registry = self.registry.checked()?;
        let hints = self.hints.map(|(url, channel)| Hints::open(&url, &channel)).transpose()?;
        let pool = self.database.pool(POOL_MAX).await?;
        let desk = Arc::new(Desk::new(registry, self.database, self.settings, self.rows));
        Ok(Client { pool, lanes: None, hints, draining: CancellationToken::new(), desk })
    }

    /// Starts the node.
    pub async fn start(self) -> Result<Engine, BuildError> {
        let hints = self.hints.as_ref().map(|(url, channel)| Hints::open(url, channel)).transpose()?;
        let pool: PgPool = self.database.pool(POOL_MAX).await?;
        let rows = self.rows.clone();
        let shared = self.shared()?;
        let (stop, draining, tasks) = (shared.stop.clone(), shared.draining.clone(), TaskTracker::new());
        let lanes = Lanes::default();
        for number in 0..shared.queues.len() {
            lanes.add(spawn_lane(shared.clone(), number).await?);
        }
        tasks.spawn(watch(shared.clone(), lanes.clone(), stop.clone()));
        tasks.spawn(sweep::run(shared.clone(), draining.clone()));
        tasks.spawn(renew(shared.clone(), stop.clone()));
        if let Some(hints) = hints.clone() {
            tasks.spawn(hints.listen(shared.clone(), draining.clone()));
        }
        let (registry, database, settings) =
            (shared.registry.clone(), shared.database.clone(), shared.settings.clone());
        let desk = Arc::new(Desk::new(registry, database, settings, rows));
        let client = Client { pool, lanes: Some(shared.clone()), hints, draining: draining.clone(), desk };
        tasks.spawn(operator::work_on_batches(client.operator(), draining));
        Ok(Engine { client, shared, lanes, tasks, stop: stop.drop_guard() })
    }

    /// What the lanes of this node share.
    pub(crate) fn shared(self) -> Result<Arc<Shared>, RegistryError> {
        let settings = self.settings;
        let registry = self.registry.checked()?;
        let stop = CancellationToken::new();
        Ok(Arc::new(Shared {
            registry,
            database: self.database,
            queues: (0..settings.lanes.max(1)).map(|_| Arc::new(Queue::new(&settings))).collect(),
            watchers: Watchers::default(),
            leases: Arc::new(Leases::new(settings.lease)),
            hung: Hung::default(),
            draining: stop.child_token(),
            stop,
            calls: Calls::new(settings.calls_max, tokio::runtime::Handle::current(), &settings.node),
            settings,
        }))
    }
}

/// The lanes that are running; a lane that is given up makes room for another.
#[derive(Clone, Default)]
struct Lanes(Arc<Mutex<Vec<RunningLane>>>);

struct RunningLane {
    number: usize,
    thread: JoinHandle<()>,
    health: Arc<Health>,
}

impl Lanes {
    fn add(&self, lane: RunningLane) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    fn take(&self) -> Vec<RunningLane> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives lanes up whose poll has taken too long; says which, and for which saga.
    fn give_up_hung(&self, bound: Duration) -> Vec<(usize, Arc<Health>, crate::SagaId)> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut given_up = Vec::new();
        lanes.retain(|lane| match lane.health.hung(bound) {
            Some(saga) => {
                lane.health.give_up();
                given_up.push((lane.number, lane.health.clone(), saga));
                false
            }
            None => true,
        });
        given_up
    }
}

/// Looks after the lanes: one that hangs in a poll is replaced, and its connection closed.
async fn watch(shared: Arc<Shared>, lanes: Lanes, stop: CancellationToken) {
    let bound = shared.settings.poll_max;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(bound / 8) => {}
        }
        for (number, health, saga) in lanes.give_up_hung(bound) {
            tracing::error!(lane = number, %saga, ?bound, "a poll does not return: the lane is given up");
            shared.hung.add(saga);
            shared.leases.release_all(|saga| shared.lane_of(saga) == number);
            let closed = async {
                let mut connection = shared.database.connect("watch").await?;
                let close = sqlx::query("select pg_terminate_backend($1)").bind(health.backend());
                close.execute(&mut connection).await.map(drop)
            };
            if let Err(error) = closed.await {
                tracing::error!(lane = number, %error, "its connection could not be closed");
            }
            match spawn_lane(shared.clone(), number).await {
                Ok(lane) => lanes.add(lane),
                Err(error) => tracing::error!(lane = number, %error, "no lane could take its place"),
            }
        }
    }
}

/// A lane on a thread of its own; returns when it is connected.
async fn spawn_lane(shared: Arc<Shared>, number: usize) -> Result<RunningLane, BuildError> {
    let health = Arc::new(Health::default());
    let its = health.clone();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name(format!("lane-{number}")).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(BuildError::Thread(error)))),
        };
        runtime.block_on(async {
            match Lane::open(shared, number, its).await {
                Ok(lane) => {
                    let _ = ready.send(Ok(()));
                    lane.run().await;
                }
                Err(error) => drop(ready.send(Err(BuildError::Database(error)))),
            }
        });
    })?;
    match is_ready.await {
        Ok(ready) => ready.map(|()| RunningLane { number, thread, health }),
        Err(_) => Err(BuildError::Thread(std::io::Error::other("the lane's thread ended"))),
    }
}

/// Renews leases on a connection of its own, so that busy lanes and a full pool can't starve it.
async fn renew(shared: Arc<Shared>, stop: CancellationToken) {
    let mut connection = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(shared.settings.lease / 6) => {}
        }
        let renewed = async {
            let connection = match &mut connection {
                Some(connection) => connection,
                None => connection.insert(shared.database.connect("leases").await?),
            };
            shared.leases.renew(connection).await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(%error, "leases could not be renewed");
            connection = None;
        }
    }
}
