//! The audit's chain: each row's hash covers the row and the previous hash in its bucket. So a row that was changed,
//! removed or inserted later is found.
//!
//! It can't prevent somebody from rewriting a whole chain with its head. To find that too, copy the heads elsewhere.

pub use crate::record::{Audited, Which};

use crate::{
    by::By,
    store::audit::{self, Chained},
};
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId,
    tools::{Link, digest, rows},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The number of rows that were checked.
    pub rows: u64,
    /// The number of rows in no chain: written before there were chains, or by a node that knows none.
    pub unchained: i64,
    /// The first break of each broken chain.
    pub breaks: Vec<Break>,
}

/// A place where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The bucket of the chain.
    pub bucket: i16,
    /// The first row that is wrong, or missing.
    pub seq: i64,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Rows of the audit, latest first, after the row with this id.
pub async fn list(
    connection: &mut PgConnection,
    which: &Which<'_>,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Audited>, sqlx::Error> {
    audit::list(connection, which, after, most).await
}

/// Records an action that belongs to a saga but is not done by one, in the transaction of its effect. The saga need not
/// exist: it may have been lost.
pub async fn note(
    connection: &mut PgConnection,
    saga: SagaId,
    by: By,
    action: &'static str,
    detail: &Value,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let By { actor, reason } = by;
    let record =
        rows::AuditRecord { subject: saga.uuid(), actor, action, reason, detail: detail.to_string() };
    rows::add_to_audit(connection, &[record], now).await
}

/// Rows that one statement reads.
const PAGE: i64 = 1_000;

/// Checks all chains against their rows and heads. On a database in use, run it in a repeatable-read transaction.
pub async fn verify(connection: &mut PgConnection) -> Result<Verified, sqlx::Error> {
    let heads = audit::list_heads(connection).await?;
    let mut verified =
        Verified { unchained: audit::count_unchained(connection).await?, ..Verified::default() };
    let mut ends: BTreeMap<i16, (i64, Vec<u8>)> = BTreeMap::new();
    let mut after = (-1, 0);
    loop {
        let page = audit::read_chains(connection, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.bucket, last.seq);
        for row in page {
            verified.rows += 1;
            let (seq, head) = ends.entry(row.bucket).or_insert_with(|| (0, Vec::new()));
            if let Some(why) = defect_of(&row, *seq, head) {
                push_break(&mut verified.breaks, row.bucket, *seq + 1, why);
            }
            (*seq, *head) = (row.seq, row.hash);
        }
    }
    for (bucket, (seq, hash)) in heads {
        let (last, end) = ends.remove(&bucket).unwrap_or_default();
        if last < seq {
            push_break(&mut verified.breaks, bucket, last + 1, "the last rows are missing");
        } else if (last, end) != (seq, hash) {
            push_break(&mut verified.breaks, bucket, last, "the head is of another row");
        }
    }
    for (bucket, (seq, _)) in ends {
        push_break(&mut verified.breaks, bucket, seq, "the chain has no head");
    }
    Ok(verified)
}

fn push_break(breaks: &mut Vec<Break>, bucket: i16, seq: i64, why: &'static str) {
    if !breaks.iter().any(|known| known.bucket == bucket) {
        breaks.push(Break { bucket, seq, why });
    }
}

fn defect_of(row: &Chained, seq: i64, head: &[u8]) -> Option<&'static str> {
    let link = Link {
        id: row.id,
        seq: row.seq,
        saga: row.saga,
        at: row.at,
        actor: &row.actor,
        action: &row.action,
        reason: &row.reason,
        detail: &row.detail,
    };
    if row.seq != seq + 1 {
        Some("rows are missing")
    } else if row.prev_hash != head {
        Some("the row follows another one")
    } else if row.hash != digest(head, &link) {
        Some("the row was changed")
    } else {
        None
    }
}
