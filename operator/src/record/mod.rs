//! Rows and ids, above the code that stores them: batches and their items, proposals, what was done.

mod audited;
mod batch;
mod batch_item;
mod proposal;

pub use audited::{Audited, Which};
pub use batch::{Batch, BatchId, BatchState};
pub(crate) use batch_item::Tally;
pub use batch_item::{BatchItem, ItemResult, Results};
pub(crate) use proposal::CONSENT_WITHIN;
pub use proposal::{Proposal, ProposalId, ProposalState, Requested};
