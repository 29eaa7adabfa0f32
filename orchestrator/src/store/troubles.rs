//! The columns of `usher.sagas` that say what is wrong. They are written only for sagas that get into trouble or out of it.

use super::columns;
use crate::{
    id::SagaId,
    record::{Stake, Trouble},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What is wrong with a saga; nothing if it has no cause.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub saga: SagaId,
    /// The cause that it shares with other sagas that failed for the same reason.
    pub cause: Option<String>,
    pub code: Option<String>,
    pub trouble: Option<Trouble>,
    pub stuck: bool,
    /// `None` if its journal can't be read: then the stored value stays.
    pub stakes: Option<Vec<Stake>>,
}

/// Writes what is wrong with sagas, or that nothing is wrong any more. Their rows are locked. Trouble keeps the time when it
/// began.
pub(crate) async fn mark(
    connection: &mut PgConnection,
    marks: &[Mark],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(marks.iter().map(|mark| mark.saga));
    let causes: Vec<Option<&str>> = marks.iter().map(|mark| mark.cause.as_deref()).collect();
    let codes: Vec<Option<&str>> = marks.iter().map(|mark| mark.code.as_deref()).collect();
    let troubles: Vec<Option<&str>> = marks.iter().map(|mark| mark.trouble.map(Trouble::as_str)).collect();
    let stuck: Vec<bool> = marks.iter().map(|mark| mark.stuck).collect();
    let stakes: Vec<Option<String>> = marks.iter().map(|mark| mark.stakes.as_deref().map(encode)).collect();
    sqlx::query!(
        r#"
        update usher.sagas s
        set cause = w.cause, fingerprint = sha256(convert_to(w.cause, 'utf8')), code = w.code, trouble = w.trouble,
            troubled_at = case when w.cause is null then null else coalesce(s.troubled_at, $8) end,
            first_stuck_at = case when w.stuck then coalesce(s.first_stuck_at, $8) end,
            stakes = case when w.cause is not null then coalesce(w.stakes::json, s.stakes) end
        from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[])
            as w (id, bucket, cause, code, trouble, stuck, stakes)
        where s.id = w.id and s.bucket = w.bucket
        "#,
        &ids,
        &buckets,
        &causes as &[Option<&str>],
        &codes as &[Option<&str>],
        &troubles as &[Option<&str>],
        &stuck,
        &stakes as &[Option<String>],
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn encode(stakes: &[Stake]) -> String {
    serde_json::to_string(stakes).expect("a stake has only strings and numbers")
}
