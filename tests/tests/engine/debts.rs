//! Debts: a compensation, or a step after the pivot, that has spent its budget is visible and is tried again.

use orchestrator::{Cause, Ended, Settings, StuckCause};
use rstest::rstest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tests::play::{Act, DeskRequest, Kept, Line, Part, Play, Stage, Twist, ask, decide, note};

const LONG: Duration = Duration::from_secs(30);
/// How long a debt rests here before it is tried again.
const SOON: Duration = Duration::from_millis(100);

/// Makes the desk answer no such request until the returned flag is set.
fn broken(stage: &Stage, such: impl Fn(&DeskRequest) -> bool + Send + Sync + 'static) -> Arc<AtomicBool> {
    let recovered = Arc::new(AtomicBool::new(false));
    let well = recovered.clone();
    stage.script.set(
        move |asked| {
            if such(asked) && !well.load(Ordering::SeqCst) { Act::Lose } else { Act::Go }
        },
    );
    recovered
}

#[tokio::test]
async fn a_compensation_that_spends_its_budget_is_a_debt_until_the_world_recovers() {
    let stage = Stage::set().await;
    let node = stage.start(Settings { stuck_retry: SOON, ..stage.settings("node") }).await;
    let recovered = broken(&stage, |asked| asked.undo && asked.what == "flight");
    let part = Part::of([note("one"), ask("flight"), ask("hotel"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let Ended::Stuck(StuckCause::Debt { step, position, .. }) = play.result(LONG).await.unwrap() else {
        panic!("a debt is told")
    };
    assert_eq!((step.as_str(), position.index()), ("ask", 2));
    let owing = Kept { notes: vec!["one".into()], bookings: vec!["flight".into()] };
    assert_eq!(stage.kept(play.id()).await, owing, "what came after is undone, unwinding stops there");
    stage.until("it is tried again, in vain", play.id(), |row| row.epoch > 20).await;
    assert!(stage.audited(play.id(), "stuck").await > 0);
    tests::support::verify(&stage.pool).await;

    recovered.store(true, Ordering::SeqCst);
    let row = stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    assert_eq!(row.stuck, None);
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    let unwound = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert!(matches!(unwound, Ended::Unwound(Cause::Rejected(_))), "{unwound:?}");
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_call_after_the_pivot_that_spends_its_budget_is_tried_until_it_is_done() {
    let stage = Stage::set().await;
    let node = stage.start(Settings { stuck_retry: SOON, ..stage.settings("node") }).await;
    let recovered = broken(&stage, |asked| asked.what == "car");
    let part = Part::of([note("one"), decide("sold"), ask("car"), note("end")]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    let Ended::Stuck(StuckCause::FailedAfterPivot { at, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(at, "ask");
    assert_eq!(stage.kept(play.id()).await.notes, ["one", "sold"], "nothing is undone after the pivot");

    recovered.store(true, Ordering::SeqCst);
    stage.until("it is completed", play.id(), |row| row.state == "completed").await;
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["car".into()]));
    assert_eq!(stage.kept(play.id()).await.notes, ["one", "sold", "end"]);
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[case::whose_statement_fails(Twist::SqlUndo)]
#[case::that_panics(Twist::PanicUndo)]
#[tokio::test]
async fn a_compensation_of_ours_stops_the_unwinding_and_is_never_skipped(#[case] twist: Twist) {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([note("one"), Line::Note("two".into(), twist), ask("room"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    match twist {
        Twist::SqlUndo => assert!(matches!(ended, Ended::Stuck(StuckCause::Debt { .. })), "{ended:?}"),
        _ => assert!(matches!(ended, Ended::Stuck(StuckCause::Panicked { .. })), "{ended:?}"),
    }
    let owing = Kept { notes: vec!["one".into(), "two".into()], bookings: vec![] };
    assert_eq!(stage.kept(play.id()).await, owing);
    assert_eq!(stage.audited(play.id(), "stuck").await, 1);
    tests::support::verify(&stage.pool).await;
    node.drain().await;
}

#[tokio::test]
async fn a_call_in_doubt_turns_back_and_is_undone_itself() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|asked| match (asked.what.as_str(), asked.undo) {
        ("hotel", false) => Act::LoseAnswer,
        _ => Act::Go,
    });
    let part = Part::of([note("one"), ask("flight"), ask("hotel"), decide("sold")]);
    let play = node.client().start::<Play>(part).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    assert!(matches!(&ended, Ended::Unwound(Cause::InDoubt { step, .. }) if step == "ask"), "{ended:?}");
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    assert_eq!(stage.count_requests(play.id(), "hotel", false).await, 3, "as often as its policy says");
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn not_yet_spends_no_attempts() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let answered = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = answered.clone();
    stage.script.set(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0..8 => Act::Later(Duration::from_millis(5)),
        _ => Act::Go,
    });
    let play = node.client().start::<Play>(Part::of([ask("room")])).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["room".into()]));
    assert_eq!(stage.count_requests(play.id(), "room", false).await, 9, "eight more than three attempts");
    node.drain().await;
}
