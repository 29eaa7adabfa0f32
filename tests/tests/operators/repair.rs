//! Each way of being stuck, brought to a good end.

use super::{LONG, act, json, kinds, line};
use operator::{Action, OperatorError};
use orchestrator::{Ended, Handle, Position, State, StuckCause};
use tests::play::{Act, Kept, Line, Part, Play, Stage, ask, decide, note};

fn at(position: i32) -> Position {
    serde_json::from_value(position.into()).unwrap()
}

fn kept(notes: &[&str], bookings: &[&str]) -> Kept {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Kept { notes: owned(notes), bookings: owned(bookings) }
}

/// A play with a flight, stuck because the answer for its hotel can't be true.
async fn contradicted(stage: &Stage, node: &orchestrator::Engine) -> Handle<Play> {
    stage.script.set(|asked| if asked.what == "hotel" && !asked.undo { Act::Lie } else { Act::Go });
    let part = Part::of([note("one"), ask("flight"), ask("hotel"), decide("sold")]);
    let play = node.client().start::<Play>(part).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::Contradicted { .. }));
    assert_eq!(line(node, play.id()).await, "ask contradicted: hotel is a horse");
    stage.script.set(|_| Act::Go);
    play
}

/// A play whose compensation gets no answer.
async fn owing(stage: &Stage, node: &orchestrator::Engine) -> Handle<Play> {
    stage.script.set(|asked| if asked.undo { Act::Lose } else { Act::Go });
    let part = Part::of([note("one"), ask("flight"), Line::Fail("no".into())]);
    let play = node.client().start::<Play>(part).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::Debt { .. }));
    let line = line(node, play.id()).await;
    assert!(
        line.starts_with("compensation ask of 2 failed 3×: outcome unknown: no answer, again "),
        "{line}"
    );
    stage.script.set(|_| Act::Go);
    play
}

#[tokio::test]
async fn a_debt_is_retried_at_once_when_the_world_has_recovered() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = owing(&stage, &node).await;
    let done = act(&node, play.id(), Action::RetryNow).await.unwrap();
    assert_eq!(done.state, State::Unwinding);
    let [call] = &done.calls[..] else { panic!("one call is owed: {:?}", done.calls) };
    assert_eq!((call.step.as_str(), call.undo, call.key.clone()), ("ask", true, format!("{}:2", play.id())));
    stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_debt_that_is_written_off_lets_the_saga_unwind_and_stays_in_the_journal() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = owing(&stage, &node).await;
    let done = act(&node, play.id(), Action::WriteOff).await.unwrap();
    assert_eq!(kinds(&done), ["operator", "undo_ended", "undo_ended"], "the note is ours and undone at once");
    assert_eq!((done.state, done.calls.len()), (State::Unwound, 0));
    assert_eq!(stage.kept(play.id()).await, kept(&[], &["flight"]), "what was written off stands");
    assert_eq!(stage.audited(play.id(), "write_off").await, 1);
    tests::support::verify(&stage.pool).await;
    node.drain().await;
}

#[tokio::test]
async fn an_output_set_by_hand_must_be_of_the_steps_type_and_lets_the_saga_go_on() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = contradicted(&stage, &node).await;
    let wrong = act(&node, play.id(), Action::SetOutput { output: json("42") }).await;
    let Err(OperatorError::NotAllowed { why, allowed, .. }) = wrong else { panic!("{wrong:?}") };
    assert!(why.starts_with("this is not an output of step `ask`"), "{why}");
    assert!(allowed.contains(&"set_output"));
    let skipped = act(&node, play.id(), Action::Skip).await;
    assert!(matches!(skipped, Err(OperatorError::NotAllowed { .. })), "it has an output: {skipped:?}");

    act(&node, play.id(), Action::SetOutput { output: json("\"by phone\"") }).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into(), "by phone".into()]));
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_step_without_an_output_can_be_skipped() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|_| Act::Lie);
    let part = Part::of([note("one"), Line::Touch("lamp".into()), decide("sold")]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.stuck(play.id()).await;
    act(&node, play.id(), Action::Skip).await.unwrap();
    stage.until("it is completed", play.id(), |row| row.state == "completed").await;
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_rewound_step_is_undone_and_taken_again_under_a_new_key() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = contradicted(&stage, &node).await;
    let done = act(&node, play.id(), Action::Rewind { to: at(2) }).await.unwrap();
    assert_eq!(
        done.calls.iter().map(|call| call.position).collect::<Vec<_>>(),
        [at(4), at(2)],
        "latest first"
    );
    stage.until("it is completed", play.id(), |row| row.state == "completed").await;
    assert_eq!(stage.kept(play.id()).await, kept(&["one", "sold"], &["flight", "hotel"]));
    assert_eq!(stage.count_requests(play.id(), "flight", true).await, 1);
    let keys: i64 = sqlx::query_scalar("select count(distinct key) from desk.requests where what = 'flight'")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(keys, 2);
    assert!(stage.journal(play.id()).await.contains(&"rewound_to".to_owned()));
    tests::support::verify(&stage.pool).await;
    node.drain().await;
}

#[tokio::test]
async fn compensating_down_to_a_step_pauses_there_and_a_resume_unwinds_the_rest() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = contradicted(&stage, &node).await;
    act(&node, play.id(), Action::Compensate { down_to: Some(at(4)) }).await.unwrap();
    stage.until("it stops", play.id(), |row| row.state == "unwinding" && row.due_at.is_none()).await;
    assert_eq!(stage.kept(play.id()).await, kept(&["one"], &["flight"]));
    assert_eq!(line(&node, play.id()).await, "paused by engine: compensated as far as an operator wanted");
    act(&node, play.id(), Action::Resume).await.unwrap();
    stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_refusal_after_the_pivot_is_resolved_with_a_result_of_the_workflows_type() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|_| Act::Refuse);
    let play = node.client().start::<Play>(Part::of([decide("sold"), ask("car")])).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::RefusedAfterPivot { .. }));
    let back = act(&node, play.id(), Action::Cancel).await;
    assert!(matches!(back, Err(OperatorError::NotAllowed { .. })), "it is decided: {back:?}");
    let wrong = act(&node, play.id(), Action::MarkResolved { output: json("7") }).await;
    assert!(matches!(wrong, Err(OperatorError::NotAllowed { .. })), "{wrong:?}");
    act(&node, play.id(), Action::MarkResolved { output: json("[\"by hand\"]") }).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["by hand".into()]));
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_stuck_saga_is_cancelled_and_everything_is_undone() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = contradicted(&stage, &node).await;
    act(&node, play.id(), Action::Cancel).await.unwrap();
    stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    stage.verify().await;
    node.drain().await;
}
