//! Removes finished sagas: their rows a few at a time, their journals a week at a time.
//!
//! A week's journal is one partition. It is dropped when every saga that began in that week has been removed. A saga that is
//! stuck, or still waits, keeps its week.

use crate::{
    id::first_id_of,
    schema::{drop_partition, weeks_of},
    store::outbox,
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::ops::AddAssign;

/// What one run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retired {
    /// The number of sagas, each with its letters and its delivered messages.
    pub sagas: u64,
    /// The number of letters whose saga never came.
    pub letters: u64,
    /// The number of weeks of journals.
    pub weeks: u32,
}

impl AddAssign for Retired {
    fn add_assign(&mut self, other: Self) {
        self.sagas += other.sagas;
        self.letters += other.letters;
        self.weeks += other.weeks;
    }
}

/// Removes at most `most` sagas that were started and at rest before `before`, and the journals of weeks that have
/// no saga left.
pub async fn retire(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Retired, sqlx::Error> {
    let gone = sqlx::query!(
        r#"
        with gone as (
            delete from usher.sagas
            where (id, bucket) in (
                select id, bucket
                from usher.sagas
                where id < $1 and state in ('completed', 'unwound') and updated_at < $2
                order by id
                limit $3
                for update skip locked
            )
            returning id, bucket
        ),
        letters as (
            delete from usher.mailbox m using gone
            where m.saga_id = gone.id and m.bucket = gone.bucket
        ),
        attempts as (
            delete from usher.attempts a using gone
            where a.saga_id = gone.id and a.bucket = gone.bucket
        ),
        labels as (
            delete from usher.labels l using gone
            where l.saga_id = gone.id and l.bucket = gone.bucket
        ),
        messages as (
            delete from usher.outbox o using gone
            where o.saga_id = gone.id and o.bucket = gone.bucket and o.delivered_at is not null
        ),
        -- Letters whose saga never came.
        orphans as (
            delete from usher.mailbox
            where (saga_id, bucket, kind, name, sender) in (
                select saga_id, bucket, kind, name, sender
                from usher.mailbox
                where orphan and received_at < $2
                order by received_at
                limit $3
            )
            returning saga_id
        )
        select (select count(*) from gone) as "sagas!", (select count(*) from orphans) as "letters!"
        "#,
        first_id_of(before),
        before,
        most,
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut weeks = 0;
    for week in weeks_of(connection).await? {
        if week.end <= before && drop_partition(connection, week).await? {
            weeks += 1;
        }
    }
    Ok(Retired { sagas: gone.sagas.unsigned_abs(), letters: gone.letters.unsigned_abs(), weeks })
}

/// When the oldest saga began that [`retire`] would remove; `None` if it has nothing to do.
pub async fn oldest_to_retire(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select created_at
        from usher.sagas
        where id < $1 and state in ('completed', 'unwound') and updated_at < $2
        order by id
        limit 1
        "#,
        first_id_of(before),
        before,
    )
    .fetch_optional(connection)
    .await
}

/// Removes at most `most` messages of the outbox that were decided before `before`, taken or not. Returns how many.
///
/// # Errors
/// The database failed.
pub async fn retire_messages(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    // Ids are in order of time, so the oldest sagas' messages come first in the primary key.
    outbox::delete_old(connection, first_id_of(before), before, most).await
}
