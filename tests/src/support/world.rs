//! The one test world: a service on a database of its own, with its doors open or shut.

use super::{Database, Show, Venue, redis_prefix, server, verify, wait_until};
use api::http::auth::issue_customer;
use service::{
    Service,
    config::{self, Sources},
    node::Node,
};
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use steps::{UserId, gateway::Gateway};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long a test waits for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// A service, its database, and its configuration.
pub struct World {
    /// The service.
    pub service: Service,
    /// Connections of the database's owner.
    pub pool: PgPool,
    /// The configuration, for other processes on the same database.
    pub environment: BTreeMap<String, String>,
    node: Mutex<Option<Node>>,
    doors: Mutex<Option<Doors>>,
    _database: Database,
}

struct Doors {
    stop: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

/// How a world is set up.
pub struct Setup {
    variables: Vec<(String, String)>,
    gateway: Option<Gateway>,
    lanes: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { variables: Vec::new(), gateway: None, lanes: true }
    }
}

impl Setup {
    /// With these configuration variables; they override what a world sets by itself.
    pub fn with<'a>(mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// With this gateway, and not the one that the configuration names.
    pub fn gateway(mut self, gateway: Gateway) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// With lanes of its own, or without: then a test brings processes that run the sagas.
    pub fn lanes(mut self, lanes: bool) -> Self {
        self.lanes = lanes;
        self
    }

    /// Makes the database and starts the service; its doors are shut.
    pub async fn open(self) -> World {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Database::fresh().await;
        let defaults = [
            ("USHER_DATABASE_URL", database.app_url()),
            ("USHER_REDIS_URL", server().await.redis_url.clone()),
            ("USHER_REDIS_PREFIX", redis_prefix()),
            ("USHER_LANES_COUNT", "1".into()),
            ("USHER_LANES_POLL_MS", "50".into()),
        ];
        let mut environment: BTreeMap<String, String> =
            defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        environment.extend(self.variables);
        let sources = Sources { file: None, environment: environment.clone() };
        let config = config::load(&sources).expect("a test's configuration can be read").config;
        let node = match self.gateway {
            Some(gateway) => Node::with_gateway(config, gateway, self.lanes).await,
            None => Node::open(config, self.lanes).await,
        };
        let node = node.unwrap_or_else(|error| panic!("opening a node: {error:#}"));
        World {
            service: node.service.clone(),
            pool: PgPool::connect(database.url()).await.expect("the test's database is there"),
            environment,
            node: Mutex::new(Some(node)),
            doors: Mutex::default(),
            _database: database,
        }
    }
}

impl World {
    /// Opens the doors on this listener.
    pub fn serve(&self, listener: TcpListener) {
        let stop = CancellationToken::new();
        let serving = tokio::spawn(api::site::serve(self.service.clone(), listener, stop.clone()));
        *self.doors.lock().expect("nobody panics with it") = Some(Doors { stop, serving });
    }

    /// A new customer's token, and their id.
    pub async fn customer(&self, name: &str) -> (String, UserId) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let email = format!("customer{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
        let issued = issue_customer(&self.pool, None, name, &email, None).await;
        let (token, user) = issued.expect("a new address gets a token");
        (token.expose().to_owned(), user)
    }

    /// Puts a venue on sale.
    pub async fn open_venue(&self, venue: &Venue) -> Show {
        venue.open(&self.pool).await.expect("the test's database takes a venue")
    }

    /// Waits until the condition gives something, and gives that.
    #[track_caller]
    pub fn until<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
        wait_until(what, PATIENCE, look)
    }

    /// How many rows a query counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect("the test's query can be run")
    }

    /// Waits until a query counts this many.
    pub async fn until_count(&self, what: &str, sql: &'static str, wanted: i64) {
        self.until(what, async || (self.count(sql).await == wanted).then_some(())).await;
    }

    /// Asserts every invariant that is shipped.
    pub async fn verify(&self) {
        verify(&self.pool).await;
    }

    /// Closes the doors and lets what runs end, so that the database holds still.
    pub async fn leave(&self) {
        let doors = self.doors.lock().expect("nobody panics with it").take();
        if let Some(doors) = doors {
            self.service.begin_draining();
            doors.stop.cancel();
            doors.serving.await.expect("serving ends").expect("it ends well");
        } else {
            self.service.tasks.close();
            self.service.tasks.wait().await;
        }
        let node = self.node.lock().expect("nobody panics with it").take();
        if let Some(node) = node {
            node.drain().await;
        }
    }
}
