//! Nobody starves: each kind of input has its share of every round, and who waits for a lock waits alone.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Settings};
use rstest::rstest;
use std::time::{Duration, Instant};
use tests::{
    play::{Line, Part, Play, Stage, ask, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(30);

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_and_timers_have_their_turn_among_sagas_that_call_without_end(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.start(Settings { batch_max: 8, ..stage.settings("node") }).await;
    let house = uuid::Uuid::now_v7().to_string();
    let timed = node.client().start::<Play>(Part::of([Line::Wait(1_000)]).at(&house)).await.unwrap();
    // More sagas with a quick call each than two rounds take, for longer than the test lasts.
    let busy = |_| Part::of((0..2_000).map(|_| Line::Touch("bell".into())).collect::<Vec<_>>()).at(&house);
    let starts = (0..40).map(busy).map(|part| async { node.client().start::<Play>(part).await.unwrap() });
    let busy = join_all(starts).await;
    let began = Instant::now();
    let starts = (0..5)
        .map(|_| async { node.client().start::<Play>(Part::of([note("one")]).at(&house)).await.unwrap() });
    for start in join_all(starts).await {
        assert!(matches!(start.result(LONG).await.unwrap(), Ended::Completed(_)));
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "five starts waited {took:?}");
    let ended = timed.result(Duration::from_secs(5)).await.unwrap();
    assert!(matches!(ended, Ended::Unwound(_)), "its deadline is heard: {ended:?}");
    for play in &busy {
        assert_eq!(stage.row(play.id()).await.unwrap().state, "running", "they were busy all the time");
    }
}

#[rstest]
#[tokio::test]
async fn who_waits_for_a_locked_table_waits_alone(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let house = uuid::Uuid::now_v7().to_string();
    let held = stage.hold("lock table play.notes in access exclusive mode").await;
    let client = node.client().clone();
    let waiting = (0..30).map(|_| {
        let (client, part) = (client.clone(), Part::of([note("one")]).at(&house));
        tokio::spawn(async move { client.start::<Play>(part).await })
    });
    let waiting: Vec<_> = waiting.collect();
    let waits = "select count(*) from pg_stat_activity where datname = current_database()
        and application_name = 'usher lane 0' and wait_event_type = 'Lock'";
    wait_until("the lane waits for the table", LONG, async || {
        let waits: i64 = sqlx::query_scalar(waits).fetch_one(&stage.pool).await.unwrap();
        (waits > 0).then_some(())
    })
    .await;
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        let other = node.client().start::<Play>(Part::of([ask("car")]).at(&house)).await.unwrap();
        assert!(matches!(other.result(LONG).await.unwrap(), Ended::Completed(_)));
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "one that doesn't need the table took {slowest:?}");
    held.release().await;
    for start in waiting {
        let play = start.await.unwrap().unwrap();
        assert!(matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)));
        assert_eq!(stage.row(play.id()).await.unwrap().attempts, 0);
    }
    stage.verify().await;
    node.drain().await;
}
