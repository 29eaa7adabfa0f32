//! A saga that is alone with an error: put off, if somebody else is in the way; else stuck with the reason, in a fresh
//! transaction, with its letters kept and its callers told.

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

/// How much of a reason is kept.
const REASON_BYTES_MAX: usize = 4_096;

/// What became of a saga that could not be written.
enum Settled {
    /// It is stuck, or there is nothing of it.
    Done,
    /// Somebody has its row.
    Busy,
}

impl Lane {
    /// Ends what can't be done for this saga.
    pub(super) async fn settle_alone(&mut self, group: Group, error: &TurnError) {
        let bound = self.shared().settings.silence_max;
        let reason = stored(error.with_source());
        let reason = reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned();
        let cause = match error {
            // Neither says anything about the saga: somebody is in the way, the server or the way to it is not as it should be.
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
                tracing::error!(saga = %group.id, error = %error.with_source(), "and that could not be written down either");
                self.rollback().await;
                self.put_off(group, None);
            }
        }
    }

    /// Tries it again after a while. A caller who has gone meanwhile is not waited for.
    pub(super) fn put_off(&self, group: Group, pause: Option<std::time::Duration>) {
        let (id, times) = (group.id, group.put_off);
        self.shared().queue(id).put_off(group.into_inputs(), times, pause);
    }

    /// Makes it stuck, if it is ours to move, and puts its letters where they belong.
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

/// One of the letters may be what can't be written; then its sender hears of that, and the saga is stuck all the same.
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
    // Delivered by waiting for the row: that says exactly what is wrong with a letter, or that it is there.
    for mail in group.mail {
        let _ = mail.reply.send(LetterAnswer::Busy);
    }
}
