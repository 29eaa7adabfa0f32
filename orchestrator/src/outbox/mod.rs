//! Messages of sagas to the outside, and the handler that gets them.
//!
//! The picture: what steps emit is gathered beside the batch's transaction ([`Tx::emit`](crate::Tx::emit)) and written as rows
//! in the commit that decided it. From there each node hands messages to its *handler* ([`Deliver`]), in a transaction that
//! also marks them as taken. Row locks keep nodes apart: a node that has locked the first message of a saga that is not
//! taken has the saga's other messages too.
//!
//! A handler may rely on this: it gets each message at least once. The messages of one saga come in order, each only after
//! the one before was taken. A handler that only writes rows on the connection that it gets does so exactly once. There is
//! no order between sagas.
//!
//! What this deliberately does not do: it does not know receivers. To send messages to many places, each at its own pace,
//! let the handler write a row for each, and send from these rows.

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
