//! A node that is frozen past its lease and woken writes nothing, and calls nobody.

use crate::worker::Worker;
use dev::Signal;
use orchestrator::{Bucket, Client, SagaId};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Part, Play, Stage, ask, decide, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(30);
/// How long the failpoint holds the node: long enough for the signal that freezes it, and no longer than the other
/// node needs to take over.
const AT_THE_POINT: Duration = Duration::from_millis(700);

/// Everything that is written of a saga.
async fn written(stage: &Stage, saga: SagaId) -> (Vec<(i32, i64, i64)>, String) {
    let journal = "select position, epoch, token from usher.journal where saga_id = $1 order by position";
    let row = "select row_to_json(s)::text from usher.sagas s where id = $1";
    (
        sqlx::query_as(journal).bind(saga.uuid()).fetch_all(&stage.pool).await.unwrap(),
        sqlx::query_scalar(row).bind(saga.uuid()).fetch_one(&stage.pool).await.unwrap(),
    )
}

async fn asked_by(stage: &Stage, node: &str) -> i64 {
    let asked = "select count(*) from desk.requests where node = $1";
    sqlx::query_scalar(asked).bind(node).fetch_one(&stage.pool).await.unwrap()
}

#[rstest]
#[case::before_a_commit("lane-before-commit")]
#[case::before_a_call("call-before")]
#[case::after_a_call("call-after")]
#[tokio::test]
async fn a_node_frozen_past_its_lease_and_woken_writes_nothing(#[case] point: &str) {
    let stage = Stage::set().await;
    let part = Part::of([note("one"), ask("flight"), note("two"), decide("sold"), ask("car")]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let mut connection = stage.pool.acquire().await.unwrap();
    Client::start_in::<Play>(&mut connection, &part, id).await.unwrap();

    let point = format!("{point}=1*sleep({})", AT_THE_POINT.as_millis());
    let frozen = Worker::on(&stage, "frozen").with("FAILPOINTS", &point).with("LEASE_MS", 300).spawn();
    let holds = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name = 'usher lane 0' and state = 'idle in transaction'";
    wait_until("the node is at the point", LONG, async || {
        let in_batch: i64 = sqlx::query_scalar(holds).fetch_one(&mut *connection).await.unwrap();
        let called = stage.row(id).await.is_some_and(|row| row.leased);
        let there = match &*point {
            at if at.starts_with("lane") => in_batch == 1,
            at if at.starts_with("call-before") => called,
            _ => asked_by(&stage, "frozen").await == 1,
        };
        there.then_some(())
    })
    .await;
    frozen.signal(Signal::STOP);
    let stopped_at = stage.now().await;
    // Postgres does the same to a transaction that is idle for too long.
    let ended = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction'";
    sqlx::query(ended).execute(&mut *connection).await.unwrap();
    let asked = asked_by(&stage, "frozen").await;

    let other = Worker::on(&stage, "other").spawn();
    stage.until("the other node has finished it", id, |row| row.state == "completed").await;
    wait_until("the point is left as soon as the node wakes", LONG, async || {
        (stage.now().await > stopped_at + AT_THE_POINT).then_some(())
    })
    .await;
    let before = written(&stage, id).await;
    drop(other);

    // The woken node does what is still to be done, and repeats nothing that is done.
    let next = Part::of([note("one"), ask("train"), note("two")]);
    let next_id = SagaId::new_in(Bucket::of_key(&next.house));
    Client::start_in::<Play>(&mut connection, &next, next_id).await.unwrap();
    frozen.signal(Signal::CONT);
    let row = stage.until("the woken node works", next_id, |row| row.state == "completed").await;
    assert_eq!(row.node.as_deref(), Some("frozen"));
    assert_eq!(written(&stage, id).await, before);
    assert_eq!(asked_by(&stage, "frozen").await, asked + 1, "the train, and nothing else");
    assert!(before.0.is_sorted_by(|one, next| one.0 < next.0 && one.1 < next.1), "{before:?}");
    assert_eq!(stage.kept(id).await.bookings, ["car", "flight"]);
    stage.verify().await;
}
