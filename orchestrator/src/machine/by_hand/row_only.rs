//! Actions on a saga without its journal: they change only its row, and only the audit records them.

use super::{Instruction, NotDone};
use crate::{
    medium::Tx,
    record::{Action, Status},
    store::{
        attempts,
        mailbox::{self, Kind, Letter},
        sagas,
    },
};
use rand::Rng;

/// With a call out, its holder must find its token: the row is marked, or a letter left, and nothing else changes.
pub(super) async fn act_during_call(
    tx: &mut Tx,
    row: &Status,
    Instruction { action, actor, reason, .. }: Instruction<'_>,
) -> Result<(), NotDone> {
    let connection = &mut tx.connection;
    match action {
        Action::Pause => sagas::pause(connection, row.id, Some((actor, reason))).await?,
        Action::Resume => sagas::pause(connection, row.id, None).await?,
        Action::ReleaseLease => {
            let now = sagas::now(connection).await?;
            attempts::add_lost(connection, &[row.id], now).await?;
            sagas::release_lease(connection, row.id, rand::rng().random(), now).await?;
        }
        Action::Cancel => {
            let (name, sender, payload) = (String::new(), actor.to_owned(), "null".into());
            let letter = Letter { kind: Kind::Cancel, name, sender, payload };
            mailbox::deliver(connection, row.id, &letter).await?;
        }
        Action::RetryNow
        | Action::Probe
        | Action::SetOutput { .. }
        | Action::Skip
        | Action::WriteOff
        | Action::MarkResolved { .. }
        | Action::Compensate { .. }
        | Action::Rewind { .. }
        | Action::Extend { .. } => return Err(NotDone::Refused("a call is out".into())),
    }
    Ok(())
}

/// Where no entry can be written because those before can't be read, or the workflow isn't known here.
pub(super) async fn act_without_journal(
    tx: &mut Tx,
    row: &Status,
    Instruction { action, actor, reason, .. }: Instruction<'_>,
) -> Result<(), sqlx::Error> {
    let connection = &mut tx.connection;
    if matches!(action, Action::Pause) {
        return sagas::pause(connection, row.id, Some((actor, reason))).await;
    }
    if row.paused {
        sagas::pause(connection, row.id, None).await?;
    }
    sagas::make_due_at_once(connection, row.id).await
}
