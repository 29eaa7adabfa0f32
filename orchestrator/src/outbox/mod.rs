//! What sagas tell the outside, and who is given it.
//!
//! The picture: what steps emit is gathered beside the batch's transaction ([`Tx::emit`](crate::Tx::emit)) and written as rows
//! in the commit that decided it. From there each node hands messages to its *handler* ([`Deliver`]), in a transaction that
//! also marks them as taken. Nodes keep out of one another's way by row locks: who has locked the first message of a saga
//! that nobody has taken has the saga's others too.
//!
//! What a handler may rely on: it gets each message at least once, and those of one saga in order, the next only once the one
//! before was taken. A handler that only writes rows on the connection that it is given does so exactly once. There is no
//! order between sagas.
//!
//! What this deliberately does not do: it knows nothing of receivers. One who sends messages to many places, each at its own
//! pace, has the handler write a row for each and sends from those.

mod attempt;
mod courier;
mod deliver;
mod emitted;
mod resting;

pub use crate::store::{
    outbox::{Message, MessageKey},
    outbox_log::{Which, list_of, read, read_last, read_page},
};
pub use deliver::{Deliver, DeliverError};

pub(crate) use courier::{Courier, run};
pub(crate) use deliver::Handler;
pub(crate) use emitted::Emitted;
