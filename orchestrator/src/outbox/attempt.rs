//! One hand-out: a transaction that locks messages, gives them to the handler, marks them and commits.

use super::{DeliverError, Message, MessageKey, courier::Round};
use crate::{SagaId, database::in_time, database_fault::sqlstate, store::outbox};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use sqlx::PgConnection;
use std::{panic::AssertUnwindSafe, time::Duration};

/// How long a handler may take: less than the time for which the database lets a transaction be idle.
const DELIVER_MAX: Duration = Duration::from_secs(10);
/// The code of a statement that met a transaction which had failed before.
const FAILED_TRANSACTION: &str = "25P02";

/// The result of handing out messages.
pub(super) enum Handed {
    /// This many were taken.
    Taken(usize),
    /// None was taken.
    Refused(Refused),
}

/// Messages that the handler did not take.
pub(super) struct Refused {
    /// The sagas that they belong to.
    pub sagas: Vec<SagaId>,
    /// The number of messages.
    pub messages: usize,
    pub why: String,
}

/// A handler's failure.
pub(super) struct Failed {
    pub why: String,
    /// Whether it was cut off in the middle, so that its connection is not used again.
    pub was_cut_off: bool,
}

impl Round {
    /// Hands out at most `most` messages of these sagas in one transaction. On an error everything is rolled back and the
    /// connection is closed.
    pub async fn attempt(
        &mut self,
        sagas: &[SagaId],
        since: DateTime<Utc>,
        most: usize,
    ) -> Result<Handed, sqlx::Error> {
        let mut connection = self.connect().await?;
        in_time(sqlx::raw_sql("begin").execute(&mut connection)).await?;
        let messages = in_time(outbox::claim(&mut connection, sagas, since, most)).await?;
        let given = match messages.is_empty() {
            true => Ok(()),
            false => self.give(&mut connection, &messages).await?,
        };
        let end = if given.is_ok() { "commit" } else { "rollback" };
        in_time(sqlx::raw_sql(end).execute(&mut connection)).await?;
        if !given.as_ref().is_err_and(|failed| failed.was_cut_off) {
            self.connection = Some(connection);
        }
        let mut sagas: Vec<SagaId> = messages.iter().map(|message| message.key.saga).collect();
        sagas.dedup();
        if let Err(failed) = given {
            return Ok(Handed::Refused(Refused { sagas, messages: messages.len(), why: failed.why }));
        }
        sagas.into_iter().for_each(|saga| self.resting.taken(saga));
        if !messages.is_empty() {
            self.courier.handler.committed();
        }
        Ok(Handed::Taken(messages.len()))
    }

    /// Gives messages to the handler, and marks them if it took them.
    async fn give(
        &self,
        connection: &mut PgConnection,
        messages: &[Message],
    ) -> Result<Result<(), Failed>, sqlx::Error> {
        if let Err(failed) = guarded(self.courier.handler.deliver(connection, messages)).await {
            return Ok(Err(failed));
        }
        let keys: Vec<MessageKey> = messages.iter().map(|message| message.key).collect();
        match in_time(outbox::mark_taken(connection, &keys)).await {
            Ok(()) => Ok(Ok(())),
            Err(error) if sqlstate(&error).as_deref() == Some(FAILED_TRANSACTION) => {
                let why = "the handler went on after a statement of its own had failed".to_owned();
                Ok(Err(Failed { why, was_cut_off: false }))
            }
            Err(error) => Err(error),
        }
    }

    pub async fn connect(&mut self) -> Result<PgConnection, sqlx::Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.courier.database.connect("outbox").await,
        }
    }
}

/// Waits for a handler with a bound, and survives its panic.
pub(super) async fn guarded<T>(work: impl Future<Output = Result<T, DeliverError>>) -> Result<T, Failed> {
    let cut_off = |why: String| Failed { why, was_cut_off: true };
    match tokio::time::timeout(DELIVER_MAX, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done.map_err(|error| Failed { why: in_words(&*error), was_cut_off: false }),
        Ok(Err(_)) => Err(cut_off("the handler panicked".to_owned())),
        Err(_) => Err(cut_off(format!("the handler took longer than {DELIVER_MAX:?}"))),
    }
}

/// An error with its whole chain of sources.
fn in_words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut last = error;
    while let Some(source) = last.source() {
        words.push_str(&format!(": {source}"));
        last = source;
    }
    words
}
