//! From outside the lanes: rows in a caller's transaction, and clients on nodes that run nothing.

use orchestrator::{Bucket, Cancelled, Client, ClientError, Ended, Reached, SagaId, State};
use sqlx::PgConnection;
use std::time::Duration;
use tests::play::{Ask, Cue, Line, Part, Play, Stage, ask, note};

const LONG: Duration = Duration::from_secs(30);

async fn run(connection: &mut PgConnection, statement: &'static str) {
    sqlx::query(statement).execute(connection).await.unwrap();
}

fn id_for(part: &Part) -> SagaId {
    SagaId::new_in(Bucket::of_key(&part.house))
}

#[tokio::test]
async fn a_start_in_a_transaction_that_is_rolled_back_never_was() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([note("here")]);
    let (gone, kept) = (id_for(&part), id_for(&part));
    let mut connection = stage.pool.acquire().await.unwrap();
    run(&mut connection, "begin").await;
    assert!(Client::start_in::<Play>(&mut connection, &part, gone).await.unwrap());
    run(&mut connection, "rollback").await;

    run(&mut connection, "begin").await;
    assert!(Client::start_in::<Play>(&mut connection, &part, kept).await.unwrap());
    assert!(
        !Client::start_in::<Play>(&mut connection, &part, kept).await.unwrap(),
        "the same again is not new"
    );
    node.client().nudge(kept).await;
    assert!(stage.row(kept).await.is_none(), "nobody sees it before the commit");
    run(&mut connection, "commit").await;

    let ended = node.client().handle::<Play>(kept).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec![]));
    assert!(matches!(node.client().handle::<Play>(gone).status().await, Err(ClientError::NotFound(_))));
    assert_eq!(stage.kept(gone).await.notes, [""; 0]);
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_signal_in_a_transaction_counts_with_its_commit() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    let mut connection = stage.pool.acquire().await.unwrap();
    run(&mut connection, "begin").await;
    Client::signal_in(&mut connection, play.id(), "one", &Cue("never".into())).await.unwrap();
    run(&mut connection, "rollback").await;
    run(&mut connection, "begin").await;
    Client::signal_in(&mut connection, play.id(), "one", &Cue("now".into())).await.unwrap();
    run(&mut connection, "commit").await;
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["now".into()]));
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn start_and_signal_in_one_transaction_are_one_thing() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let part = Part::of([Line::Wait(60_000)]);
    let id = id_for(&part);
    let mut connection = stage.pool.acquire().await.unwrap();
    run(&mut connection, "begin").await;
    // The letter may even come before its saga.
    Client::signal_in(&mut connection, id, "one", &Cue("with it".into())).await.unwrap();
    Client::start_in::<Play>(&mut connection, &part, id).await.unwrap();
    run(&mut connection, "commit").await;
    let ended = node.client().handle::<Play>(id).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["with it".into()]));
    node.drain().await;
}

#[tokio::test]
async fn a_client_without_lanes_starts_signals_watches_and_cancels_what_another_node_runs() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let client = stage.outside().await;
    let part = Part::of([ask("room"), Line::Wait(60_000), note("end")]);
    let play = client.start::<Play>(part.clone()).key("mine").await.unwrap();
    let again = client.start::<Play>(part.clone()).key("mine").await.unwrap();
    assert_eq!((again.id(), play.existing(), again.existing()), (play.id(), false, true));
    assert_eq!(play.reached::<Ask>(LONG).await.unwrap(), Reached::Done("room".into()));
    assert_eq!(play.result(Duration::ZERO).await.unwrap(), Ended::NotYet);
    client.signal(play.id(), "one", &Cue("go".into())).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["room".into(), "go".into()]));
    assert_eq!(client.cancel(play.id(), "me").await.unwrap(), Cancelled::Refused(State::Completed));

    let other = client.start::<Play>(part).await.unwrap();
    assert_eq!(other.reached::<Ask>(LONG).await.unwrap(), Reached::Done("room".into()));
    assert_eq!(client.cancel(other.id(), "me").await.unwrap(), Cancelled::TurnedBack);
    assert!(matches!(other.result(LONG).await.unwrap(), Ended::Unwound(_)));
    assert!(stage.kept(other.id()).await.bookings.is_empty());
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn an_id_in_another_bucket_than_the_route_is_refused_also_in_a_transaction() {
    let stage = Stage::set().await;
    let client = stage.outside().await;
    let part = Part::of([note("here")]);
    let bucket = Bucket::of_key(&part.house);
    let stray = SagaId::new_in(Bucket::from_number((bucket.number() + 1) % 1024).unwrap());
    let refused = client.start::<Play>(part.clone()).id(stray).await;
    assert!(matches!(refused.err(), Some(ClientError::WrongBucket { .. })));
    let mut connection = stage.pool.acquire().await.unwrap();
    let refused = Client::start_in::<Play>(&mut connection, &part, stray).await;
    assert!(matches!(refused, Err(ClientError::WrongBucket { .. })));
    assert_eq!(stage.sagas().await, 0);
}

#[tokio::test]
async fn whoever_waits_without_lanes_reads_a_journal_only_once_it_has_changed() {
    let stage = Stage::set().await;
    let (node, outside) = (stage.node("node").await, stage.outside().await);
    let play = node.client().start::<Play>(Part::of([note("here"), Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    let handle = outside.handle::<Play>(play.id());
    assert_eq!(handle.result(Duration::from_secs(3)).await.unwrap(), Ended::NotYet);
    drop((handle, outside));
    let read = "select coalesce(sum(idx_scan), 0)::bigint from pg_stat_user_tables
        where schemaname = 'usher' and relname like 'journal%'";
    let read: i64 = sqlx::query_scalar(read).fetch_one(&stage.pool).await.unwrap();
    println!("the journal was read {read} times");
    assert!(read < 10, "the journal was read {read} times in three seconds");
    node.drain().await;
}
