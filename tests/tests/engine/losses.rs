//! Losses: which saga is suspected of killing its nodes, and which was only there when they died.

use crate::worker::{Death, Worker};
use chrono::Utc;
use orchestrator::{BatchScope, Bucket, Client, Ended, Engine, Handle, SagaId, Settings, StuckCause};
use rstest::rstest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tests::{
    play::{Act, Gate, Line, Part, Play, SagaRow, Stage, Twist, ask, decide, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(20);

async fn count_all_requests(stage: &Stage) -> i64 {
    sqlx::query_scalar("select count(*) from desk.requests").fetch_one(&stage.pool).await.unwrap()
}

#[rstest]
#[case::going_forward(vec![decide("sold"), ask("car")])]
#[case::going_back(vec![ask("car"), Line::Fail("no".into())])]
#[tokio::test]
async fn a_call_that_is_put_off_through_five_outages_is_not_quarantined(
    #[case] lines: Vec<Line>,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let goes_back = matches!(lines[0], Line::Ask(..));
    let put_off = move |asked: &tests::play::DeskRequest| match asked.undo == goes_back {
        true => Act::Later(Duration::from_millis(10)),
        false => Act::Go,
    };
    stage.script.set(put_off);
    let play = node.client().start::<Play>(Part::of(lines)).await.unwrap();
    for _ in 0..5 {
        stage.lose_holder(play.id()).await;
        let before = count_all_requests(&stage).await;
        wait_until("answers come home again", LONG, async || {
            assert_ne!(stage.row(play.id()).await.unwrap().state, "stuck", "an honest retry is no loss");
            (count_all_requests(&stage).await > before + 2).then_some(())
        })
        .await;
    }
    stage.script.set(|_| Act::Go);
    assert!(!matches!(play.result(LONG).await.unwrap(), Ended::Stuck(_) | Ended::NotYet));
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_batch_that_fails_after_the_claim_burns_nobodys_claims(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.start(Settings { lease: Duration::from_millis(300), ..stage.settings("node") }).await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000), note("end")])).await.unwrap();
    // The claim needs no locked table; the work after it needs one.
    let held = stage.hold("lock table usher.journal in access exclusive mode").await;
    stage.lose_holder(play.id()).await;
    stage.pass(Duration::from_secs(3)).await;
    held.release().await;
    stage.until("it waits again", play.id(), |row| row.state == "waiting" && !row.leased).await;
    node.client().signal(play.id(), "cue", &tests::play::Cue("go".into())).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["go".into()]));
    node.drain().await;
}

/// A play whose calls wait at gates: the first call at the first gate, all others at the second.
async fn out_behind_gates(stage: &Stage, node: &Engine) -> (Handle<Play>, [Gate; 2]) {
    let gates = [Gate::shut(), Gate::shut()];
    let (held, calls) = (gates.clone(), Arc::new(AtomicUsize::new(0)));
    stage.script.set(move |_| Act::Hold(held[calls.fetch_add(1, Ordering::Relaxed).min(1)].clone()));
    let play = node.client().start::<Play>(Part::of([ask("car")])).await.unwrap();
    calls_out(stage, play.id(), 1).await;
    (play, gates)
}

async fn calls_out(stage: &Stage, saga: SagaId, many: i64) {
    let what = format!("{many} calls are out");
    wait_until(&what, LONG, async || (stage.count_requests(saga, "car", false).await == many).then_some(()))
        .await;
}

#[rstest]
#[tokio::test]
async fn what_a_living_node_has_out_is_no_loss_though_its_lease_has_ended(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    // Long, so that nobody is about to renew it.
    let node = stage.start(Settings { lease: Duration::from_secs(30), ..stage.settings("node") }).await;
    let (play, [gate, _]) = out_behind_gates(&stage, &node).await;
    let end = "update usher.sagas set due_at = now() - interval '1 second' where id = $1 and bucket = $2";
    let end = sqlx::query(end).bind(play.id().uuid()).bind(play.id().bucket().number());
    end.execute(&stage.pool).await.unwrap();
    let later = |row: &SagaRow| row.due_at.is_some_and(|due_at| due_at > Utc::now());
    let row = stage.until("its lease is prolonged", play.id(), later).await;
    assert_eq!((row.claims, row.leased), (0, true));
    gate.open();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["car".into()]));
    assert_eq!(stage.count_requests(play.id(), "car", false).await, 1, "its call was made once");
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_result_that_comes_too_late_takes_back_a_loss(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let (play, [first, second]) = out_behind_gates(&stage, &node).await;
    stage.lose_holder(play.id()).await;
    calls_out(&stage, play.id(), 2).await;
    assert_eq!(stage.row(play.id()).await.unwrap().claims, 1, "nobody has heard of the first holder");
    first.open();
    let row = stage.until("the first holder lives", play.id(), |row| row.claims == 0).await;
    assert!(row.leased, "the second call is still out");
    second.open();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["car".into()]));
    node.drain().await;
}

/// As if three holders had died on it, one after the other.
async fn suspect(stage: &Stage, saga: SagaId) {
    stage.lose_holder(saga).await;
    let thrice = "update usher.sagas set claims = 3 where id = $1 and bucket = $2";
    sqlx::query(thrice).bind(saga.uuid()).bind(saga.bucket().number()).execute(&stage.pool).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn an_innocent_that_was_quarantined_is_tried_again_by_itself_and_goes_on(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let retry = Duration::from_millis(300);
    let node = stage.start(Settings { stuck_retry: retry, ..stage.settings("node") }).await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(500), ask("car")])).await.unwrap();
    suspect(&stage, play.id()).await;
    let row = stage.until("it is quarantined", play.id(), |row| row.state == "stuck").await;
    assert_eq!(row.stuck, Some(StuckCause::Quarantined { claims: 3 }));
    assert!(row.due_at.is_some(), "it is looked at again");
    assert!(matches!(play.result(LONG).await.unwrap(), Ended::Stuck(_)));
    let row = stage.until("it has come to rest", play.id(), |row| row.state == "unwound").await;
    assert_eq!(row.claims, 0);
    node.drain().await;
}

/// Lets workers die of a saga until it waits for a person; gives the number of deaths and the saga's row.
pub async fn quarantined_for_good(stage: &Stage, saga: SagaId) -> (usize, SagaRow) {
    let mut died = 0;
    loop {
        let worker = Worker::on(stage, &format!("victim {died}"))
            .with("LEASE_MS", 150)
            .with("STUCK_RETRY_MS", 200)
            .spawn();
        let for_good = |row: &SagaRow| row.state == "stuck" && row.due_at.is_none();
        tokio::select! {
            death = worker.ended() => assert_eq!(death, Death::Sudden),
            row = stage.until("the saga is stuck for good", saga, for_good) => return (died, row),
        }
        died += 1;
        assert!(died < 12, "it kills and kills: {:?}", stage.row(saga).await);
    }
}

#[rstest]
#[tokio::test]
async fn a_debt_whose_compensation_kills_its_process_is_quarantined_too(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let part = Part::of([Line::Note("deadly".into(), Twist::SqlUndo), Line::Fail("no".into())]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let mut connection = stage.pool.acquire().await.unwrap();
    Client::start_in::<Play>(&mut connection, &part, id).await.unwrap();
    let first = Worker::on(&stage, "first").with("STUCK_RETRY_MS", 3_600_000).spawn();
    assert!(matches!(stage.stuck(id).await, StuckCause::Debt { .. }));
    drop(first);
    let deadly = "update usher.journal set entries = replace(entries::text, 'SqlUndo', 'AbortUndo')::json";
    sqlx::query(deadly).execute(&mut *connection).await.unwrap();
    let due = "update usher.sagas set due_at = now()";
    sqlx::query(due).execute(&mut *connection).await.unwrap();
    let (died, row) = quarantined_for_good(&stage, id).await;
    assert!((6..=9).contains(&died), "{died} processes died");
    assert!(matches!(row.stuck, Some(StuckCause::Quarantined { .. })), "{row:?}");
}
