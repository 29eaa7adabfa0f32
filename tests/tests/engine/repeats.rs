//! Whole batches are repeated a bounded number of times; then the saga that fails is found, and the others go on.

use futures_util::future::join_all;
use orchestrator::{BatchScope, Cause, Ended, Engine, Handle, Settings};
use rstest::rstest;
use std::time::{Duration, Instant};
use tests::{
    play::{Line, Part, Play, Stage, Twist, ask, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(60);

/// A play with this twist and eight without, in one house, so that they meet in one batch.
async fn start_with_eight(node: &Engine, twist: Twist) -> (Handle<Play>, Vec<Handle<Play>>) {
    let house = uuid::Uuid::now_v7().to_string();
    let play = |twist| Part::of([Line::Note("one".into(), twist), ask("car")]).at(&house);
    let parts = [play(twist)].into_iter().chain((0..8).map(|_| play(Twist::None)));
    let starts = parts.map(|part| async { node.client().start::<Play>(part).await.unwrap() });
    let mut plays = join_all(starts).await;
    (plays.remove(0), plays)
}

#[rstest]
#[case::no_room(Twist::DiskFull)]
#[case::a_statement_without_end(Twist::Slow)]
#[tokio::test]
async fn a_step_whose_statement_always_fails_costs_its_neighbours_moments(
    #[case] twist: Twist,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let sessions = async || -> i64 {
        let sessions = "select sessions from pg_stat_database where datname = current_database()";
        sqlx::query_scalar(sessions).fetch_one(&stage.pool).await.unwrap()
    };
    let before = sessions().await;
    let began = Instant::now();
    let (guilty, innocent) = start_with_eight(&node, twist).await;
    for play in &innocent {
        assert!(matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)));
    }
    assert!(began.elapsed() < Duration::from_secs(25), "the neighbours took {:?}", began.elapsed());
    if twist == Twist::DiskFull {
        let row = stage.until("it is put off", guilty.id(), |row| row.state == "waiting").await;
        assert_eq!(row.attempts, 0, "a disk that is full is no failure of the step");
    } else {
        let ended = guilty.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Unwound(Cause::Failed { .. })), "{ended:?}");
    }
    let opened = sessions().await - before;
    assert!(opened < 20, "{opened} sessions were opened");
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_crowd_that_computes_for_longer_than_a_transaction_may_idle_gets_on(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.node("node").await;
    let house = uuid::Uuid::now_v7().to_string();
    let parts = (0..170).map(|_| Part::of([Line::Compute(100), note("end")]).at(&house));
    let starts = parts.map(|part| async { node.client().start::<Play>(part).await.unwrap() });
    let plays = join_all(starts).await;
    for play in &plays {
        assert!(matches!(play.result(LONG).await.unwrap(), Ended::Completed(_)));
    }
    stage.verify().await;
    node.drain().await;
}

#[rstest]
#[tokio::test]
async fn a_session_that_is_read_only_is_left(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let node = stage.start(Settings { lanes: 2, ..stage.settings("node") }).await;
    let alter = async |change: &str| {
        let alter = format!(
            "do $$ begin execute format('alter database %I {change}', current_database()); end $$;
             select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name ~ '^usher (lane|leases|sweep)'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(alter)).execute(&stage.pool).await.unwrap();
    };
    alter("set default_transaction_read_only = on").await;
    let lanes = "select count(*) from pg_stat_activity
        where datname = current_database() and application_name ~ '^usher lane'";
    let client = node.client().clone();
    let refused =
        tokio::spawn(async move { client.start::<Play>(Part::of([note("one"), ask("car")])).await });
    wait_until("the lanes have read-only sessions", LONG, async || {
        let connected: i64 = sqlx::query_scalar(lanes).fetch_one(&stage.pool).await.unwrap();
        (connected > 0).then_some(())
    })
    .await;
    stage.pass(Duration::from_secs(1)).await;
    // Nobody ends the sessions this time: the lanes must close them by themselves.
    let reset = "do $$ begin execute format('alter database %I reset default_transaction_read_only', current_database()); end $$";
    sqlx::raw_sql(&*format!("set default_transaction_read_only = off; {reset}").leak())
        .execute(&stage.pool)
        .await
        .unwrap();
    let play = refused.await.unwrap().expect("it begins as soon as that is possible");
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["car".into()]));
    stage.verify().await;
    node.drain().await;
}
