//! `usher.sagas`: one row for each saga.

use super::columns;
use crate::{
    id::SagaId,
    journal::Unreadable,
    record::{State, StuckCause, Trouble},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A saga's row as a lane locked it.
#[derive(Clone, Debug)]
pub(crate) struct SagaRow {
    pub id: SagaId,
    pub workflow: String,
    pub version: i32,
    pub state: State,
    pub due_at: Option<DateTime<Utc>>,
    pub leased: bool,
    pub paused: bool,
    pub epoch: i64,
    pub token: i64,
    pub journal_len: i32,
    /// Bytes of JSON in its journal.
    pub journal_bytes: i64,
    pub trying: Trying,
    pub claims: i16,
    /// Whether it was taken from its last holder and nobody has had it since, or nobody has had it at all.
    pub unheld: bool,
    pub stuck: Option<StuckCause>,
    /// The words in it that only a newer binary knows.
    pub newer: Option<String>,
}

/// The attempts at its present step or compensation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trying {
    pub attempts: i32,
    pub since: Option<DateTime<Utc>>,
    pub retry_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    /// What is wrong because of them.
    pub trouble: Option<Trouble>,
}

/// A start, as it becomes a row.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub id: SagaId,
    pub workflow: &'static str,
    pub version: i32,
    pub start_key: Option<String>,
    pub trace: Option<String>,
}

/// The new values of a row after a stretch.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub id: SagaId,
    pub epoch_before: i64,
    pub journal_len_before: i32,
    pub journal_len: i32,
    /// Bytes that the stretch adds to the journal.
    pub bytes_added: i64,
    pub state: State,
    pub due_at: Option<DateTime<Utc>>,
    pub leased: bool,
    pub trying: Trying,
    pub stuck: Option<StuckCause>,
    /// The step or signal that it is at, if it is known.
    pub at_step: Option<&'static str>,
    /// Whether its holder did not lose it, so that it is no longer suspected.
    pub cleared: bool,
}

/// Inserts new sagas. Returns which of them are new. Only their lane sees them until it commits, and it writes them again
/// before: `due_at` is a guess at the final value, because a good guess saves a second entry in every index.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &[&New],
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<SagaId>, sqlx::Error> {
    let (ids, buckets) = columns(new.iter().map(|new| new.id));
    let workflows: Vec<&str> = new.iter().map(|new| new.workflow).collect();
    let versions: Vec<i32> = new.iter().map(|new| new.version).collect();
    let keys: Vec<Option<String>> = new.iter().map(|new| new.start_key.clone()).collect();
    let traces: Vec<Option<String>> = new.iter().map(|new| new.trace.clone()).collect();
    let inserted = sqlx::query_scalar!(
        r#"
        insert into usher.sagas
            (id, bucket, workflow, version, start_key, trace, state, due_at, journal_len, created_at, updated_at)
        select id, bucket, workflow, version, start_key, trace, 'running', $8, 0, $7, $7
        from unnest($1::uuid[], $2::smallint[], $3::text[], $4::integer[], $5::text[], $6::text[])
            as new (id, bucket, workflow, version, start_key, trace)
        on conflict do nothing
        returning id
        "#,
        &ids,
        &buckets,
        &workflows as &[&str],
        &versions,
        &keys as &[Option<String>],
        &traces as &[Option<String>],
        now,
        due_at,
    )
    .fetch_all(connection)
    .await?;
    Ok(inserted.into_iter().map(SagaId::from_uuid).collect())
}

/// Locks these sagas in key order, except those that somebody else has locked.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    wanted: &[SagaId],
) -> Result<Vec<SagaRow>, sqlx::Error> {
    let (ids, buckets) = columns(wanted.iter().copied());
    let rows = sqlx::query!(
        r#"
        select s.id, s.workflow, s.version, s.state, s.due_at, s.leased, s.paused, s.epoch, s.token, s.journal_len,
               s.journal_bytes,
               s.attempts, s.trying_since, s.retry_at, s.last_error, s.trouble, s.claims, s.stuck::text as stuck,
               s.node is null as "unheld!"
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join usher.sagas s on s.id = wanted.id and s.bucket = wanted.bucket
        order by s.id, s.bucket
        for update of s skip locked
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    let rows = rows.into_iter().map(|row| {
        // An unknown word must not fail the batch: the row is left to nodes that know it.
        let (state, trouble) = (row.state.parse(), row.trouble.as_deref().map(str::parse).transpose());
        let (stuck, reason) = match row.stuck.as_deref().map(read_cause) {
            Some(Err(unreadable)) => (row.stuck.as_deref().map(decode), newer(unreadable)),
            Some(Ok(cause)) => (Some(cause), None),
            None => (None, None),
        };
        SagaRow {
            id: SagaId::from_uuid(row.id),
            workflow: row.workflow,
            version: row.version,
            newer: state.clone().err().or_else(|| trouble.clone().err()).or(reason),
            state: state.unwrap_or(State::Stuck),
            due_at: row.due_at,
            leased: row.leased,
            paused: row.paused,
            epoch: row.epoch,
            token: row.token,
            journal_len: row.journal_len,
            journal_bytes: row.journal_bytes,
            trying: Trying {
                attempts: row.attempts,
                since: row.trying_since,
                retry_at: row.retry_at,
                last_error: row.last_error,
                trouble: trouble.unwrap_or_default(),
            },
            claims: row.claims,
            unheld: row.unheld,
            stuck,
        }
    });
    Ok(rows.collect())
}

/// Writes the results of the batch's stretches, and raises each epoch. The rows are locked. So if it returns another number
/// than `written.len()`, there is a bug or a lost lock, and the transaction must be rolled back.
pub(crate) async fn write(
    connection: &mut PgConnection,
    written: &[Written],
    token: i64,
    node: &str,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let (ids, buckets) = columns(written.iter().map(|saga| saga.id));
    let epochs: Vec<i64> = written.iter().map(|saga| saga.epoch_before).collect();
    let lens_before: Vec<i32> = written.iter().map(|saga| saga.journal_len_before).collect();
    let lens: Vec<i32> = written.iter().map(|saga| saga.journal_len).collect();
    let states: Vec<&str> = written.iter().map(|saga| saga.state.as_str()).collect();
    let dues: Vec<Option<DateTime<Utc>>> = written.iter().map(|saga| saga.due_at).collect();
    let leased: Vec<bool> = written.iter().map(|saga| saga.leased).collect();
    let attempts: Vec<i32> = written.iter().map(|saga| saga.trying.attempts).collect();
    let since: Vec<Option<DateTime<Utc>>> = written.iter().map(|saga| saga.trying.since).collect();
    let retries: Vec<Option<DateTime<Utc>>> = written.iter().map(|saga| saga.trying.retry_at).collect();
    let errors: Vec<Option<String>> = written.iter().map(|saga| saga.trying.last_error.clone()).collect();
    let stuck: Vec<Option<String>> = written.iter().map(|saga| saga.stuck.as_ref().map(encode)).collect();
    let steps: Vec<Option<&str>> = written.iter().map(|saga| saga.at_step).collect();
    let bytes: Vec<i64> = written.iter().map(|saga| saga.bytes_added).collect();
    let cleared: Vec<bool> = written.iter().map(|saga| saga.cleared).collect();
    let done = sqlx::query!(
        r#"
        update usher.sagas s
        set epoch = s.epoch + 1, token = $14, journal_len = w.len, journal_bytes = s.journal_bytes + w.bytes,
            state = w.state, due_at = w.due_at, leased = w.leased, attempts = w.attempts, trying_since = w.since, retry_at = w.retry_at,
            last_error = w.error, stuck = w.stuck::json, node = $15, updated_at = $16,
            claims = case when w.cleared then 0 else s.claims end,
            at_step = case when w.state in ('completed', 'unwound') then null else coalesce(w.at_step, s.at_step) end
        from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::integer[], $5::integer[], $6::text[],
                    $7::timestamptz[], $8::boolean[], $9::integer[], $10::timestamptz[], $11::timestamptz[],
                    $12::text[], $13::text[], $17::text[], $18::boolean[], $19::bigint[])
            as w (id, bucket, epoch, len_before, len, state, due_at, leased, attempts, since, retry_at, error, stuck,
                  at_step, cleared, bytes)
        where s.id = w.id and s.bucket = w.bucket and s.epoch = w.epoch and s.journal_len = w.len_before
        "#,
        &ids,
        &buckets,
        &epochs,
        &lens_before,
        &lens,
        &states as &[&str],
        &dues as &[Option<DateTime<Utc>>],
        &leased,
        &attempts,
        &since as &[Option<DateTime<Utc>>],
        &retries as &[Option<DateTime<Utc>>],
        &errors as &[Option<String>],
        &stuck as &[Option<String>],
        token,
        node,
        now,
        &steps as &[Option<&str>],
        &cleared,
        &bytes,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Removes sagas that this transaction began and that were refused.
pub(crate) async fn delete(connection: &mut PgConnection, sagas: &[SagaId]) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    sqlx::query!(
        r#"
        delete from usher.sagas s
        using unnest($1::uuid[], $2::smallint[]) as gone (id, bucket)
        where s.id = gone.id and s.bucket = gone.bucket and s.journal_len = 0
        "#,
        &ids,
        &buckets,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes sagas due now whose holder must read their mailboxes. For a saga with a call out that happens when the call ends.
pub(crate) async fn make_due(
    connection: &mut PgConnection,
    sagas: &[SagaId],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    sqlx::query!(
        r#"
        update usher.sagas s
        set due_at = least(s.due_at, $3)
        from unnest($1::uuid[], $2::smallint[]) as woken (id, bucket)
        where s.id = woken.id and s.bucket = woken.bucket
          and s.state in ('running', 'waiting', 'unwinding') and not s.leased and not s.paused
        "#,
        &ids,
        &buckets,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a start from outside the lanes: the row, due at once, and its first entry. Returns whether it is new.
pub(crate) async fn insert_due(
    connection: &mut PgConnection,
    new: &New,
    begun: &str,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query_scalar!(
        r#"
        with new as (
            insert into usher.sagas
                (id, bucket, workflow, version, start_key, trace, state, due_at, journal_len, journal_bytes, created_at,
                 updated_at)
            values ($1, $2, $3, $4, $5, $6, 'running', now(), 1, octet_length($7::text), now(), now())
            on conflict do nothing
            returning id, bucket
        )
        insert into usher.journal (saga_id, bucket, position, entries, epoch, token, written_at)
        select id, bucket, 0, $7::text::json, 0, 0, now()
        from new
        returning saga_id
        "#,
        new.id.uuid(),
        new.id.bucket().number(),
        new.workflow,
        new.version,
        new.start_key.as_deref(),
        new.trace.as_deref(),
        begun,
    )
    .fetch_optional(connection)
    .await?;
    Ok(inserted.is_some())
}

/// The saga that a start key names.
pub(crate) async fn find_started(
    connection: &mut PgConnection,
    workflow: &str,
    start_key: &str,
    bucket: crate::Bucket,
) -> Result<Option<SagaId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "select id from usher.sagas where workflow = $1 and start_key = $2 and bucket = $3",
        workflow,
        start_key,
        bucket.number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(SagaId::from_uuid))
}

/// The transaction's time.
pub async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(connection).await
}

/// Locks a saga's row, waiting for its holder. Returns whether the saga exists.
pub async fn wait_for(connection: &mut PgConnection, saga: SagaId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select journal_len from usher.sagas where id = $1 and bucket = $2 for update",
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Pauses a saga, or ends its pause; the row is locked.
pub(crate) async fn pause(
    connection: &mut PgConnection,
    saga: SagaId,
    by: Option<(&str, &str)>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.sagas
        set paused = $3::text is not null, paused_by = $3, paused_why = $4
        where id = $1 and bucket = $2
        "#,
        saga.uuid(),
        saga.bucket().number(),
        by.map(|(by, _)| by),
        by.map(|(_, why)| why),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a saga due whatever its state, unless it is at rest; the row is locked, and no call is out.
pub(crate) async fn make_due_at_once(connection: &mut PgConnection, saga: SagaId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.sagas
        set due_at = now(), epoch = epoch + 1
        where id = $1 and bucket = $2 and state not in ('completed', 'unwound') and not leased
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes away a saga's lease; the row is locked. The old holder finds neither its epoch nor its token.
pub(crate) async fn release_lease(
    connection: &mut PgConnection,
    saga: SagaId,
    token: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.sagas
        set leased = false, due_at = $4, epoch = epoch + 1, token = $3, updated_at = $4
        where id = $1 and bucket = $2 and leased
        "#,
        saga.uuid(),
        saga.bucket().number(),
        token,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Why a saga is stuck. A reason that only a newer binary knows must not fail a whole batch or list.
pub fn decode(json: &str) -> StuckCause {
    read_cause(json).unwrap_or_else(|error| StuckCause::Undecodable {
        what: "why it is stuck".into(),
        error: format!("{error}: {json}"),
    })
}

fn read_cause(json: &str) -> Result<StuckCause, Unreadable> {
    Ok(serde_json::from_str(json)?)
}

fn newer(unreadable: Unreadable) -> Option<String> {
    match unreadable {
        Unreadable::Newer(word) => Some(word),
        Unreadable::Broken(_) => None,
    }
}

fn encode(cause: &StuckCause) -> String {
    serde_json::to_string(cause).expect("a stuck cause has only strings and numbers")
}
