//! Telling the outside what was decided.
//!
//! The picture: sagas put messages into the engine's outbox, in the commit that decided them, and know no more of it. The engine
//! hands each over to [`FanOut`], which makes one delivery for each subscription that wants it. A delivery is claimed under a
//! lease, sent, and settled: delivered, due again later, or given up. Many nodes do this at once; rows and leases keep them
//! apart.
//!
//! What receivers may rely on: at least once, always under the same id; the messages of one saga in order, the next only once
//! the one before is settled. What is not promised: exactly once, or any order between sagas.
//!
//! A subscription has its own failures, its own waits and its own bound of requests out, so one that is slow or broken
//! holds up nobody else.

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
    /// Somebody who is told.
    SubscriptionId
}
