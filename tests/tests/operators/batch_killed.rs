//! Batches whose node is killed: another one ends them, and every saga was acted on once.

use super::{
    ada,
    batch::{make_stuck, stuck, times_acted},
    worker::{Death, Worker},
};
use operator::{Action, Batch, BatchId, BatchState, NewBatch, Operator, Results};
use orchestrator::{BatchScope, Client};
use rstest::rstest;
use std::time::Duration;
use tests::{play::Stage, support::wait_until};

/// The bound on everything that a batch of these tests may take.
const LONG: Duration = Duration::from_secs(60);

/// A stage with so many stuck sagas, and no node.
async fn stage_with(scope: BatchScope, sagas: usize) -> (Stage, Client) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("maker").await;
    make_stuck(&stage, &node, sagas).await;
    node.drain().await;
    let outside = stage.outside().await;
    (stage, outside)
}

fn worker(stage: &Stage, name: &str) -> super::worker::Start {
    let start = Worker::on(stage, name).with("LEASE_MS", 1_000).with("POLL_MS", 200);
    if stage.scope == BatchScope::Bucket { start.with("SCOPE", "bucket") } else { start }
}

async fn begin(outside: &Client) -> BatchId {
    let new = NewBatch::new(stuck(), Action::RetryNow, ada());
    Operator::of(outside).start_batch(BatchId::random(), new).await.unwrap().id
}

async fn done(outside: &Client, id: BatchId) -> Batch {
    let operator = Operator::of(outside);
    wait_until("the batch is done", LONG, async || {
        Some(operator.batch(id).await.unwrap()).filter(|batch| batch.state == BatchState::Done)
    })
    .await
}

#[rstest]
#[case::of_two_thousand(BatchScope::Database, 2_000)]
#[case::a_bucket_a_transaction(BatchScope::Bucket, 300)]
#[tokio::test]
async fn a_batch_whose_node_is_killed_half_way_is_finished_by_another_and_acts_on_every_saga_once(
    #[case] scope: BatchScope,
    #[case] sagas: usize,
) {
    let (stage, outside) = stage_with(scope, sagas).await;
    let first = worker(&stage, "first").spawn();
    let id = begin(&outside).await;
    let operator = Operator::of(&outside);
    wait_until("half of it is done", LONG, async || {
        let waiting = operator.batch(id).await.unwrap().results.waiting;
        (waiting <= sagas as i32 / 2).then_some(())
    })
    .await;
    drop(first);
    let acted = times_acted(&stage, id).await.len();
    assert!(acted < sagas, "it was killed before it was done, after {acted}");

    let second = worker(&stage, "second").spawn();
    let batch = done(&outside, id).await;
    assert_eq!(batch.results, Results { mended: sagas as i32, ..Results::default() });
    assert_eq!(batch.node.as_deref(), Some("second"));
    assert_eq!(times_acted(&stage, id).await, vec![1; sagas]);
    let restless = "select count(*) from usher.sagas where state <> 'completed'";
    let restless: i64 = sqlx::query_scalar(restless).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(restless, 0);
    let mut connection = stage.pool.acquire().await.unwrap();
    let verified = operator::audit::verify(&mut connection).await.unwrap();
    assert!(verified.breaks.is_empty(), "{verified:?}");
    stage.verify().await;
    drop(second);
}

#[rstest]
#[case::between_acting_and_noting_the_first("batch-acted=1*return", 0)]
#[case::between_acting_and_noting_in_the_middle("batch-acted=11*off->1*return", 0)]
#[case::after_noting("batch-noted=1*off->1*return", 1)]
#[tokio::test]
async fn what_was_acted_on_and_not_noted_is_found_in_the_audit_and_not_done_again(
    #[case] point: &str,
    #[case] noted_at_least: i32,
) {
    let (stage, outside) = stage_with(BatchScope::Database, 30).await;
    let id = begin(&outside).await;
    let victim = worker(&stage, "victim").with("FAILPOINTS", point).spawn();
    assert_eq!(victim.ended().await, Death::Sudden);
    let acted = times_acted(&stage, id).await;
    assert!(!acted.is_empty() && acted.len() < 30, "{acted:?}");
    let left = Operator::of(&outside).batch(id).await.unwrap().results;
    assert!(30 - left.waiting >= noted_at_least && 30 - left.waiting <= acted.len() as i32, "{left:?}");

    let survivor = worker(&stage, "survivor").spawn();
    let batch = done(&outside, id).await;
    assert_eq!(batch.results, Results { mended: 30, ..Results::default() });
    assert_eq!(times_acted(&stage, id).await, [1; 30]);
    stage.verify().await;
    drop(survivor);
}
