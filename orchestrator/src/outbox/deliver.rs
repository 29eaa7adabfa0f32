//! The trait of handlers, which get messages.

use super::Message;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use sqlx::PgConnection;
use std::future::ready;

/// Why messages were not taken. It is logged with its whole chain of sources.
pub type DeliverError = Box<dyn std::error::Error + Send + Sync>;

/// Takes what sagas emit: [`Builder::events`](crate::Builder::events).
///
/// ```
/// # use orchestrator::outbox::{Deliver, DeliverError, Message};
/// # use sqlx::PgConnection;
/// /// Writes down what happened, for a page that shows it.
/// struct Diary;
///
/// impl Deliver for Diary {
///     async fn deliver(&self, connection: &mut PgConnection, messages: &[Message]) -> Result<(), DeliverError> {
///         for message in messages {
///             let write = sqlx::query("insert into diary (kind, body) values ($1, $2::json)");
///             write.bind(&message.kind).bind(message.payload.get()).execute(&mut *connection).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Deliver: Send + Sync + 'static {
    /// Takes these messages, all of them or none. Messages of one saga are in order.
    ///
    /// `connection` is in the transaction that marks them as taken, so rows that are written on it are written once. The engine
    /// commits. Effects elsewhere may happen again, because the node may die before its commit.
    ///
    /// After an error, a panic or ten seconds everything is rolled back. If there were several messages, each saga's first one
    /// comes again alone. If one fails alone, its saga rests for a while, at most a minute, and others go on.
    fn deliver(
        &self,
        connection: &mut PgConnection,
        messages: &[Message],
    ) -> impl Future<Output = Result<(), DeliverError>> + Send;

    /// How many messages it takes at once. Use one for a handler with effects elsewhere, so that an error repeats no others.
    fn batch_max(&self) -> usize {
        1
    }

    /// Only messages that were decided after this time are handed out; none at all if it returns `None`. This is asked before
    /// each look.
    fn wanted_since(
        &self,
        connection: &mut PgConnection,
    ) -> impl Future<Output = Result<Option<DateTime<Utc>>, DeliverError>> + Send {
        let _ = connection;
        ready(Ok(Some(DateTime::UNIX_EPOCH)))
    }

    /// Tells the handler that messages that it took are committed. It is a hint: a node that dies in between never sends it.
    fn committed(&self) {}
}

/// A [`Deliver`] whose type is forgotten.
pub(crate) trait Handler: Send + Sync {
    fn deliver<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        messages: &'a [Message],
    ) -> BoxFuture<'a, Result<(), DeliverError>>;
    fn batch_max(&self) -> usize;
    fn wanted_since<'a>(
        &'a self,
        connection: &'a mut PgConnection,
    ) -> BoxFuture<'a, Result<Option<DateTime<Utc>>, DeliverError>>;
    fn committed(&self);
}

impl<D: Deliver> Handler for D {
    fn deliver<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        messages: &'a [Message],
    ) -> BoxFuture<'a, Result<(), DeliverError>> {
        Box::pin(Deliver::deliver(self, connection, messages))
    }

    fn batch_max(&self) -> usize {
        Deliver::batch_max(self).max(1)
    }

    fn wanted_since<'a>(
        &'a self,
        connection: &'a mut PgConnection,
    ) -> BoxFuture<'a, Result<Option<DateTime<Utc>>, DeliverError>> {
        Box::pin(Deliver::wanted_since(self, connection))
    }

    fn committed(&self) {
        Deliver::committed(self);
    }
}
