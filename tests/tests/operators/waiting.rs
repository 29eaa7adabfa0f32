//! Sagas that wait: paused, resumed, given more time.

use super::{LONG, act, line};
use operator::{Action, OperatorError};
use orchestrator::Ended;
use tests::play::{Act, Cue, Gate, Line, Part, Play, Stage, ask, note};

#[tokio::test]
async fn a_pause_while_a_call_is_out_takes_its_answer_in_and_begins_nothing_more() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let play = node.client().start::<Play>(Part::of([ask("flight"), note("end")])).await.unwrap();
    stage.until("a call is out", play.id(), |row| row.leased).await;
    assert!(line(&node, play.id()).await.starts_with("call `ask` is out on node-"));
    let retried = act(&node, play.id(), Action::RetryNow).await;
    assert!(matches!(retried, Err(OperatorError::NotAllowed { .. })), "a call is out: {retried:?}");
    act(&node, play.id(), Action::Pause).await.unwrap();
    gate.open();
    stage.until("its answer is in", play.id(), |row| !row.leased).await;
    assert_eq!(stage.journal(play.id()).await, ["begun", "started", "ended"]);
    assert_eq!(line(&node, play.id()).await, "paused by ada: the other side was called by phone");
    act(&node, play.id(), Action::Resume).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into()]));
    assert_eq!(stage.count_requests(play.id(), "flight", false).await, 1);
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn an_extended_wait_ends_later_and_its_letter_still_counts() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    assert!(line(&node, play.id()).await.starts_with("waiting for cue since "));
    let until = stage.now().await + chrono::Duration::hours(1);
    let too_late = stage.now().await + chrono::Duration::hours(30);
    let refused = act(&node, play.id(), Action::Extend { until: too_late }).await;
    assert!(matches!(refused, Err(OperatorError::NotAllowed { .. })), "{refused:?}");
    act(&node, play.id(), Action::Extend { until }).await.unwrap();
    let row = stage.row(play.id()).await.unwrap();
    assert!(row.due_at.unwrap() >= until, "{row:?}");
    node.client().signal(play.id(), "prompter", &Cue("now".into())).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["now".into()]));
    stage.verify().await;
    node.drain().await;
}
