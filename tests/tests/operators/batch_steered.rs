//! Batches that are paused, resumed, cancelled, handed over and taken away: what has begun ends, nothing is done twice.

use super::{
    Working, ada,
    batch::{make_stuck, stuck, times_acted, until},
};
use chrono::{DateTime, Utc};
use operator::{Action, BatchId, BatchState, NewBatch, Operator, OperatorError, Results};
use orchestrator::Settings;
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::Stage,
    support::{Hold, wait_until},
};

/// All sagas are in the canary, so that there is one round.
const SAGAS: u32 = 40;

async fn begin(desk: &Operator) -> BatchId {
    let new = NewBatch { canary: SAGAS, ..NewBatch::new(stuck(), Action::RetryNow, ada()) };
    desk.start_batch(BatchId::random(), new).await.unwrap().id
}

/// Waits until the node that works on the batch has seen that it must stop. A renewal of the lease tells the node,
/// but it may come to the next item before it has read the answer; by the second renewal it has read it.
async fn wait_until_noticed(stage: &Stage, id: BatchId) {
    let renewed = async || -> DateTime<Utc> {
        let leased = "select leased_until from usher.batches where id = $1 and bucket = $2";
        let leased = sqlx::query_scalar(leased).bind(id.uuid()).bind(id.bucket().number());
        leased.fetch_one(&stage.pool).await.unwrap()
    };
    let mut last = renewed().await;
    for time in ["first", "second"] {
        let what = format!("the lease is renewed for the {time} time");
        last =
            wait_until(&what, super::LONG, async || Some(renewed().await).filter(|now| *now != last)).await;
    }
}

/// Waits until nobody works on the batch any more: what was begun has been noted.
async fn wait_until_released(stage: &Stage, id: BatchId) {
    wait_until("nobody has the batch", super::LONG, async || {
        let free = "select leased_until is null from usher.batches where id = $1 and bucket = $2";
        let free: bool = sqlx::query_scalar(free)
            .bind(id.uuid())
            .bind(id.bucket().number())
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        free.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_batch_begins_nothing_more_and_goes_on_where_it_was() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    make_stuck(&stage, &node, SAGAS as usize).await;
    let hold = Hold::at("batch-acted", node.node());
    let operator = Operator::of(node.client());
    let _working = Working::by(operator.clone());
    let id = begin(&operator).await;
    hold.reached().await;
    let paused = operator.pause_batch(id, ada()).await.unwrap();
    assert_eq!(paused.state, BatchState::Paused);
    assert!(matches!(operator.pause_batch(id, ada()).await, Err(OperatorError::NotAllowed { .. })));
    wait_until_noticed(&stage, id).await;
    hold.release();
    wait_until_released(&stage, id).await;
    let acted = times_acted(&stage, id).await.len();
    assert!((1..SAGAS as usize).contains(&acted), "{acted} were begun");
    let batch = operator.batch(id).await.unwrap();
    assert_eq!(batch.results.waiting, SAGAS as i32 - acted as i32, "what was begun is noted");

    let resumed = operator.resume_batch(id, ada()).await.unwrap();
    assert_eq!(resumed.state, BatchState::Canary);
    let done = until(&node, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { mended: SAGAS as i32, ..Results::default() });
    assert_eq!(times_acted(&stage, id).await, [1; SAGAS as usize]);
    let events = "select string_agg(action, ' ' order by seq) from usher.audit where saga_id = $1";
    let events: String = sqlx::query_scalar(events).bind(id.uuid()).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(events, "batch_start batch_pause batch_resume batch_done");
    stage.verify().await;
    node.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_is_over_and_what_it_did_stays_done() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    make_stuck(&stage, &node, SAGAS as usize).await;
    let hold = Hold::at("batch-acted", node.node());
    let operator = Operator::of(node.client());
    let _working = Working::by(operator.clone());
    let id = begin(&operator).await;
    hold.reached().await;
    operator.cancel_batch(id, ada()).await.unwrap();
    wait_until_noticed(&stage, id).await;
    hold.release();
    wait_until_released(&stage, id).await;
    let acted = times_acted(&stage, id).await.len();
    assert!((1..SAGAS as usize).contains(&acted), "{acted} were begun");
    let resumed = operator.resume_batch(id, ada()).await;
    let Err(OperatorError::NotAllowed { why, allowed, .. }) = resumed else { panic!("{resumed:?}") };
    assert_eq!((why.as_str(), allowed.len()), ("the batch is cancelled", 0));
    stage.verify().await;
    node.drain().await;
}

const NEVER: Duration = Duration::from_secs(3600);

/// How a node loses a batch while it acts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    /// It is told to stop.
    Drained,
    /// Its lease has run out, and it doesn't know.
    Fenced,
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_leaves_another_ends_and_nothing_is_done_twice(
    #[values(Loss::Drained, Loss::Fenced)] loss: Loss,
) {
    let stage = Stage::set().await;
    // This node knows only the batch that it makes. It doesn't look for others: it must not take again what it lost.
    let first = stage.start(Settings { poll: NEVER, ..stage.settings("first") }).await;
    make_stuck(&stage, &first, SAGAS as usize).await;
    let hold = Hold::at("batch-acted", first.node());
    let desk = Operator::of(first.client());
    let working = Working::by(desk.clone());
    let id = begin(&desk).await;
    hold.reached().await;
    let second = stage.node("second").await;
    let _working = Working::beside(&second);
    match loss {
        Loss::Drained => {
            let draining = tokio::spawn(async { tokio::join!(working.end(), first.drain()) });
            hold.release();
            draining.await.unwrap();
        }
        Loss::Fenced => {
            let run_out =
                "update usher.batches set leased_until = now() - interval '1 second', token = token + 1";
            sqlx::query(run_out).execute(&stage.pool).await.unwrap();
            // The first node acted on some sagas and didn't note it: the second must find that out.
            until(&second, id, "it is done", |batch| batch.state == BatchState::Done).await;
            hold.release();
            tokio::join!(working.end(), first.drain());
        }
    }
    let done = until(&second, id, "it is done", |batch| batch.state == BatchState::Done).await;
    assert_eq!(done.results, Results { mended: SAGAS as i32, ..Results::default() });
    assert_eq!(times_acted(&stage, id).await, [1; SAGAS as usize]);
    stage.verify().await;
    second.drain().await;
}
