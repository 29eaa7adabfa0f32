//! A saga that fails alone in its batch. If somebody else is in the way, it is put off. Otherwise it becomes stuck with the
//! reason, in a new transaction, in which its letters are kept and its callers get their answer.

use crate::{
    journal::History,
    lane::{
        input::{Group, LetterAnswer, Mail, NotWritten},
        service::Lane,
    },
    machine::{Env, Run, TurnError, write},
    record::StuckCause,
    store::{mailbox, sagas, status},
    texts::stored,
};
use sqlx::PgConnection;

/// The most bytes of a reason that are kept.
const REASON_BYTES_MAX: usize = 4_096;

/// The result for a saga that could not be written.
enum Settled {
    /// It is stuck, or it does not exist.
    Done,
    /// Somebody else has its row.
    Busy,
}

impl Lane {
    /// Handles a saga that can't be written.
    pub(super) async fn settle_alone(&mut self, group: Group, error: &TurnError) {
        let bound = self.shared().settings.silence_max;
        let reason = stored(error.with_source());
        let reason = reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned();
        let cause = match error {
            // Neither error says anything about the saga: somebody else is in the way, or the server or the network is not well.
            TurnError::Repeat(_) => return self.put_off(group, None),
            TurnError::Lost(error) if error.as_database_error().is_some() => {
                return self.put_off(group, None);
            }
            TurnError::Silent(_, doing) if doing.sagas().is_empty() => return self.put_off(group, None),
            TurnError::Silent(_, doing) => doing.cause(bound),
            _ => None,
        };
        let unwritable = || StuckCause::Unwritable { what: "its stretch".into(), error: reason.clone() };
        let cause = cause.unwrap_or_else(unwritable);
        tracing::error!(saga = %group.id, error = %reason, "a saga's stretch could not be written");
        match self.mark_stuck(&group, &cause).await {
            Ok(Settled::Done) => answer_senders(group, &reason),
            Ok(Settled::Busy) => self.put_off(group, None),
            Err(error) => {
                tracing::error!(saga = %group.id, error = %error.with_source(), "a saga could not be marked as stuck either");
                self.rollback().await;
                self.put_off(group, None);
            }
        }
    }

    /// Tries it again after a while. A caller who has left meanwhile gets no answer.
    pub(super) fn put_off(&self, group: Group, pause: Option<std::time::Duration>) {
        let (id, times) = (group.id, group.put_off);
        self.shared().queue(id).put_off(group.into_inputs(), times, pause);
    }

    /// Makes it stuck, if we may move it, and puts its letters into their mailbox.
    async fn mark_stuck(&mut self, group: &Group, cause: &StuckCause) -> Result<Settled, TurnError> {
        let now = self.begin().await?;
        let shared = self.shared().clone();
        let signs = self.tx.signs.clone();
        let env = shared.env(&signs, now, rand::random());
        let row = sagas::lock(&mut self.tx, &[group.id]).await?.pop();
        if row.is_none() && status::look(&mut self.tx, group.id).await?.is_some() {
            self.rollback().await;
            return Ok(Settled::Busy);
        }
        let is_known = row.is_some();
        if let Some(row) = row.filter(|row| group.may_move(row, &env)) {
            let mut run = Run::new(row, false, History::default(), &env);
            run.mark_stuck(cause.clone(), &env);
            write(&mut self.tx, &[run], &env).await?;
        }
        if is_known {
            keep_letters(&mut self.tx, &group.mail, &env).await?;
        }
        sqlx::raw_sql("commit").execute(&mut *self.tx).await?;
        shared.culprits.settle(group.id);
        Ok(Settled::Done)
    }
}

/// Stores the letters. One of them may be what can't be written; then its sender gets the error, and the saga is stuck all
/// the same.
async fn keep_letters(connection: &mut PgConnection, mail: &[Mail], env: &Env<'_>) -> Result<(), TurnError> {
    if mail.is_empty() {
        return Ok(());
    }
    let letters: Vec<_> = mail.iter().map(|mail| (mail.saga, &mail.letter, false)).collect();
    sqlx::raw_sql("savepoint letters").execute(&mut *connection).await?;
    if let Err(error) = mailbox::add(connection, &letters, env.now).await {
        tracing::error!(%error, "letters could not be kept");
        sqlx::raw_sql("rollback to savepoint letters").execute(&mut *connection).await?;
    }
    Ok(())
}

/// Answers whoever waits for what it was sent.
fn answer_senders(group: Group, reason: &str) {
    let failed = || NotWritten(reason.to_owned());
    for reply in group.start.map(|start| start.reply).into_iter().chain(group.same) {
        let _ = reply.send(Err(failed()));
    }
    // The letter is delivered by waiting for the row. That tells exactly what is wrong with it, or that it is stored.
    for mail in group.mail {
        let _ = mail.reply.send(LetterAnswer::Busy);
    }
}
