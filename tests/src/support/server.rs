//! One PostgreSQL and one Redis for all tests of a process, started by the first that asks.
//!
//! `USHER_TEST_DATABASE_URL` and `USHER_TEST_REDIS_URL` name others to be used instead.

use dev::{Postgres, PostgresOptions, Redis, RedisOptions, Scratch};
use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

/// Where the shared servers are.
#[derive(Debug)]
pub struct Server {
    /// A database on the shared PostgreSQL in which other databases may be created.
    pub database_url: String,
    /// The shared Redis; keep to keys under [`redis_prefix`].
    pub redis_url: String,
    /// They live as long as the process and die with it; the folder is swept by the next one.
    _own: (Option<Postgres>, Option<Redis>, Scratch),
}

/// The shared servers. PostgreSQL runs without `fsync`: no test of this kind cuts the power.
pub async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(start).await
}

/// A prefix for keys and channels in the shared Redis that no other test has.
pub fn redis_prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test:{}:{}:", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Each world has some twenty connections, and several worlds are open at once.
const CONNECTIONS_MAX: &str = "500";

/// A PostgreSQL for one test, to be killed at will. `durable` turns `fsync` on.
pub async fn private_postgres(scratch: &Scratch, durable: bool) -> Postgres {
    let mut options = PostgresOptions::in_dir(scratch.path().join("services"));
    options.durable = durable;
    options.extra_settings = vec![("max_connections".to_owned(), CONNECTIONS_MAX.to_owned())];
    Postgres::start(options).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A Redis for one test, to be killed, paused and emptied at will.
pub async fn private_redis(scratch: &Scratch) -> Redis {
    let options = RedisOptions::in_dir(scratch.path().join("services"));
    Redis::start(options).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn start() -> Server {
    let scratch = Scratch::new().unwrap_or_else(|error| panic!("{error}"));
    let (database_url, postgres) = match env::var("USHER_TEST_DATABASE_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let postgres = private_postgres(&scratch, false).await;
            (postgres.url("postgres"), Some(postgres))
        }
    };
    let (redis_url, redis) = match env::var("USHER_TEST_REDIS_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let redis = private_redis(&scratch).await;
            (redis.url(), Some(redis))
        }
    };
    Server { database_url, redis_url, _own: (postgres, redis, scratch) }
}
