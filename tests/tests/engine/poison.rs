//! Poison: a saga that can't go on is stuck alone, says why, and leaves an audit row.

use orchestrator::{Ended, Failure, Saga, SagaId, Settings, StuckCause, Workflow};
use rstest::rstest;
use std::time::Duration;
use tests::play::{Act, Line, Note, Part, Play, Stage, Twist, ask, decide, note};

const LONG: Duration = Duration::from_secs(20);

/// What a poisoned play must leave behind, and what its node must still do.
async fn assert_stuck_alone(stage: &Stage, engine: &orchestrator::Engine, saga: SagaId) {
    assert_eq!(stage.audited(saga, "stuck").await, 1);
    let row = stage.row(saga).await.unwrap();
    assert_eq!(row.due_at, None, "only a person can help: {row:?}");
    let healthy = engine.client().start::<Play>(Part::of([note("here")])).await.unwrap();
    assert_eq!(healthy.result(LONG).await.unwrap(), Ended::Completed(vec![]), "the lane goes on");
    stage.verify().await;
}

#[rstest]
#[case::the_workflow_panics(vec![note("before"), Line::Panic("oh no".into())], "panicked")]
#[case::a_step_panics(vec![note("before"), Line::Note("oh no".into(), Twist::Panic)], "panicked")]
#[case::it_awaits_what_is_not_ours(vec![note("before"), Line::AwaitForeign], "foreign_wait")]
#[case::it_abandons_a_request(vec![note("before"), Line::Abandon, note("after")], "abandoned")]
#[case::a_note_is_too_large(vec![note("before"), Line::Note("big".into(), Twist::Oversize)], "oversize")]
#[case::it_never_ends(vec![Line::Loop], "oversize")]
#[case::it_gives_up_after_the_pivot(vec![decide("done"), Line::Fail("no".into())], "refused_after_pivot")]
#[case::a_step_refuses_after_the_pivot(
    vec![decide("done"), Line::Note("no".into(), Twist::Refuse)],
    "refused_after_pivot"
)]
#[tokio::test]
async fn it_is_stuck_alone_and_says_why(#[case] lines: Vec<Line>, #[case] cause: &str) {
    let stage = Stage::set().await;
    let settings = Settings { journal_entries_max: 300, ..stage.settings("node") };
    let engine = stage.start(settings).await;
    let play = engine.client().start::<Play>(Part::of(lines.clone())).await.unwrap();
    let Ended::Stuck(why) = play.result(LONG).await.unwrap() else { panic!("{lines:?} is not stuck") };
    let named = serde_json::to_value(&why).unwrap();
    let named = named
        .as_object()
        .map_or_else(|| named.as_str().unwrap().to_owned(), |object| object.keys().next().unwrap().clone());
    assert_eq!(named, cause, "{why:?}");
    match lines[..] {
        [Line::Loop] => {}
        [Line::Decide(..), ..] => assert_eq!(stage.kept(play.id()).await.notes, ["done"]),
        _ => assert_eq!(stage.kept(play.id()).await.notes, ["before"], "what it did before stays"),
    }
    assert_stuck_alone(&stage, &engine, play.id()).await;
    engine.drain().await;
}

#[rstest]
#[case::a_lie(Act::Lie, "contradicted")]
#[case::a_panic(Act::Panic, "panicked")]
#[tokio::test]
async fn a_call_that_lies_or_panics_makes_its_saga_stuck(#[case] act: Act, #[case] cause: &str) {
    let stage = Stage::set().await;
    let engine = stage.node("node").await;
    stage.script.set(move |_| act.clone());
    let play = engine.client().start::<Play>(Part::of([note("before"), ask("room")])).await.unwrap();
    let Ended::Stuck(why) = play.result(LONG).await.unwrap() else { panic!("it is not stuck") };
    assert!(serde_json::to_string(&why).unwrap().starts_with(&format!("{{\"{cause}\"")), "{why:?}");
    assert_stuck_alone(&stage, &engine, play.id()).await;
    engine.drain().await;
}

#[tokio::test]
async fn an_input_that_is_too_large_has_no_effect() {
    let stage = Stage::set().await;
    let engine = stage.start(Settings { entry_bytes_max: 10_000, ..stage.settings("node") }).await;
    let big = "x".repeat(20_000);
    let play = engine.client().start::<Play>(Part::of([note("before"), note(&big)])).await.unwrap();
    assert!(matches!(play.result(LONG).await.unwrap(), Ended::Stuck(StuckCause::Oversize { .. })));
    assert_eq!(stage.kept(play.id()).await.notes, ["before"]);
    assert_stuck_alone(&stage, &engine, play.id()).await;
    engine.drain().await;
}

#[tokio::test]
async fn a_journal_of_too_many_bytes_is_stopped_before_anybody_has_to_read_it() {
    const BOUND: u64 = 40_000;
    let stage = Stage::set().await;
    let engine = stage.start(Settings { journal_bytes_max: BOUND as usize, ..stage.settings("node") }).await;
    let lines: Vec<Line> = (0..200).map(|_| note(&"x".repeat(1000))).collect();
    let play = engine.client().start::<Play>(Part::of(lines)).await.unwrap();
    let Ended::Stuck(StuckCause::Oversize { what, size, bound }) = play.result(LONG).await.unwrap() else {
        panic!("it is not stuck")
    };
    assert_eq!((what.as_str(), bound), ("journal in bytes", BOUND));
    let bytes = "select s.journal_bytes, (select sum(octet_length(j.entries::text))::bigint
            from usher.journal j where j.saga_id = s.id and j.bucket = s.bucket)
        from usher.sagas s where s.id = $1";
    let (told, counted): (i64, i64) =
        sqlx::query_as(bytes).bind(play.id().uuid()).fetch_one(&stage.pool).await.unwrap();
    assert_eq!((told, size), (counted, counted as u64), "the row says how long its journal is");
    assert_stuck_alone(&stage, &engine, play.id()).await;
    engine.drain().await;
}

/// The first code of a workflow that somebody then changes without raising its version.
struct Before;
/// The same, changed.
struct After;

impl Workflow for Before {
    const NAME: &'static str = "changed";
    type Steps = (Note,);
    type Input = ();
    type Output = ();

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<(), Failure> {
        saga.step(Note { text: "one".into(), twist: Twist::None }).await?;
        saga.signal::<tests::play::Cue>().within(Duration::from_secs(60)).await?;
        Ok(())
    }
}

impl Workflow for After {
    const NAME: &'static str = "changed";
    type Steps = (Note,);
    type Input = ();
    type Output = ();

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<(), Failure> {
        let _ = saga.now().await;
        saga.step(Note { text: "one".into(), twist: Twist::None }).await?;
        Ok(())
    }
}

#[tokio::test]
async fn changed_code_stops_at_the_first_entry_that_it_does_not_ask_for() {
    let stage = Stage::set().await;
    let old = stage.builder(stage.settings("old")).workflow::<Before>().start().await.unwrap();
    let play = old.client().start::<Before>(()).await.unwrap();
    let id = play.id();
    assert_eq!(stage.row(id).await.unwrap().state, "waiting");
    drop(play);
    old.drain().await;

    let new = stage.builder(stage.settings("new")).workflow::<After>().start().await.unwrap();
    new.client().signal(id, "cue", &tests::play::Cue("go".into())).await.unwrap();
    let (journal, code) = ("step `note`".into(), "now".into());
    let diff = StuckCause::Diverged { ask: 0, journal, code, difference: None };
    assert_eq!(stage.stuck(id).await, diff);
    assert_eq!(stage.kept(id).await.notes, ["one"], "nothing is undone, nothing is done");
    assert_stuck_alone(&stage, &new, id).await;
    new.drain().await;
}

#[tokio::test]
async fn a_saga_runs_only_where_its_workflow_and_version_are_known() {
    let stage = Stage::set().await;
    let ignorant = stage.node("ignorant").await;
    let knowing = stage.builder(stage.settings("knowing")).workflow::<Before>().start().await.unwrap();
    let play = knowing.client().start::<Before>(()).await.unwrap();
    let id = play.id();
    drop(play);
    knowing.drain().await;
    ignorant.client().signal(id, "cue", &tests::play::Cue("go".into())).await.unwrap();
    // Time for many sweeps: another saga comes and goes.
    let other = ignorant.client().start::<Play>(Part::of([Line::Wait(200)])).await.unwrap();
    assert!(matches!(other.result(LONG).await.unwrap(), Ended::Unwound(_)));
    assert_eq!(stage.row(id).await.unwrap().state, "waiting", "nobody who doesn't know it touches it");

    let knowing = stage.builder(stage.settings("knowing")).workflow::<Before>().start().await.unwrap();
    let ended = knowing.client().handle::<Before>(id).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(()));
    knowing.drain().await;
    ignorant.drain().await;
}
