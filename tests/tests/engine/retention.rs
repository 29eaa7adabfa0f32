//! Retention: finished sagas are deleted, the others stay, and a week's journal goes with the last of its sagas.

use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::{Bucket, Retired, create_partitions, oldest_to_retire, retire};
use sqlx::{Connection, PgConnection};
use tests::support::Database;
use uuid::Uuid;

/// A saga of that time, with a journal, a letter, an attempt and a label.
async fn old_saga(connection: &mut PgConnection, at: DateTime<Utc>, state: &str) -> Uuid {
    let since_epoch = at.timestamp_millis().unsigned_abs();
    let random = Bucket::of_key("old").new_id().as_u128() & ((1 << 76) - 1);
    let id = Uuid::from_u128(u128::from(since_epoch) << 80 | 0x7 << 76 | random);
    let stuck = (state == "stuck").then_some(r#""foreign_wait""#);
    for made in [
        "insert into usher.sagas (id, bucket, workflow, version, state, journal_len, created_at, updated_at, stuck)
         values ($1, $2, 'old', 1, $3, 1, $4, $4, $5::json)",
        "insert into usher.journal (saga_id, bucket, position, entries, epoch, token, written_at)
         select $1, $2, 0, '[]', 0, 0, $4 where $3 <> '' and $5 is distinct from ''",
        "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at)
         select $1, $2, 'signal', 'hello', 'me', 'null', $4 where $3 <> '' and $5 is distinct from ''",
        "insert into usher.attempts
             (saga_id, bucket, epoch, position, undo, number, node, began_at, ended_at, error, in_doubt)
         select $1, $2, 0, 0, false, 1, 'node', $4, $4, '', false where $3 <> '' and $5 is distinct from ''",
        "insert into usher.labels (saga_id, bucket, key, value)
         select $1, $2, 'name', $3 where $4 > '-infinity' and $5 is distinct from ''",
    ] {
        let made = sqlx::query(made).bind(id).bind(Bucket::of_id(id).number()).bind(state).bind(at).bind(stuck);
        made.execute(&mut *connection).await.unwrap();
    }
    id
}

async fn count(connection: &mut PgConnection, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn finished_sagas_leave_with_their_week_and_the_unfinished_keep_theirs() {
    let database = Database::fresh().await;
    // The role under which nodes connect: it may neither create tables nor drop them.
    let mut connection = PgConnection::connect(&database.app_url()).await.unwrap();
    let now = Utc::now();
    let (long_ago, later) = (now - TimeDelta::days(200), now - TimeDelta::days(150));
    for at in [long_ago, later] {
        create_partitions(&mut connection, at).await.unwrap();
    }
    let weeks = "select count(*) from pg_inherits where inhparent = 'usher.journal'::regclass";
    let before = count(&mut connection, weeks).await;
    for state in ["completed", "unwound", "completed"] {
        old_saga(&mut connection, long_ago, state).await;
    }
    let stuck = old_saga(&mut connection, later, "stuck").await;
    let young = old_saga(&mut connection, now, "completed").await;

    let oldest = oldest_to_retire(&mut connection, now - TimeDelta::days(90)).await.unwrap();
    assert_eq!(oldest.map(|oldest| oldest.timestamp()), Some(long_ago.timestamp()));
    let first = retire(&mut connection, now - TimeDelta::days(90), 2).await.unwrap();
    assert_eq!((first.sagas, first.weeks > 0), (2, true), "bounded: one is left, and empty weeks go at once");
    let second = retire(&mut connection, now - TimeDelta::days(90), 2).await.unwrap();
    assert_eq!(
        second,
        Retired { sagas: 1, letters: 0, weeks: 1 },
        "the last of its week takes the week along"
    );
    assert_eq!(oldest_to_retire(&mut connection, now - TimeDelta::days(90)).await.unwrap(), None);
    let third = retire(&mut connection, now - TimeDelta::days(90), 2).await.unwrap();
    assert_eq!(third, Retired::default());

    let left: Vec<Uuid> = sqlx::query_scalar("select id from usher.sagas order by id")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, [stuck, young]);
    assert_eq!(count(&mut connection, "select count(*) from usher.journal").await, 2);
    for its in [
        "select count(*) from usher.mailbox",
        "select count(*) from usher.attempts",
        "select count(*) from usher.labels",
    ] {
        assert_eq!(count(&mut connection, its).await, 2, "{its}");
    }
    assert_eq!(
        count(&mut connection, weeks).await,
        before - 7,
        "of eight old weeks the stuck saga's is left"
    );
}
