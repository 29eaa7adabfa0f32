//! The operators' desk, on any engine: see why a saga is where it is, and repair it.
//!
//! The picture: a desk with a file on each saga. An operator sees why a saga isn't moving and what an action would do, and
//! does it. An audit records what was done, by whom and why, and shows if anybody tampered with it. The desk does not know
//! what sagas are about: the service adds its own [`Rows`].
//!
//! ```no_run
//! # async fn example(client: orchestrator::Client, saga: orchestrator::SagaId) -> Result<(), operator::OperatorError> {
//! use operator::{Action, By, Expected, Operator};
//! let desk = Operator::of(&client);
//! println!("{}", desk.see(saga).await?.why);
//! let by = By { actor: "ada".into(), reason: "the bank answers again".into() };
//! let plan = desk.plan(saga, Action::RetryNow, by.clone()).await?;
//! let expected = Expected { etag: plan.etag, plan_hash: Some(plan.hash) };
//! desk.execute(saga, Action::RetryNow, by, expected).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The rooms, from the ground up:
//!
//! | room | what |
//! |---|---|
//! | `filter`, `limits`, `action`, `plan` | the words: which sagas, how much money, what is allowed, what it does |
//! | `why`, `line`, `suggest` | why a saga is where it is, in words, and what to try first |
//! | `record/` | rows and ids: batches and their items, proposals, what was done |
//! | `store/` | the desk's own tables: batches, proposals, the audit's chains; work-lists; [`numbers`] |
//! | `by` | who acts, and why |
//! | `desk` | [`Operator`]: a client, the service's rows, limits |
//! | `seen`, `keys`, `list`, `listed` | looking: one saga, its calls' keys, work-lists, groups, searches |
//! | `planner`, `order`, `preview` | what an action would do, and doing it |
//! | `consent/` | a second person |
//! | `batch/` | one action on many sagas |
//! | [`audit`] | what was done, and whether its chains are unbroken |
//!
//! What it deliberately does not do: it changes sagas only through the engine's one interface for that
//! ([`LockedSaga`](orchestrator::tools::LockedSaga)). It makes no call, and decides nothing by itself, apart from how a
//! batch goes on.

#![warn(missing_docs)]

mod action;
pub mod audit;
mod batch;
mod by;
mod consent;
mod desk;
mod error;
mod filter;
mod keys;
mod limits;
mod line;
mod list;
mod listed;
mod order;
mod person;
mod plan;
mod planner;
mod preview;
mod record;
mod retention;
mod rows;
mod seen;
mod store;
mod suggest;
mod why;

pub use action::{Allowed, allowed_actions};
pub use batch::{BatchPreview, ITEMS_MAX, NewBatch, work_on_batches};
pub use by::{By, Expected};
pub use desk::Operator;
pub use error::OperatorError;
pub use filter::Filter;
pub use keys::Key;
pub use limits::Limits;
pub use listed::{Group, Listed};
pub use orchestrator::tools::{Action, ActionKind, Attempt, JournalEntry, Trouble};
pub use plan::{Plan, PlannedCall, Touched};
pub use record::{
    Batch, BatchId, BatchItem, BatchState, ItemResult, Proposal, ProposalId, ProposalState, Requested,
    Results,
};
pub use rows::Rows;
pub use seen::{Letter, SagaSummary, Seen};
pub use store::numbers;
pub use why::{Why, why};
