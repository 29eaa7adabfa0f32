//! Letters: whoever parks a saga sees the letter, or the letter sees the parked saga.

use orchestrator::{Bucket, Client, Ended, SagaId, Settings};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Cue, Line, Part, Play, Stage, note},
    support::{Hold, wait_until},
};

const LONG: Duration = Duration::from_secs(20);
/// The poll of a node that never looks by itself: what happens promptly wasn't found by polling.
const NEVER: Duration = Duration::from_secs(3600);

fn cue(text: &str) -> Cue {
    Cue(text.into())
}

#[tokio::test]
async fn a_letter_that_comes_while_another_node_parks_the_saga_is_not_lost() {
    let stage = Stage::set().await;
    let blind = |name| Settings { poll: NEVER, ..stage.settings(name) };
    let (parking, other) = (stage.start(blind("parking")).await, stage.start(blind("other")).await);
    let play =
        parking.client().start::<Play>(Part::of([Line::Wait(60_000), Line::Wait(60_000)])).await.unwrap();

    // The node has read the mailbox and is about to park the saga at its second wait.
    let hold = Hold::at("lane-before-commit", parking.node());
    let first = tokio::spawn({
        let (client, id) = (parking.client().clone(), play.id());
        async move { client.signal(id, "first", &cue("one")).await.map(drop) }
    });
    hold.reached().await;
    let second = tokio::spawn({
        let (client, id) = (other.client().clone(), play.id());
        async move { client.signal(id, "second", &cue("two")).await.map(drop) }
    });
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    wait_until("the second letter waits for the row", LONG, async || {
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&stage.pool).await.unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    hold.release();

    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["one".into(), "two".into()]));
    stage.verify().await;
    parking.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn a_letter_on_a_callers_transaction_that_is_open_while_the_saga_is_parked_is_not_lost() {
    let stage = Stage::set().await;
    let engine = stage.start(Settings { poll: NEVER, ..stage.settings("node") }).await;
    let play =
        engine.client().start::<Play>(Part::of([Line::Wait(60_000), Line::Wait(60_000)])).await.unwrap();
    engine.client().signal(play.id(), "first", &cue("one")).await.unwrap();

    let mut connection = stage.pool.acquire().await.unwrap();
    sqlx::query("begin").execute(&mut *connection).await.unwrap();
    Client::signal_in(&mut connection, play.id(), "second", &cue("two")).await.unwrap();
    // The row is locked: whoever claims now passes it by.
    engine.client().nudge(play.id()).await;
    sqlx::query("commit").execute(&mut *connection).await.unwrap();
    engine.client().nudge(play.id()).await;
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["one".into(), "two".into()]));
    engine.drain().await;
}

#[tokio::test]
async fn the_same_letter_twice_is_one_and_two_letters_are_two() {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let play = one.client().start::<Play>(Part::of([Line::Wait(60_000), Line::Wait(60_000)])).await.unwrap();
    for engine in [&one, &other, &one, &other] {
        engine.client().signal(play.id(), "the same", &cue("one")).await.unwrap();
    }
    let row = stage.until("the first wait is over", play.id(), |row| row.journal_len == 4).await;
    assert_eq!(row.state, "waiting", "the copies don't end the second wait");
    other.client().signal(play.id(), "another", &cue("two")).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["one".into(), "two".into()]));
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

#[rstest]
#[case::of_the_same_node(true)]
#[case::of_another_node(false)]
#[tokio::test]
async fn a_letter_that_comes_before_its_saga_waits_for_it(#[case] same: bool) {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let part = Part::of([note("here"), Line::Wait(60_000)]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let sender = if same { &one } else { &other };
    sender.client().signal(id, "early", &cue("early")).await.unwrap();
    let play = one.client().start::<Play>(part).id(id).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["early".into()]));
    one.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn a_letter_that_comes_while_its_saga_is_being_started_is_adopted() {
    let stage = Stage::set().await;
    let (one, other) = (stage.node("one").await, stage.node("other").await);
    let part = Part::of([note("here"), Line::Wait(60_000)]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));

    // The start has read the empty mailbox and is about to commit a row that nobody else can see yet.
    let hold = Hold::at("lane-before-commit", one.node());
    let start = tokio::spawn({
        let client = one.client().clone();
        async move { client.start::<Play>(part).id(id).await }
    });
    hold.reached().await;
    other.client().signal(id, "early", &cue("early")).await.unwrap();
    let orphan = "select orphan from usher.mailbox where saga_id = $1";
    let orphan: bool = sqlx::query_scalar(orphan).bind(id.uuid()).fetch_one(&stage.pool).await.unwrap();
    assert!(orphan, "it came before the row");
    hold.release();

    let play = start.await.unwrap().unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["early".into()]));
    stage.verify().await;
    one.drain().await;
    other.drain().await;
}

/// Inserts letters of this name, received from now on at intervals of one microsecond.
async fn flood(stage: &Stage, saga: SagaId, name: &str, many: i32) {
    let flood = "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at)
        select $1, $2, 'signal', $3, 'flood ' || n, '\"flood\"', now() + n * interval '1 microsecond'
        from generate_series(1, $4) as n";
    let flood = sqlx::query(flood).bind(saga.uuid()).bind(saga.bucket().number()).bind(name).bind(many);
    flood.execute(&stage.pool).await.unwrap();
}

#[rstest]
#[case::that_nobody_waits_for("noise")]
#[case::that_came_after_deadlines("cue")]
#[tokio::test]
async fn a_hundred_thousand_letters_slow_nobody_down(#[case] name: &str) {
    const WAITS: usize = 40;
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let play = node.client().start::<Play>(Part::of(vec![Line::Wait(60_000); WAITS])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    for n in 0..WAITS - 1 {
        let cue = Cue(format!("cue {n}"));
        node.client().signal(play.id(), &format!("sender {n}"), &cue).await.unwrap();
    }
    flood(&stage, play.id(), name, 100_000).await;
    let began = std::time::Instant::now();
    for _ in 0..5 {
        node.client().nudge(play.id()).await;
        node.client().signal(play.id(), "sender 0", &Cue("again".into())).await.unwrap();
    }
    let last = Cue("last".into());
    node.client().signal(play.id(), "last", &last).await.unwrap();
    let Ended::Completed(heard) = play.result(LONG).await.unwrap() else { panic!("it is not done") };
    println!("six rounds with 100,000 letters of `{name}` took {:?}", began.elapsed());
    let first: Vec<String> = (0..WAITS - 1).map(|n| format!("cue {n}")).collect();
    assert_eq!(heard[..WAITS - 1], first, "in the order in which they came");
    assert_eq!(heard[WAITS - 1], if name == "cue" { "flood" } else { "last" });
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    node.drain().await;
}
