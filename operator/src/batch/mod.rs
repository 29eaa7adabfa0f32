//! Batches: one action on many sagas, carefully and for sure.
//!
//! The picture: somebody with a list on a clipboard. The list is written once, when the batch is made. A few sagas go
//! first, the *canary*, and the batch waits for their results. Only if these are good, more are taken, in rounds that grow.
//! Each round's results are known before the next round begins, so at most one round can go wrong. The list is in the
//! database: the node with the batch's lease works on it, and if it stops, another node goes on.
//!
//! | file | what |
//! |---|---|
//! | `new` | what a batch is, as it is asked for; `crate::record` has it as it is stored |
//! | `start` | what a batch would do, and making one |
//! | `steer` | pause, resume, cancel, agree |
//! | `rounds` | how it goes on after a round; pure |
//! | `verdict` | the result of an item; pure |
//! | `act` | one item: the action in its saga's transaction, once for each batch, whatever crashes |
//! | `work` | one batch under a lease |
//! | `runner` | finding batches to work on |
//!
//! No transaction holds more than one saga, and none holds a saga and the list: an item is acted on first and noted later.
//! The row in the audit that is written with the action names the batch. A node that finds an item without a note looks
//! for that row under the saga's lock.

mod act;
mod new;
mod rounds;
mod runner;
mod start;
mod steer;
mod verdict;
mod work;

pub use new::{BatchPreview, ITEMS_MAX, NewBatch};
pub use runner::work_on_batches;
