//! A lane that gives no sign of life is replaced, wherever it stopped; what it had goes on.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Bucket, Ended, Engine, SagaId, Settings, StuckCause};
use rstest::rstest;
use std::time::{Duration, Instant};
use tests::{
    play::{Act, Gate, Line, Part, Play, Stage, Twist, ask, note},
    support::{Flow, Hold, Proxy, Whom, wait_until},
};

const LONG: Duration = Duration::from_secs(60);

fn settings(stage: &Stage) -> Settings {
    Settings {
        silence_max: Duration::from_millis(1500),
        poll_max: Duration::from_secs(2),
        lease: Duration::from_secs(1),
        ..stage.settings("node")
    }
}

#[rstest]
#[case::and_lets_others_work(Twist::Hang)]
#[case::and_holds_its_thread(Twist::Block)]
#[tokio::test]
async fn a_step_of_ours_that_never_returns_stops_its_saga_alone(
    #[case] twist: Twist,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.start(settings(&stage)).await;
    let house = uuid::Uuid::now_v7().to_string();
    let play = |twist| Part::of([ask("flight"), Line::Note("one".into(), twist), ask("car")]).at(&house);
    let parts = [play(twist)].into_iter().chain((0..8).map(|_| play(Twist::None)));
    let starts = parts.map(|part| async { node.client().start::<Play>(part).await.unwrap() });
    let mut plays = join_all(starts).await;
    let guilty = plays.remove(0);
    for play in &plays {
        assert!(matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)));
    }
    let Ended::Stuck(cause) = guilty.result(LONG).await.unwrap() else {
        panic!("it is {:?}", stage.row(guilty.id()).await)
    };
    let StuckCause::Hung { at, .. } = &cause else { panic!("{cause:?}") };
    assert_eq!(at, "step `note`");
    let other = node.client().start::<Play>(Part::of([note("other")])).await.unwrap();
    assert!(matches!(other.result(LONG).await.unwrap(), Ended::Completed(_)));
    stage.verify().await;
    let began = Instant::now();
    node.drain().await;
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?} to leave", began.elapsed());
}

/// The cases say whose connections get no more answers from Postgres, which still hears them.
#[rstest]
#[case::of_the_lanes("usher lane")]
#[case::of_the_renewals("usher leases")]
#[case::of_the_sweep("usher sweep")]
#[case::of_the_pool("usher")]
#[tokio::test]
async fn a_connection_whose_other_side_is_gone_is_noticed_and_replaced(
    #[case] whose: &'static str,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let proxy = Proxy::before(stage.url()).await;
    let node = stage.builder_through(proxy.url(), settings(&stage)).start().await.unwrap();
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |asked| if asked.what == "flight" { Act::Hold(held.clone()) } else { Act::Go });
    let out = node.client().start::<Play>(Part::of([ask("flight"), note("one")])).await.unwrap();
    let timed = node.client().start::<Play>(Part::of([note("one"), Line::Wait(500)])).await.unwrap();
    stage.until("the call is out", out.id(), |row| row.leased).await;
    proxy.set(&Whom::Named(whose), Flow::Dead);

    let began = Instant::now();
    let within = Duration::from_secs(25);
    let start = async {
        let play = Part::of([note("new"), ask("car")]);
        node.client().start::<Play>(play).await.unwrap().result(within).await.unwrap()
    };
    assert!(matches!(start.await, Ended::Completed(_)), "a start is answered");
    gate.open();
    assert!(matches!(out.result(within).await.unwrap(), Ended::Completed(_)), "a result is taken in");
    assert!(matches!(timed.result(within).await.unwrap(), Ended::Unwound(_)), "a deadline is heard");
    let took = began.elapsed();
    assert!(took < within, "it took {took:?}");
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_node_whose_connections_are_all_gone_leaves_in_time(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let proxy = Proxy::before(stage.url()).await;
    let node = stage.builder_through(proxy.url(), settings(&stage)).start().await.unwrap();
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    proxy.set(&Whom::All, Flow::Dead);
    let began = Instant::now();
    node.drain().await;
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?} to leave", began.elapsed());
}

#[rstest]
#[tokio::test]
async fn lanes_say_how_they_are(#[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope) {
    let stage = Stage::set_for(scope).await;
    let node = stage.start(settings(&stage)).await;
    let works = async || node.client().lanes().iter().all(|lane| lane.works()).then_some(());
    wait_until("its lane works", LONG, works).await;
    let hold = Hold::at("lane-before-commit", node.node());
    let client = node.client().clone();
    let start = tokio::spawn(async move { client.start::<Play>(Part::of([note("one")])).await });
    hold.reached().await;
    let silent = async || (node.client().lanes()[0].silent_for > Duration::from_millis(200)).then_some(());
    wait_until("its silence is seen", LONG, silent).await;
    node.client().nudge(SagaId::new_in(Bucket::of_key("nobody"))).await;
    let oldest = async || node.client().lanes()[0].oldest.iter().any(|(_, age)| !age.is_zero()).then_some(());
    wait_until("what waits for it is seen", LONG, oldest).await;
    hold.release();
    start.await.unwrap().unwrap();
    wait_until("its lane works again", LONG, works).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_lane_that_can_not_be_replaced_at_once_is_replaced_later(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let proxy = Proxy::before(stage.url()).await;
    let node = stage.builder_through(proxy.url(), settings(&stage)).start().await.unwrap();
    let client = node.client().clone();
    let part = Part::of([ask("flight"), Line::Note("one".into(), Twist::Block)]);
    let blocked = client.start::<Play>(part).await.unwrap();
    let stands_still = async || {
        let lanes = node.client().lanes();
        lanes.iter().any(|lane| lane.silent_for > Duration::from_millis(500)).then_some(())
    };
    wait_until("its lane stands still", LONG, stands_still).await;
    proxy.set(&Whom::Named("usher lane"), Flow::Cut);
    wait_until("it is given up", LONG, async || is_without(&node)).await;
    stage.pass(Duration::from_secs(1)).await;
    assert!(is_without(&node).is_some(), "no lane can take its place yet");
    proxy.open();
    assert!(matches!(blocked.result(LONG).await.unwrap(), Ended::Stuck(StuckCause::Hung { .. })));
    let other = node.client().start::<Play>(Part::of([note("other"), ask("car")])).await.unwrap();
    assert!(matches!(other.result(LONG).await.unwrap(), Ended::Completed(_)));
    stage.verify().await;
    node.drain().await;
}

/// Its lane is given up, and none has taken its place.
fn is_without(node: &Engine) -> Option<()> {
    node.client().lanes().iter().all(|lane| !lane.connected && !lane.works()).then_some(())
}
