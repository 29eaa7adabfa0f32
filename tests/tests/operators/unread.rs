//! Sagas that this binary can't run, or whose journal it can't read: still listed, still explained, still to be acted on.

use super::{LONG, ada, refused};
use operator::{Action, Expected, Filter, Operator, Trouble};
use orchestrator::{Client, Ended, Failure, Saga, SagaId, State, Workflow};
use std::time::Duration;
use tests::play::{Cue, Kept, Line, Note, Part, Play, Stage, Twist, note};

/// What only some nodes know.
struct Newer;

impl Workflow for Newer {
    const NAME: &'static str = "newer";
    const VERSION: u32 = 3;
    type Steps = (Note,);
    type Input = ();
    type Output = ();

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<(), Failure> {
        saga.step(Note { text: "one".into(), twist: Twist::None }).await?;
        saga.signal::<Cue>().within(Duration::from_secs(60)).await?;
        Ok(())
    }
}

/// Its only line in a list of what is overdue.
async fn overdue(client: &Client) -> (SagaId, String) {
    let filter = Filter { trouble: Some(Trouble::Overdue), ..Filter::default() };
    let listed = Operator::of(client).list(&filter, None, 10).await.unwrap();
    let [one] = &listed[..] else { panic!("one is overdue: {listed:?}") };
    assert_eq!(one.trouble, Some(Trouble::Overdue));
    (one.id, one.line.clone())
}

#[tokio::test]
async fn a_version_that_no_node_knows_is_said_to_be_so_only_when_all_have_passed_it_over() {
    let stage = Stage::set().await;
    let builder = |name: &str| stage.builder(stage.settings(name)).workflow::<Newer>();
    let knowing = builder("knowing").start().await.unwrap();
    let saga = knowing.client().start::<Newer>(()).await.unwrap().id();
    stage.until("it waits", saga, |row| row.state == "waiting").await;
    knowing.drain().await;
    let ignorant = stage.node("ignorant").await;
    ignorant.client().signal(saga, "prompter", &Cue("go".into())).await.unwrap();
    let seen = Operator::of(ignorant.client()).see(saga).await.unwrap();
    assert_eq!(seen.why.line(seen.now), "due now", "somebody may know it");
    // As if a minute and a half had passed.
    let long_ago = "update usher.sagas set due_at = now() - interval '90 seconds' where due_at <= now()";
    sqlx::query(long_ago).execute(&stage.pool).await.unwrap();
    assert_eq!(overdue(ignorant.client()).await, (saga, "no node knows version 3".to_owned()));
    // A client that knows the version can't say why no node takes the saga.
    let without_lanes = builder("without lanes").client().await.unwrap();
    assert_eq!(overdue(&without_lanes).await, (saga, "due for 1 min, and no node takes it".to_owned()));

    let why = refused(ignorant.client(), saga, "cancel").await;
    assert_eq!(why.as_deref(), Some("this binary does not know version 3 of `newer`"));
    let plan = Operator::of(ignorant.client()).plan(saga, Action::RetryNow, ada()).await.unwrap();
    assert_eq!((plan.state, plan.entries.len()), (State::Waiting, 0), "it is not run here");

    let knowing = builder("knowing").start().await.unwrap();
    let ended = knowing.client().handle::<Newer>(saga).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(()));
    knowing.drain().await;
    ignorant.drain().await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_has_a_row_a_line_and_a_way_on() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    let play = node.client().start::<Play>(Part::of([note("one"), Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    node.drain().await;
    // No binary, not even a newer one, writes such a journal: what only a newer one knows would be left to that.
    sqlx::query("create table kept as select * from usher.journal").execute(&stage.pool).await.unwrap();
    let broken = "update usher.journal set entries = '[{\"begun\": {}}]'::json";
    sqlx::query(broken).execute(&stage.pool).await.unwrap();
    let seen = operator.see(play.id()).await.unwrap();
    assert_eq!(seen.why.to_string(), "this binary can't read its journal");
    assert_eq!(seen.entries.len(), 1);
    assert!(seen.unreadable.is_some_and(|error| error.contains("missing field `workflow`")));

    let node = stage.node("node").await;
    let operator = Operator::of(node.client());
    node.client().signal(play.id(), "prompter", &Cue("go".into())).await.unwrap();
    stage.stuck(play.id()).await;
    let listed =
        operator.list(&Filter { status: Some(State::Stuck), ..Filter::default() }, None, 10).await.unwrap();
    let [one] = &listed[..] else { panic!("one is stuck: {listed:?}") };
    assert!(one.line.starts_with("the journal can't be read: missing field `workflow`"), "{}", one.line);
    let open: Vec<_> = operator.see(play.id()).await.unwrap().allowed;
    let open: Vec<_> = open.iter().filter(|one| one.refused.is_none()).map(|one| one.action.name()).collect();
    assert_eq!(open, ["retry_now", "pause"]);
    let why = refused(node.client(), play.id(), "cancel").await;
    assert_eq!(why.as_deref(), Some("this binary can't read its journal"));

    // A binary that can read it is deployed.
    let back = "update usher.journal j set entries = kept.entries from kept
        where kept.saga_id = j.saga_id and kept.position = j.position";
    sqlx::query(back).execute(&stage.pool).await.unwrap();
    let seen = operator.see(play.id()).await.unwrap();
    let expected = || Expected { etag: seen.etag.clone(), plan_hash: None };
    operator.execute(play.id(), Action::RetryNow, ada(), expected()).await.unwrap();
    let again = operator.execute(play.id(), Action::RetryNow, ada(), expected()).await;
    assert!(again.is_err(), "a double click is refused");
    let ended = node.client().handle::<Play>(play.id()).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["go".into()]));
    assert_eq!(stage.kept(play.id()).await, Kept { notes: vec!["one".into()], bookings: vec![] });
    assert_eq!(stage.audited(play.id(), "retry_now").await, 1);
    node.drain().await;
}
