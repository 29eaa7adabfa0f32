//! Due sagas, and letters that came before their sagas, read page by page from all buckets without locks.

use crate::id::SagaId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A place in the order in which sagas are due, or in which letters came. Rows after it have not been read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    at: DateTime<Utc>,
    id: Uuid,
}

impl Place {
    /// The place before everything: a time before this engine existed.
    pub const BEGIN: Self = Self::before(DateTime::UNIX_EPOCH);

    /// The place before everything of this moment.
    pub const fn before(at: DateTime<Utc>) -> Self {
        Self { at, id: Uuid::nil() }
    }
}

/// A due saga, with what decides whether it may be taken.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub saga: SagaId,
    pub place: Place,
    pub epoch: i64,
    pub workflow: String,
    pub version: i32,
    pub paused: bool,
}

/// The result of one look.
pub(crate) struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// The time of the look, by the database's clock.
    pub now: DateTime<Utc>,
    /// The place where the next page begins; `None` if this is the last page.
    pub next: Option<Place>,
}

/// The first `most` sagas that are due after this place. The limit applies before any condition, so that a page costs the
/// same whatever is in it.
pub(crate) async fn read_due(
    connection: &mut PgConnection,
    after: Place,
    most: usize,
) -> Result<Page<Due>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select clock.at as "now!", page.id as "id?", page.due_at as "due_at?", page.epoch as "epoch?", page.workflow as "workflow?",
               page.version as "version?", page.paused as "paused?"
        from (select now() as at) as clock
        left join (
            select id, due_at, epoch, workflow, version, paused
            from usher.sagas
            where due_at <= now() and (due_at, id) > ($1, $2)
            order by due_at, id
            limit $3
        ) as page on true
        order by page.due_at, page.id
        "#,
        after.at,
        after.id,
        most as i64,
    )
    .fetch_all(connection)
    .await?;
    let now = rows.first().map_or(after.at, |row| row.now);
    let rows = rows.into_iter().filter_map(|row| {
        let (id, at) = (row.id?, row.due_at?);
        Some(Due {
            saga: SagaId::from_uuid(id),
            place: Place { at, id },
            epoch: row.epoch?,
            workflow: row.workflow?,
            version: row.version?,
            paused: row.paused?,
        })
    });
    let rows: Vec<Due> = rows.collect();
    let next = rows.last().filter(|_| rows.len() == most).map(|last| last.place);
    Ok(Page { rows, now, next })
}

/// The sagas that exist now, of letters after this place that came before their sagas. At most `most` letters are read.
pub(crate) async fn read_orphans(
    connection: &mut PgConnection,
    after: Place,
    most: usize,
) -> Result<Page<SagaId>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select clock.at as "now!", page.saga_id as "saga?", page.received_at as "received_at?", s.id is not null as "begun!"
        from (select now() as at) as clock
        left join (
            select saga_id, bucket, received_at
            from usher.mailbox
            where orphan and (received_at, saga_id) > ($1, $2)
            order by received_at, saga_id
            limit $3
        ) as page on true
        left join usher.sagas s on s.id = page.saga_id and s.bucket = page.bucket
        order by page.received_at, page.saga_id
        "#,
        after.at,
        after.id,
        most as i64,
    )
    .fetch_all(connection)
    .await?;
    let now = rows.first().map_or(after.at, |row| row.now);
    let last = rows.last().filter(|_| rows.len() == most).and_then(|row| row.saga.zip(row.received_at));
    let next = last.map(|(id, at)| Place { at, id });
    let begun = rows.into_iter().filter(|row| row.begun).filter_map(|row| row.saga);
    let mut begun: Vec<SagaId> = begun.map(SagaId::from_uuid).collect();
    begun.dedup();
    Ok(Page { rows: begun, now, next })
}
