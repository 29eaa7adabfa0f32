//! What every test of the whole system needs: real servers, a database of its own, and waiting without sleeping.
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! use tests::support::{Database, Setup, Venue, redis_prefix, server, wait_until};
//! let database = Database::fresh().await;              // migrated, empty, gone when dropped
//! let redis = &server().await.redis_url;               // shared: keep to keys under a prefix
//! let prefix = redis_prefix();
//! let world = Setup::default().open().await;           // a service on all this
//! let show = world.open_venue(&Venue::with_seats(3)).await;
//! # Ok(()) }
//! ```
//!
//! A test that kills its servers starts its own: [`private_postgres`], [`private_redis`].

mod database;
mod failpoint;
mod proxy;
mod rival;
mod server;
mod venue;
mod verify;
mod wait;
mod world;

pub use database::{Database, Migrator, Template};
pub use failpoint::Hold;
pub use proxy::{AtCommit, Cut, Flow, HttpFault, HttpProxy, Misbehaviour, Proxy, Whom, Wire};
pub use rival::{Prey, Rival};
pub use server::{Server, private_postgres, private_redis, redis_prefix, server};
pub use venue::{PRICE, Show, Venue};
pub use verify::verify;
pub use wait::wait_until;
pub use world::{Setup, World};
