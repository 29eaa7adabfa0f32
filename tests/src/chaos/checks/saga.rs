//! A saga as a person wants to see it who asks why: its row, its journal, its letters, its attempts, and its audit.

use crate::chaos::witness::Violation;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The stories of the sagas that fit a condition, in SQL as after `where`.
pub(super) async fn sagas_that(pool: &PgPool, are_so: &str) -> Result<Vec<String>, sqlx::Error> {
    let rows_of = |table: &str, what: &str, order: &str| {
        format!(
            "coalesce((select string_agg(E'\\n  {what} ' || row_to_json(t)::text, '' order by {order})
            from {table} t where t.saga_id = s.id and t.bucket = s.bucket), '')"
        )
    };
    let story = [
        rows_of("usher.journal_entries", "entry", "t.position"),
        rows_of("usher.mailbox", "letter", "t.received_at"),
        rows_of("usher.attempts", "attempt", "t.epoch, t.position"),
        rows_of("usher.audit", "audit", "t.at"),
    ];
    let story = story.join(" || ");
    let story = format!(
        "select 'saga ' || s.id || E'\\n  row ' || row_to_json(s)::text || {story} from usher.sagas s where {are_so}"
    );
    sqlx::query_scalar(AssertSqlSafe(story)).fetch_all(pool).await
}

/// The stories of sagas that violations name, also by their reservations.
pub(in super::super) async fn sagas_named(
    pool: &PgPool,
    violations: &[Violation],
) -> Result<Vec<String>, sqlx::Error> {
    let words = violations.iter().flat_map(|violation| {
        violation.detail.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-')
    });
    let ids: BTreeSet<Uuid> = words.filter_map(|word| word.parse().ok()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let ids = ids.join(", ");
    let named =
        format!("s.id in ({ids}) or s.id in (select saga_id from booking.reservations where id in ({ids}))");
    sagas_that(pool, &named).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Database;

    #[tokio::test]
    async fn the_database_is_asked_in_words_that_it_knows() {
        let database = Database::fresh().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let named = Violation { rule: "a rule".into(), detail: format!("saga {} is so", Uuid::now_v7()) };
        assert!(sagas_named(&pool, &[named]).await.unwrap().is_empty());
    }
}
