//! One lane, a hundred sagas, and some of them fail: their neighbours in the batch go on.

use futures_util::{FutureExt, future::join_all};
use orchestrator::{Bucket, Cause, Ended, Engine, Handle, SagaId, StuckCause};
use rstest::rstest;
use std::{collections::HashSet, future::IntoFuture, time::Duration};
use tests::{
    play::{Line, Part, Play, SagaRow, Stage, Twist},
    support::Hold,
};

const LONG: Duration = Duration::from_secs(30);

/// Starts these plays in one batch.
async fn start_together(engine: &Engine, parts: Vec<Part>) -> Vec<Handle<Play>> {
    let hold = Hold::at("lane-gathered", engine.node());
    engine.client().nudge(SagaId::new_in(Bucket::of_key("nobody"))).await;
    hold.reached().await;
    let mut starts: Vec<_> =
        parts.into_iter().map(|part| engine.client().start::<Play>(part).into_future()).collect();
    assert!(starts.iter_mut().all(|start| start.now_or_never().is_none()), "all of them wait in the queue");
    hold.release();
    join_all(starts).await.into_iter().map(Result::unwrap).collect()
}

/// A note, and then a wait, so that each saga's row stays as its first batch wrote it.
fn play(text: &str, twist: Twist) -> Part {
    Part::of([Line::Note(text.into(), twist), Line::Wait(60_000)])
}

async fn rows(stage: &Stage, plays: &[Handle<Play>]) -> Vec<SagaRow> {
    let mut rows = Vec::new();
    for play in plays {
        rows.push(stage.row(play.id()).await.expect("it has a row"));
    }
    rows
}

#[rstest]
#[case::sql(Twist::Sql)]
#[case::panic(Twist::Panic)]
#[case::unclear(Twist::Unclear)]
#[tokio::test]
async fn one_guilty_saga_costs_its_ninety_nine_neighbours_nothing(#[case] twist: Twist) {
    let stage = Stage::set().await;
    let engine = stage.node("node").await;
    let parts = (0..100).map(|n| play("here", if n == 37 { twist } else { Twist::None }));
    let mut plays = start_together(&engine, parts.collect()).await;
    let guilty = plays.remove(37);

    let rows = rows(&stage, &plays).await;
    let tokens: HashSet<i64> = rows.iter().map(|row| row.token).collect();
    assert_eq!(tokens.len(), 1, "the ninety-nine were committed in one batch");
    assert!(
        rows.iter().all(|row| row.epoch == 1 && row.state == "waiting"),
        "and at the first try: {rows:?}"
    );
    for play in &plays {
        assert_eq!(stage.kept(play.id()).await.notes, ["here"]);
    }

    let ended = guilty.result(LONG).await.unwrap();
    match twist {
        Twist::Panic => assert!(matches!(ended, Ended::Stuck(StuckCause::Panicked { .. })), "{ended:?}"),
        _ => assert!(matches!(ended, Ended::Unwound(Cause::Failed { .. })), "{ended:?}"),
    }
    assert_eq!(stage.kept(guilty.id()).await.notes, [""; 0]);
    stage.verify().await;
    engine.drain().await;
}

#[tokio::test]
async fn more_guilty_sagas_than_savepoints_still_cost_their_neighbours_nothing() {
    let stage = Stage::set().await;
    let engine = stage.node("node").await;
    let guilty = |n: usize| !n.is_multiple_of(4);
    let parts = (0..200).map(|n| play("here", if guilty(n) { Twist::Sql } else { Twist::None }));
    let plays = start_together(&engine, parts.collect()).await;
    for (n, play) in plays.iter().enumerate() {
        if guilty(n) {
            let ended = play.result(LONG).await.unwrap();
            assert!(matches!(ended, Ended::Unwound(Cause::Failed { .. })), "{ended:?}");
        } else {
            let row = stage.row(play.id()).await.unwrap();
            assert_eq!((row.state.as_str(), row.epoch), ("waiting", 1));
            assert_eq!(stage.kept(play.id()).await.notes, ["here"]);
        }
    }
    stage.verify().await;
    engine.drain().await;
}
