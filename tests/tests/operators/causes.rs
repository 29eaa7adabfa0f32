//! Every cause for being stuck: produced for real, shown with its line, and repaired by the action that fits.

use super::{LONG, act, json, line_now, refused, worker::Worker};
use operator::{Action, Filter, Operator};
use orchestrator::{
    Bucket, Client, Ended, Engine, Failure, Handle, Saga, SagaId, Settings, State, StuckCause, Workflow,
};
use rstest::rstest;
use serde::{Deserialize, Serialize};
use std::{sync::Barrier, time::Duration};
use tests::play::{Act, Cue, Kept, Line, Note, Part, Play, Stage, Twist, ask, decide, note};

/// What is wrong with the code that is deployed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Fault {
    Panics,
    AwaitsForeign,
    Abandons,
    Hangs,
    AsksForElse,
}

/// A workflow with a fault in its code.
struct Broken;
/// The same name and version, mended.
struct Mended;
/// The same, and its author has changed what it is started with.
struct Retyped;

fn line(text: &str) -> Note {
    Note { text: text.into(), twist: Twist::None }
}

impl Workflow for Broken {
    const NAME: &'static str = "deployed";
    type Steps = (Note,);
    type Input = Fault;
    type Output = ();

    async fn run(mut saga: Saga<Self>, fault: Fault) -> Result<(), Failure> {
        if fault != Fault::AsksForElse {
            saga.step(line("before")).await?;
        }
        match fault {
            Fault::Panics => panic!("oh no"),
            Fault::AwaitsForeign => std::future::pending().await,
            Fault::Abandons => {
                let within = saga.signal::<Cue>().within(Duration::from_secs(60));
                let _ = futures_util::FutureExt::now_or_never(within);
                saga.step(line("after")).await?;
            }
            Fault::Hangs => {
                Barrier::new(2).wait();
            }
            Fault::AsksForElse => {
                saga.signal::<Cue>().within(Duration::from_secs(60)).await?;
            }
        }
        Ok(())
    }
}

impl Workflow for Mended {
    const NAME: &'static str = "deployed";
    type Steps = (Note,);
    type Input = Fault;
    type Output = ();

    async fn run(mut saga: Saga<Self>, _: Fault) -> Result<(), Failure> {
        saga.step(line("before")).await?;
        saga.step(line("after")).await?;
        Ok(())
    }
}

impl Workflow for Retyped {
    const NAME: &'static str = "deployed";
    type Steps = (Note,);
    type Input = u64;
    type Output = ();

    async fn run(_: Saga<Self>, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

async fn broken(stage: &Stage) -> Engine {
    let settings = Settings { poll_max: Duration::from_secs(3), ..stage.settings("broken") };
    stage.builder(settings).workflow::<Broken>().start().await.unwrap()
}

async fn mended(stage: &Stage) -> Engine {
    stage.builder(stage.settings("mended")).workflow::<Mended>().start().await.unwrap()
}

/// The cause of the saga's group, and the action that is suggested for it.
async fn group(client: &Client, saga: SagaId) -> (String, &'static str) {
    let operator = Operator::of(client);
    let filter = Filter { ids: vec![saga], ..Filter::default() };
    let groups = operator.groups(&filter).await.unwrap();
    let [group] = &groups[..] else { panic!("one group: {groups:?}") };
    let listed = operator.list(&filter, None, 1).await.unwrap();
    assert_eq!(listed[0].fingerprint.as_deref(), Some(group.fingerprint.as_str()));
    (group.cause.clone(), group.suggested.name())
}

#[rstest]
#[case::panics(
    Fault::Panics,
    "workflow deployed panicked: oh no",
    "deployed v1: panicked in workflow `deployed`"
)]
#[case::awaits_foreign(
    Fault::AwaitsForeign,
    "workflow waits for something that will never wake it",
    "deployed v1: waits for something foreign"
)]
#[case::abandons(
    Fault::Abandons,
    "workflow went on to step note without the answer to its request 1",
    "deployed v1: abandoned a request for step `note`"
)]
#[case::hangs(
    Fault::Hangs,
    "a poll of the workflow took longer than 3000 ms",
    "deployed v1: a poll takes too long"
)]
#[tokio::test]
async fn a_fault_in_the_workflow_is_mended_by_a_deployment_and_a_retry_or_turned_back(
    #[case] fault: Fault,
    #[case] words: &str,
    #[case] cause: &str,
) {
    let stage = Stage::set().await;
    let node = broken(&stage).await;
    let [mends, goes_back] = [start(&stage, fault).await, start(&stage, fault).await];
    for saga in [mends, goes_back] {
        stage.stuck(saga).await;
        assert_eq!(line_now(&node, saga).await, words);
    }
    let suggested = group(node.client(), mends).await;
    assert_eq!(suggested, (cause.to_owned(), "retry_now"));
    act(&node, goes_back, Action::Cancel).await.unwrap();
    stage.until("it is unwound", goes_back, |row| row.state == "unwound").await;
    assert_eq!(stage.kept(goes_back).await, Kept::default());
    node.drain().await;

    let node = mended(&stage).await;
    act(&node, mends, Action::RetryNow).await.unwrap();
    let ended = node.client().handle::<Mended>(mends).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(()));
    assert_eq!(stage.kept(mends).await.notes, ["before", "after"]);
    stage.verify().await;
    node.drain().await;
}

/// Starts a saga by a row in a commit of its own, because its first batch, and the lane with it, may fail.
async fn start(stage: &Stage, fault: Fault) -> SagaId {
    let id = SagaId::new_in(Bucket::of_key("deployed"));
    let mut connection = stage.pool.acquire().await.unwrap();
    assert!(Client::start_in::<Broken>(&mut connection, &fault, id).await.unwrap());
    id
}

#[tokio::test]
async fn a_journal_that_does_not_match_is_retried_under_the_code_that_wrote_it() {
    let stage = Stage::set().await;
    let old = broken(&stage).await;
    let saga = old.client().start::<Broken>(Fault::AsksForElse).await.unwrap().id();
    stage.until("it waits", saga, |row| row.state == "waiting").await;
    old.drain().await;
    let new = mended(&stage).await;
    new.client().signal(saga, "prompter", &Cue("go".into())).await.unwrap();
    assert!(matches!(stage.stuck(saga).await, StuckCause::Diverged { .. }));
    let words = "journal does not match: expected signal cue at 0, workflow asks note";
    assert_eq!(line_now(&new, saga).await, words);
    let (cause, suggested) = group(new.client(), saga).await;
    assert_eq!(cause, "deployed v1: journal has signal `cue`, code wants step `note`");
    assert_eq!(suggested, "retry_now");
    new.drain().await;
    let old = broken(&stage).await;
    act(&old, saga, Action::RetryNow).await.unwrap();
    assert_eq!(old.client().handle::<Broken>(saga).result(LONG).await.unwrap(), Ended::Completed(()));
    old.drain().await;
}

#[tokio::test]
async fn an_input_of_another_type_is_read_by_the_binary_that_wrote_it() {
    let stage = Stage::set().await;
    let old = broken(&stage).await;
    let saga = old.client().start::<Broken>(Fault::AsksForElse).await.unwrap().id();
    stage.until("it waits", saga, |row| row.state == "waiting").await;
    old.drain().await;
    let new = stage.builder(stage.settings("new")).workflow::<Retyped>().start().await.unwrap();
    new.client().signal(saga, "prompter", &Cue("go".into())).await.unwrap();
    assert!(matches!(stage.stuck(saga).await, StuckCause::Undecodable { .. }));
    let line = line_now(&new, saga).await;
    assert!(line.starts_with("input of workflow deployed can't be read: invalid type: string"), "{line}");
    assert_eq!(group(new.client(), saga).await.0, "deployed v1: can't be read: input of workflow `deployed`");
    new.drain().await;
    let old = broken(&stage).await;
    act(&old, saga, Action::RetryNow).await.unwrap();
    assert_eq!(old.client().handle::<Broken>(saga).result(LONG).await.unwrap(), Ended::Completed(()));
    old.drain().await;
}

#[rstest]
#[case::an_output(vec![note("one"), Line::Note("big".into(), Twist::Oversize)], "output of step note is too large: ")]
#[case::the_journal(vec![note("one"), Line::Loop], "journal is too large: ")]
#[tokio::test]
async fn what_is_too_large_is_turned_back(#[case] lines: Vec<Line>, #[case] words: &str) {
    let stage = Stage::set().await;
    let node = stage.start(Settings { journal_entries_max: 100, ..stage.settings("node") }).await;
    let play = node.client().start::<Play>(Part::of(lines)).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::Oversize { .. }));
    let line = line_now(&node, play.id()).await;
    assert!(line.starts_with(words), "{line}");
    assert_eq!(group(node.client(), play.id()).await.1, "compensate");
    act(&node, play.id(), Action::Compensate { down_to: None }).await.unwrap();
    stage.until("it is unwound", play.id(), |row| row.state == "unwound").await;
    assert_eq!(stage.kept(play.id()).await, Kept::default());
    stage.verify().await;
    node.drain().await;
}

/// A play past its pivot, whose call for a car fails with a code until it is stuck.
async fn failing_after_the_pivot(stage: &Stage, node: &Engine) -> Handle<Play> {
    stage.script.set(|_| Act::LoseWith("desk 503"));
    let play = node.client().start::<Play>(Part::of([decide("sold"), ask("car")])).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::FailedAfterPivot { .. }));
    let line = line_now(node, play.id()).await;
    assert!(line.starts_with("ask failed 3× after the pivot, desk 503, again in "), "{line}");
    let cause = "play v1: `ask` fails after the pivot, desk 503";
    assert_eq!(group(node.client(), play.id()).await, (cause.to_owned(), "retry_now"));
    stage.script.set(|_| Act::Go);
    play
}

#[rstest]
#[case::tried_again(Action::RetryNow, "car")]
#[case::asked_for(Action::Probe, "car")]
#[case::answered_by_hand(Action::SetOutput { output: json("\"by hand\"") }, "by hand")]
#[case::resolved(Action::MarkResolved { output: json("[\"resolved\"]") }, "resolved")]
#[tokio::test]
async fn a_step_that_fails_after_the_pivot_is_finished(#[case] action: Action, #[case] result: &str) {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = failing_after_the_pivot(&stage, &node).await;
    for name in ["cancel", "compensate", "rewind"] {
        let why = refused(node.client(), play.id(), name).await;
        assert_eq!(why.as_deref(), Some("the saga is decided, so nothing before its pivot can be undone"));
    }
    act(&node, play.id(), action).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec![result.into()]));
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[case::tried_again(Action::RetryNow)]
#[case::asked_for(Action::Probe)]
#[tokio::test]
async fn a_contradiction_that_the_other_side_took_back_is_asked_for_again(#[case] action: Action) {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    stage.script.set(|asked| if asked.what == "hotel" { Act::Lie } else { Act::Go });
    let play = node.client().start::<Play>(Part::of([ask("flight"), ask("hotel")])).await.unwrap();
    assert!(matches!(stage.stuck(play.id()).await, StuckCause::Contradicted { .. }));
    assert_eq!(line_now(&node, play.id()).await, "ask contradicted: hotel is a horse");
    assert_eq!(group(node.client(), play.id()).await, ("play v1: `ask` is contradicted".to_owned(), "probe"));
    stage.script.set(|_| Act::Go);
    act(&node, play.id(), action).await.unwrap();
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into(), "hotel".into()]));
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn what_kills_its_nodes_is_turned_back_without_being_run_again() {
    let stage = Stage::set().await;
    let part = Part::of([note("before"), Line::Note("deadly".into(), Twist::Abort)]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let mut connection = stage.pool.acquire().await.unwrap();
    Client::start_in::<Play>(&mut connection, &part, id).await.unwrap();
    // As if whoever should have run it had died long ago.
    let long_ago = "update usher.sagas set due_at = now() - interval '1 hour' where state = 'running'";
    sqlx::query(long_ago).execute(&mut *connection).await.unwrap();
    drop(connection);
    loop {
        let worker = Worker::on(&stage, "victim").with("LEASE_MS", 150).spawn();
        tokio::select! {
            _ = worker.ended() => {}
            _ = stage.until("it is quarantined", id, |row| row.state == "stuck") => break,
        }
    }
    let node = stage.node("node").await;
    let line = line_now(&node, id).await;
    assert!(line.starts_with("quarantined: 3 nodes in a row stopped while they had it, again in "), "{line}");
    assert_eq!(group(node.client(), id).await, ("play v1: quarantined".to_owned(), "retry_now"));
    let done = act(&node, id, Action::Cancel).await.unwrap();
    assert_eq!(done.state, State::Unwound);
    assert_eq!(stage.kept(id).await, Kept::default());
    stage.verify().await;
    node.drain().await;
}
