//! Usher's saga engine: workflows that run exactly as far as Postgres remembers, on any number of nodes.
//!
//! A *workflow* is a plain async function that decides; *steps* are named types that act. What a step gave is in the
//! saga's journal, so after a crash the function is run again from its start, and what the journal knows is returned
//! and not done again. A step whose effect is rows of the same database ([`Tx`]) commits together with its journal
//! entry. A step that acts outside ([`Call`]) is made at least once, always under one key, and its compensation gets
//! its output, or nothing if nobody knows it. When a saga turns back, what was begun is undone in reverse order, from
//! the journal alone. After the pivot nothing is undone, and the types say so.
//!
//! ```no_run
//! # use orchestrator::{Database, Engine, prelude::*};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Clone)] struct Bank;
//! # impl Bank {
//! #     async fn charge(&self, _: i64, key: &str) -> Result<String, StepError> { Ok(key.into()) }
//! #     async fn refund(&self, _: &str) -> Result<(), StepError> { Ok(()) }
//! # }
//! # #[derive(Serialize, Deserialize)] struct Ship { receipt: String }
//! # impl Step for Ship {
//! #     const NAME: &'static str = "ship";
//! #     type Output = ();
//! #     type Medium = Tx;
//! #     type Undo = ();
//! #     async fn run(&self, tx: &mut Tx) -> Result<(), StepError> {
//! #         let ship = "insert into shipments (receipt) values ($1)";
//! #         sqlx::query(ship).bind(&self.receipt).execute(&mut **tx).await?;
//! #         Ok(())
//! #     }
//! # }
//! #[derive(Serialize, Deserialize)]
//! struct Charge { cents: i64 }
//! impl Step for Charge {
//!     const NAME: &'static str = "charge";
//!     type Output = String;
//!     type Medium = Call<Bank>; // goes outside: at least once, always under one key
//!     type Undo = ();
//!     async fn run(&self, bank: &mut Call<Bank>) -> Result<String, StepError> {
//!         bank.charge(self.cents, &bank.key()).await
//!     }
//!     async fn compensate(&self, bank: &mut Call<Bank>, _: Option<String>) -> Result<(), StepError> {
//!         bank.refund(&bank.key()).await // also a charge whose answer never came
//!     }
//! }
//! struct Sale;
//! impl Workflow for Sale {
//!     const NAME: &'static str = "sale";
//!     type Steps = (Charge, Ship);
//!     type Input = i64;
//!     type Output = String;
//!     async fn run(mut saga: Saga<Self>, cents: i64) -> Result<String, Failure> {
//!         let receipt = saga.step(Charge { cents }).await?;
//!         saga.pivot(Ship { receipt: receipt.clone() }).await?; // refused: the charge is undone
//!         Ok(receipt)
//!     }
//! }
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let database = Database::at("postgres://usher@127.0.0.1:5432/usher")?;
//! let engine = Engine::builder(Bank, database).workflow::<Sale>().start().await?;
//! let sale = engine.client().start::<Sale>(12_500).key("order 7").await?;
//! # let _ = sale; engine.drain().await; Ok(())
//! # }
//! ```
//!
//! # Three rings of names
//!
//! 1. [`prelude`]: what the author of a workflow imports. `use orchestrator::prelude::*`.
//! 2. The crate's root adds what a node needs: [`Engine`] and its [`Builder`], [`Settings`], [`Database`], [`migrate`];
//!    and what its users need: [`Client`], [`Handle`], [`Status`].
//! 3. `tools` and the other public modules are for programs that look at sagas from outside, such as an operators'
//!    desk and tests.
//!
//! # The rooms, in the order in which they are read
//!
//! - `step`, `medium`, `workflow`, `signal`, `policy` and `error` are what people write; `saga` is what a workflow
//!   holds.
//! - `record` has the rows and their ids; `journal` has what can happen to a saga, and the fold that refuses the rest.
//! - `registry` has steps and workflows by name, without their types.
//! - `machine` moves one saga as far as it goes; `lane` is the loop that moves many in one batch.
//! - `store` has the SQL, one statement in a function.
//! - `sweep`, `hints` and `renewal` find what is due, nudge, and keep leases; `engine` puts a node together.
//! - `client` and `handle` are for callers.
//!
//! `docs/writing-a-workflow.md` builds a workflow from nothing to its tests. `docs/glossary.md` explains the words, and
//! gives those of other systems for them. `ARCHITECTURE.md` tells how the parts play together.
//!
//! What the engine deliberately does not do: it speaks to no database but Postgres, keeps nothing that matters
//! elsewhere, and does not know what its workflows are about.

#![warn(missing_docs)]

extern crate self as orchestrator;

mod build_error;
mod client;
mod database;
mod database_fault;
mod engine;
mod error;
mod fault;
mod handle;
mod hints;
mod id;
pub mod journal;
mod lane;
mod lanes;
mod machine;
mod medium;
pub mod outbox;
mod policy;
pub mod prelude;
mod presence;
mod record;
mod registry;
mod renewal;
mod retention;
mod saga;
mod schema;
mod settings;
mod signal;
mod signs;
mod step;
mod steps;
mod store;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod texts;
mod time;
pub mod tools;
mod workflow;

pub use build_error::BuildError;
pub use client::{Cancelled, Client, ClientError, PAYLOAD_BYTES_MAX, StartRequest};
pub use database::Database;
pub use database_fault::{DatabaseFault, sqlstate};
pub use engine::{Builder, Engine};
pub use error::{Expired, Failure, StepError};
pub use handle::{Ended, Handle, Reached};
pub use id::{Bucket, SagaId};
pub use lane::Snapshot;
pub use lanes::LaneStatus;
pub use medium::{Call, FromRef, Medium, Provide, Tx};
pub use policy::Policy;
pub use record::{Cause, Position, Rejected, Stake, State, Status, StuckCause};
pub use registry::RegistryError;
pub use retention::{Retired, oldest_to_retire, retire, retire_messages};
pub use saga::{Compensatable, Retriable, Saga, Wait};
pub use schema::{create_partitions, is_migrated, migrate};
pub use settings::{BatchScope, Settings};
pub use signal::Signal;
pub use step::{DbError, Event, Item, Made, Probe, Recorded, Step, Undoing, Way};
pub use steps::{Contains, StepList};
pub use store::lookup;
pub use workflow::{Route, Workflow};

/// What [`bucketed_id!`] needs in the crate that calls it.
#[doc(hidden)]
pub mod reexport {
    pub use serde;
    pub use sqlx;
    pub use uuid;
}

/// The example of the workspace's README, so that the tests compile it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
