//! A preview changes nothing, and an action is refused if its preview doesn't hold any more.

use super::{ada, kinds};
use operator::{Action, By, Expected, Operator, OperatorError};
use tests::play::{Cue, Line, Part, Play, Stage, note};

#[tokio::test]
async fn a_preview_leaves_nothing_and_shows_the_rows_that_would_change() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([note("one"), Line::Wait(60_000)])).await.unwrap();
    let before = stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let plan = Operator::of(node.client()).plan(play.id(), Action::Cancel, ada()).await.unwrap();
    assert_eq!(kinds(&plan), ["operator", "turned_back", "undo_ended"]);
    let notes = plan.touched.iter().find(|touched| touched.table == "play.notes").unwrap();
    assert_eq!((notes.inserted, notes.updated, notes.deleted), (0, 1, 0));
    assert_eq!(stage.row(play.id()).await.unwrap(), before);
    assert_eq!(stage.kept(play.id()).await.notes, ["one"]);
    assert_eq!(stage.audited(play.id(), "cancel").await, 0);
    node.drain().await;
}

#[tokio::test]
async fn a_preview_of_a_saga_that_moved_since_is_refused() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([Line::Wait(60_000), note("two"), Line::Wait(60_000)]);
    let play = node.client().start::<Play>(part).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let operator = Operator::of(node.client());
    let plan = operator.plan(play.id(), Action::Cancel, ada()).await.unwrap();
    node.client().signal(play.id(), "prompter", &Cue("now".into())).await.unwrap();
    stage.until("it waits again", play.id(), |row| row.journal_len == 5).await;
    let expected = Expected { etag: plan.etag, plan_hash: Some(plan.hash) };
    let refused = operator.execute(play.id(), Action::Cancel, ada(), expected).await;
    assert!(matches!(refused, Err(OperatorError::Changed { .. })), "{refused:?}");
    let now = operator.see(play.id()).await.unwrap();
    let other = Expected { etag: now.etag, plan_hash: Some("of another plan".into()) };
    let refused = operator.execute(play.id(), Action::Cancel, ada(), other).await;
    assert!(matches!(refused, Err(OperatorError::PlanChanged(_))), "{refused:?}");
    assert_eq!(stage.audited(play.id(), "cancel").await, 0);
    node.drain().await;
}

#[tokio::test]
async fn of_two_operators_and_of_a_double_click_one_wins() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([note("one"), Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let operator = Operator::of(node.client());
    let expected = Expected { etag: operator.see(play.id()).await.unwrap().etag, plan_hash: None };
    let cancel = || operator.execute(play.id(), Action::Cancel, ada(), expected.clone());
    let (one, other) = tokio::join!(cancel(), cancel());
    let refusals = [one, other].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(&refusals[..], [OperatorError::Changed { .. }]), "{refusals:?}");
    assert_eq!(stage.audited(play.id(), "cancel").await, 1);
    stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn nobody_acts_without_a_name_or_a_reason() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    for by in [By { reason: " ".into(), ..ada() }, By { actor: String::new(), ..ada() }] {
        let refused = Operator::of(node.client()).plan(play.id(), Action::Pause, by).await;
        assert!(matches!(refused, Err(OperatorError::Anonymous)), "{refused:?}");
    }
    node.drain().await;
}
