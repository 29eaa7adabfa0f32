//! Probing: the other side is asked what became of a call, whatever the age of its key.

use super::{LONG, act, kinds, line_now, refused};
use operator::{Action, Filter, Operator, OperatorError, Trouble};
use orchestrator::{Ended, Engine, Handle, Stake, StuckCause};
use tests::play::{ASK_MINOR, Act, Line, Part, Play, Stage, ask, decide};

/// A play past its pivot whose call for a car is in doubt.
async fn doubtful(stage: &Stage, node: &Engine, how: Act) -> Handle<Play> {
    stage.script.set(move |_| how.clone());
    let play = node.client().start::<Play>(Part::of([decide("sold"), ask("car")])).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::FailedAfterPivot { .. }));
    let in_doubt = Filter { trouble: Some(Trouble::InDoubt), ..Filter::default() };
    let listed = Operator::of(node.client()).list(&in_doubt, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.id).collect::<Vec<_>>(), [play.id()]);
    play
}

#[tokio::test]
async fn what_was_done_is_found_out_and_not_done_again() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = doubtful(&stage, &node, Act::LoseAnswer).await;
    let asked = stage.count_requests(play.id(), "car", false).await;
    stage.script.set(|_| Act::Go);
    let done = act(&node, play.id(), Action::Probe).await.unwrap();
    let [call] = &done.calls[..] else { panic!("one call: {:?}", done.calls) };
    assert!(call.probe && !call.key_expired, "{call:?}");
    assert_eq!(call.described.as_deref(), Some("book car"));
    let euros = vec![Stake::Money { minor: ASK_MINOR, currency: "EUR".into() }];
    assert_eq!((&call.stakes, &done.money, kinds(&done)), (&euros, &euros, vec!["operator".to_owned()]));
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["car".into()]));
    assert_eq!(stage.count_requests(play.id(), "probe", false).await, 1);
    assert_eq!(stage.count_requests(play.id(), "car", false).await, asked, "it is not asked for again");
    let row = Operator::of(node.client()).see(play.id()).await.unwrap().status;
    assert_eq!(
        (row.trouble, row.cause, row.stakes.len(), row.step),
        (None, None, 0, None),
        "all is well again"
    );
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn what_was_surely_not_done_is_done_now() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = doubtful(&stage, &node, Act::Lose).await;
    let asked = stage.count_requests(play.id(), "car", false).await;
    stage.script.set(|_| Act::Go);
    act(&node, play.id(), Action::Probe).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["car".into()]));
    assert_eq!(stage.count_requests(play.id(), "car", false).await, asked + 1);
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_probe_that_finds_nothing_out_is_one_attempt_and_the_saga_stays_in_doubt() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = doubtful(&stage, &node, Act::Lose).await;
    act(&node, play.id(), Action::Probe).await.unwrap();
    stage.until("it is stuck again", play.id(), |row| row.state == "stuck" && row.journal_len == 4).await;
    assert_eq!(stage.count_requests(play.id(), "probe", false).await, 1, "later attempts ask as before");
    let line = line_now(&node, play.id()).await;
    assert!(
        line.starts_with("ask failed 3× after the pivot, outcome unknown: no answer, again in "),
        "{line}"
    );
    let attempts = Operator::of(node.client()).attempts(play.id()).await.unwrap();
    assert_eq!(attempts.len(), 6);
    assert!(attempts[3].error.contains("the probe found no answer"), "{:?}", attempts[3]);
    node.drain().await;
}

#[tokio::test]
async fn a_probe_is_refused_where_no_call_is_in_doubt() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let waiting = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", waiting.id(), |row| row.state == "waiting").await;
    let tried = act(&node, waiting.id(), Action::Probe).await;
    let Err(OperatorError::NotAllowed { why, .. }) = tried else { panic!("{tried:?}") };
    assert_eq!(why, "no call is in doubt");

    stage.script.set(|asked| if asked.undo { Act::Lose } else { Act::Go });
    let part = Part::of([ask("flight"), Line::Fail("no".into())]);
    let back = node.client().start::<Play>(part).await.unwrap();
    stage.stuck(back.id()).await;
    let why = refused(node.client(), back.id(), "probe").await;
    assert_eq!(why.as_deref(), Some("it is unwinding, and the compensation finds out by itself"));
    node.drain().await;
}
