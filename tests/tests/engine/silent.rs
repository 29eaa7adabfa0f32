//! A lane that gives no sign of life is replaced, wherever it stopped; what it had goes on.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Settings, StuckCause};
use rstest::rstest;
use std::time::{Duration, Instant};
use tests::play::{Line, Part, Play, Stage, Twist, ask, note};

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
