//! Rows and tables that a stranger holds for longer than a lease: who needs them waits, the others don't, and
//! afterwards everything moves by itself.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Engine, Handle, SagaId, Settings};
use rstest::rstest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tests::{
    play::{Act, Gate, Part, Play, Stage, ask, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(20);
const LEASE: Duration = Duration::from_millis(500);

async fn node(stage: &Stage) -> Engine {
    stage.start(Settings { lease: LEASE, ..stage.settings("node") }).await
}

/// Starts so many plays, each with a call out that ends when the gate opens.
async fn called(stage: &Stage, node: &Engine, many: usize) -> (Vec<Handle<Play>>, Gate) {
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |asked| if asked.what == "flight" { Act::Hold(held.clone()) } else { Act::Go });
    let starts = (0..many).map(|_| async {
        node.client().start::<Play>(Part::of([ask("flight"), note("end")])).await.unwrap()
    });
    let plays = join_all(starts).await;
    let out = "select count(*) from desk.bookings";
    wait_until("all calls are out", LONG, async || {
        let out: i64 = sqlx::query_scalar(out).fetch_one(&stage.pool).await.unwrap();
        (out == many as i64).then_some(())
    })
    .await;
    (plays, gate)
}

async fn assert_ends_well(stage: &Stage, plays: &[Handle<Play>]) {
    for play in plays {
        let ended = play.result(LONG).await.unwrap();
        assert_eq!(ended, Ended::Completed(vec!["flight".into()]), "{:?}", stage.row(play.id()).await);
        assert_eq!(stage.count_requests(play.id(), "flight", false).await, 1, "its call was made once");
    }
    let leased = "select count(*) from usher.sagas where leased or claims > 0";
    let leased: i64 = sqlx::query_scalar(leased).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(leased, 0);
    stage.verify().await;
}

#[rstest]
#[tokio::test]
async fn a_row_held_past_its_lease_while_the_call_comes_home_delays_its_saga_alone(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = node(&stage).await;
    let (plays, gate) = called(&stage, &node, 1).await;
    let held = stage.hold_row(plays[0].id()).await;
    gate.open();
    stage.pass(LEASE * 3).await;
    let other = node.client().start::<Play>(Part::of([ask("hotel")])).await.unwrap();
    assert!(
        matches!(other.result(LONG).await.unwrap(), Ended::Completed(_)),
        "who doesn't need the row goes on"
    );
    held.release().await;
    assert_ends_well(&stage, &plays).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn one_locked_row_keeps_no_other_lease_from_being_renewed(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = node(&stage).await;
    let (mut plays, gate) = called(&stage, &node, 20).await;
    let held = stage.hold_row(plays[7].id()).await;
    stage.pass(LEASE * 4).await;
    held.release().await;
    gate.open();
    let held = plays.remove(7);
    assert_ends_well(&stage, &plays).await;
    assert!(matches!(held.result(LONG).await.unwrap(), Ended::Completed(_)));
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_table_locked_for_three_leases_leaves_nobody_behind(
    #[values("usher.sagas", "usher.journal")] table: &str,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = node(&stage).await;
    let (plays, gate) = called(&stage, &node, 20).await;
    let held = stage.hold(&format!("lock table {table} in exclusive mode")).await;
    gate.open();
    stage.pass(LEASE * 3).await;
    held.release().await;
    for play in &plays {
        assert!(
            matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)),
            "{:?}",
            stage.row(play.id()).await
        );
    }
    stage.verify().await;
    node.drain().await;
}

/// Rounds of this node's lanes from now on.
fn rounds(node: &Engine) -> Arc<AtomicUsize> {
    let rounds = Arc::new(AtomicUsize::new(0));
    let counted = rounds.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    fail::cfg_callback(format!("lane-gathered@{}", node.node()), count).unwrap();
    rounds
}

#[rstest]
#[tokio::test]
async fn a_result_that_waits_for_a_locked_row_does_not_spin(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    // The lease outlives the test, so that only the call's result needs the row.
    let node = stage.start(Settings { lease: LONG * 10, ..stage.settings("node") }).await;
    let (plays, gate) = called(&stage, &node, 1).await;
    let held = stage.hold_row(plays[0].id()).await;
    let rounds = rounds(&node);
    gate.open();
    stage.pass(Duration::from_secs(1)).await;
    let spun = rounds.load(Ordering::SeqCst);
    assert!((1..=50).contains(&spun), "{spun} rounds for one locked row in a second");
    held.release().await;
    assert_ends_well(&stage, &plays).await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_node_that_leaves_while_a_row_is_held_leaves_the_saga_to_others(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let leaving = node(&stage).await;
    let (plays, gate) = called(&stage, &leaving, 1).await;
    let id: SagaId = plays[0].id();
    let held = stage.hold_row(id).await;
    gate.open();
    drop(plays);
    leaving.drain().await;
    held.release().await;
    let other = node(&stage).await;
    let ended = other.client().handle::<Play>(id).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into()]));
    stage.verify().await;
    other.drain().await;
}
