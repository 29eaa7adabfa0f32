//! One saga with everything that the API, the console and `usher saga show` tell about it.
//!
//! Its JSON is part of the API, so it has types of its own and does not follow the engine's types.

use super::{AttemptView, MessageView, Related, Standing, WebhookView, read_related};
use chrono::{DateTime, Utc};
use operator::{JournalEntry, Key, Letter, Operator, OperatorError, Seen};
use orchestrator::{SagaId, Stake};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

/// A saga with everything that is known about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaDetail)]
pub struct SagaDetail {
    /// Its row, and why it is where it is.
    pub saga: SagaView,
    /// Its journal, in order.
    pub timeline: Vec<EntryView>,
    /// Attempts that failed, oldest first; if there are very many, only the latest.
    pub attempts: Vec<AttemptView>,
    /// The letters in its mailbox, oldest first.
    pub letters: Vec<LetterView>,
    /// The idempotency keys of its calls, in order.
    pub keys: Vec<KeyView>,
    /// Every action, with the reason if it is not possible now.
    pub allowed: Vec<AllowedView>,
    /// The labels of its steps, by which it can be found.
    pub labels: Vec<LabelView>,
    /// What is at stake, according to its steps.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
    /// Its seats, payments and bookings as they are now; null if it has none.
    pub rows: Option<Standing>,
    /// Webhooks about its payments, oldest first.
    pub webhooks: Vec<WebhookView>,
    /// Its messages to the outside, in order.
    pub outbox: Vec<MessageView>,
}

/// A saga's row.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaRow)]
pub struct SagaView {
    /// Its id.
    pub id: Uuid,
    /// The name of its workflow.
    pub workflow: String,
    /// The version of its workflow.
    pub version: i32,
    /// `running`, `waiting`, `unwinding`, `completed`, `unwound` or `stuck`.
    pub state: String,
    /// The step or signal that it is at.
    pub step: Option<String>,
    /// Why it is where it is, for people.
    pub line: String,
    /// The same for programs: `why` names the kind, the rest depends on it.
    #[schema(value_type = Object)]
    pub why: Value,
    /// Its version, for `If-Match`.
    pub etag: String,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why it was paused.
    pub paused_why: Option<String>,
    /// Whether a call is out.
    pub leased: bool,
    /// Its epoch: how often it was claimed.
    pub epoch: i64,
    /// How often its present step or compensation was tried.
    pub attempts: i32,
    /// The error of the last failed attempt.
    pub last_error: Option<String>,
    /// The other side's code for that error.
    pub code: Option<String>,
    /// When the next attempt is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// When a lane looks at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Why the engine gave it up, for programs.
    #[schema(value_type = Option<Object>)]
    pub stuck: Option<Value>,
    /// What is wrong with it besides its state: `in_doubt`, `owed` or `retrying`.
    pub trouble: Option<String>,
    /// The cause that it shares with other sagas that failed for the same reason.
    pub cause: Option<String>,
    /// The hash of the cause, for `cause=` and the groups.
    pub fingerprint: Option<String>,
    /// When it became stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Why this node can't read its journal, if it can't.
    pub unreadable: Option<String>,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// The key that it was started under.
    pub start_key: Option<String>,
    /// W3C traceparent of the request that started it.
    pub trace: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
}

/// An entry of a journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaEntry)]
pub struct EntryView {
    /// Its index in the journal.
    pub position: i32,
    /// When it was committed.
    pub written_at: DateTime<Utc>,
    /// The epoch of the claim under which it was written.
    pub epoch: i64,
    /// The node that wrote it, if it is known.
    pub node: Option<String>,
    /// The kind of the entry.
    #[schema(example = "ended")]
    pub kind: String,
    /// The entry itself.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// A letter in a mailbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaLetter)]
pub struct LetterView {
    /// When the database received it.
    pub received_at: DateTime<Utc>,
    /// `signal` or `cancel`.
    pub kind: String,
    /// The signal's name.
    pub name: String,
    /// The sender's id for it.
    pub sender: String,
    /// The content.
    pub payload: Value,
    /// Whether a wait has chosen it. A letter that came too late, or that no wait needed, is never chosen.
    pub chosen: bool,
}

/// The idempotency key that a call sends to the other side.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaKey)]
pub struct KeyView {
    /// The position where its step began.
    pub position: i32,
    /// The step's name.
    pub step: String,
    /// The key, as the other side gets it.
    pub key: String,
    /// When the other side forgets it, if that is known. From then on the call is probed before it is repeated.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether an action is possible.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AllowedAction)]
pub struct AllowedView {
    /// The action's name.
    pub action: &'static str,
    /// Why it is not possible; null if it is.
    pub refused: Option<String>,
}

/// A label by which a saga can be found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaLabel)]
pub struct LabelView {
    /// The label's name.
    #[schema(example = "payment")]
    pub name: String,
    /// The label's value.
    pub value: String,
}

/// Reads everything about a saga.
///
/// # Errors
/// There is none of this id, or the database's.
pub async fn read_saga(
    operator: &Operator,
    pool: &PgPool,
    saga: SagaId,
) -> Result<SagaDetail, OperatorError> {
    let seen = operator.see(saga).await?;
    let Related { rows, webhooks, outbox } = read_related(pool, saga).await?;
    Ok(SagaDetail {
        saga: SagaView::of(&seen),
        allowed: AllowedView::of(&seen),
        timeline: seen.entries.into_iter().map(EntryView::from).collect(),
        attempts: seen.attempts.into_iter().map(AttemptView::from).collect(),
        letters: seen.letters.into_iter().map(LetterView::from).collect(),
        keys: seen.keys.into_iter().map(KeyView::from).collect(),
        labels: seen.summary.labels.into_iter().map(|(name, value)| LabelView { name, value }).collect(),
        stakes: seen.summary.stakes,
        rows,
        webhooks,
        outbox,
    })
}

impl SagaView {
    /// The view of a saga's row.
    pub fn of(seen: &Seen) -> Self {
        let status = seen.status.clone();
        let json = |value| serde_json::to_value(value).unwrap_or_default();
        Self {
            id: status.id.uuid(),
            workflow: status.workflow,
            version: status.version,
            state: status.state.to_string(),
            step: status.step,
            line: seen.why.line(seen.now),
            why: serde_json::to_value(&seen.why).unwrap_or_default(),
            etag: seen.etag.clone(),
            paused: status.paused,
            paused_by: status.paused_by,
            paused_why: status.paused_why,
            leased: status.leased,
            epoch: status.epoch,
            attempts: status.attempts,
            last_error: status.last_error,
            code: status.code,
            retry_at: status.retry_at,
            due_at: status.due_at,
            stuck: status.stuck.as_ref().map(json),
            trouble: status.trouble.map(|trouble| trouble.to_string()),
            cause: status.cause,
            fingerprint: status.fingerprint,
            first_stuck_at: status.first_stuck_at,
            unreadable: seen.unreadable.clone(),
            node: status.node,
            start_key: status.start_key,
            trace: status.trace,
            created_at: status.created_at,
            updated_at: status.updated_at,
        }
    }
}

impl AllowedView {
    /// The view of the actions.
    pub fn of(seen: &Seen) -> Vec<Self> {
        let views = seen.allowed.iter();
        views
            .map(|allowed| Self { action: allowed.action.name(), refused: allowed.refused.clone() })
            .collect()
    }
}

impl From<JournalEntry> for EntryView {
    fn from(entry: JournalEntry) -> Self {
        let JournalEntry { position, kind, body, epoch, node, written_at } = entry;
        Self { position: position.index(), written_at, epoch, node, kind, body }
    }
}

impl From<Letter> for LetterView {
    fn from(letter: Letter) -> Self {
        let Letter { kind, name, sender, payload, received_at, chosen } = letter;
        Self { received_at, kind: kind.to_owned(), name, sender, payload, chosen }
    }
}

impl From<Key> for KeyView {
    fn from(key: Key) -> Self {
        let Key { position, step, key, expires_at } = key;
        Self { position: position.index(), step, key, expires_at }
    }
}
