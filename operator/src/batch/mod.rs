//! Batches: one action on many sagas, carefully and for sure.
//!
//! The picture: somebody with a list on a clipboard. The list is written once, when the batch is made. A few sagas go
//! first, the *canary*; what came of each is waited for. Only if that was good, more are taken, in rounds that grow.
//! Each round's results stand before the next begins, so what can go wrong is one round. The list lies in the
//! database: whoever holds the batch's lease works it off, and when they drop it, another node goes on.
//!
//! | file | what |
//! |---|---|
//! | `new` | what a batch is, as it is asked for; `crate::record` has it as it is stored |
//! | `start` | what a batch would do, and making one |
//! | `steer` | pause, resume, cancel, agree |
//! | `rounds` | how it goes on after a round; pure |
//! | `verdict` | what came of an item; pure |
//! | `act` | one item: the action in its saga's transaction, once a batch whatever crashes |
//! | `work` | one batch under a lease |
//! | `runner` | finding batches to work on |
//!
//! No transaction has more than one saga in it, and none has a saga and the list: an item is acted on first and noted
//! later. The row in the audit that is written with the action names the batch; whoever comes back to an item that is
//! not noted looks for that row under the saga's lock.

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
