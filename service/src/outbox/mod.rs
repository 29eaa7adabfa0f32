//! Delivers messages about decisions to subscribers.
//!
//! The picture: sagas put messages into the engine's outbox, in the commit that decided them, and do nothing more. The engine
//! hands each over to [`FanOut`], which makes one delivery for each subscription that wants it. A delivery is claimed under a
//! lease, sent, and settled: delivered, due again later, or given up. Many nodes do this at once; rows and leases keep them
//! from doing the same.
//!
//! Receivers may rely on this: a message comes at least once, always under the same id. The messages of one saga come in
//! order, each only after the one before is settled. Not promised are exactly-once delivery and any order between sagas.
//!
//! A subscription has its own failures, its own waits and its own bound on requests, so a slow or broken one holds up
//! no other.

pub mod address;
mod deliver;
pub mod event;
mod fan_out;
pub mod report;
pub mod resolver;
mod retention;
pub mod secret;
mod send;
mod settings;
pub mod store;
pub mod telemetry;

pub use deliver::Outbox;
pub use fan_out::{FanOut, HAND_OVER_MAX};
pub use retention::delete_old;
pub use settings::Settings;

use orchestrator::bucketed_id;

bucketed_id! {
    /// A subscription, by its id.
    SubscriptionId
}
