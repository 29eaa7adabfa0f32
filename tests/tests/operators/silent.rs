//! Sagas that nobody moves, though none of them is stuck: leases without work behind them, and sagas that are due and
//! passed over.

use super::{LONG, act, line, refused};
use operator::{Action, Filter, Operator, Trouble};
use orchestrator::{BatchScope, Ended};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Act, Gate, Line, Part, Play, Stage, ask},
    support::wait_until,
};

/// The subjects that break the invariant of this name.
async fn broken(stage: &Stage, name: &str) -> Vec<String> {
    let invariant = service::verify::INVARIANTS.iter().find(|invariant| invariant.name == name).unwrap();
    let mut connection = stage.pool.acquire().await.unwrap();
    let found = service::verify::check(&mut connection, invariant).await.unwrap();
    found.listed.into_iter().map(|violation| violation.subject).collect()
}

async fn nodes(stage: &Stage) -> Vec<String> {
    sqlx::query_scalar("select name from usher.nodes order by name").fetch_all(&stage.pool).await.unwrap()
}

#[rstest]
#[tokio::test]
async fn a_lease_with_nothing_behind_it_is_seen_and_taken_away_and_what_its_holder_brings_counts_no_more(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |asked| if asked.attempt == 1 { Act::Hold(held.clone()) } else { Act::Go });
    let play = node.client().start::<Play>(Part::of([ask("flight")])).await.unwrap();
    wait_until("the call is out", LONG, async || {
        (stage.count_requests(play.id(), "flight", false).await == 1).then_some(())
    })
    .await;
    let why = refused(node.client(), play.id(), "release_lease").await;
    assert_eq!(why.as_deref(), Some("a call is out, but not for longer than a call may be"));
    assert!(broken(&stage, "saga_lease_silent").await.is_empty());

    // As if nobody had written it for an hour; its node renews all the while.
    let long_ago = "update usher.sagas set updated_at = now() - interval '1 hour'";
    sqlx::query(long_ago).execute(&stage.pool).await.unwrap();
    assert_eq!(broken(&stage, "saga_lease_silent").await, [play.id().to_string()]);
    let filter = Filter { trouble: Some(Trouble::Silent), ..Filter::default() };
    let listed = Operator::of(node.client()).list(&filter, None, 10).await.unwrap();
    let [one] = &listed[..] else { panic!("one is silent: {listed:?}") };
    assert_eq!((one.id, one.trouble), (play.id(), Some(Trouble::Silent)));
    assert!(line(&node, play.id()).await.ends_with("longer than any call may be"), "{}", one.line);
    let groups = Operator::of(node.client()).groups(&filter).await.unwrap();
    assert_eq!(groups.iter().map(|group| group.suggested.name()).collect::<Vec<_>>(), ["release_lease"]);

    act(&node, play.id(), Action::ReleaseLease).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into()]));
    assert_eq!(stage.count_requests(play.id(), "flight", false).await, 2, "made again, under its key");
    gate.open();
    node.drain().await;
    assert_eq!(stage.kept(play.id()).await.bookings, ["flight"]);
    assert_eq!(stage.audited(play.id(), "release_lease").await, 1);
    stage.verify().await;
}

#[tokio::test]
async fn what_is_due_and_passed_over_is_seen_while_a_node_that_knows_it_is_ready() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let name = node.node().to_owned();
    wait_until("the node has said that it is there", LONG, async || {
        (nodes(&stage).await == [name.clone()]).then_some(())
    })
    .await;
    node.drain().await;
    assert!(nodes(&stage).await.is_empty(), "it has said farewell");

    let passed_over = "update usher.sagas set due_at = now() - interval '1 minute', updated_at = now() - interval '1 minute'";
    sqlx::query(passed_over).execute(&stage.pool).await.unwrap();
    assert!(broken(&stage, "saga_passed_over").await.is_empty(), "nobody is there to take it");
    let there = |version: i32| {
        sqlx::query(
            "insert into usher.nodes (id, bucket, name, started_at, seen_at, lease_ms, call_max_ms, workflows, versions)
             values (gen_random_uuid(), 1, 'deaf', now() - interval '1 hour', now(), 2000, 1000, '{play}', array[$1])",
        )
        .bind(version)
    };
    there(99).execute(&stage.pool).await.unwrap();
    assert!(broken(&stage, "saga_passed_over").await.is_empty(), "the one who is there does not know it");
    there(1).execute(&stage.pool).await.unwrap();
    assert_eq!(broken(&stage, "saga_passed_over").await, [play.id().to_string()]);

    let node = stage.node("node").await;
    let untouched = async || broken(&stage, "saga_passed_over").await.is_empty().then_some(());
    wait_until("it is taken", Duration::from_secs(20), untouched).await;
    node.drain().await;
}
