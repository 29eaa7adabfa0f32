//! Draining: calls that are out end, their results are committed, and other nodes take the rest at once.

use dev::Scratch;
use futures_util::FutureExt;
use orchestrator::{ClientError, Ended, Settings};
use std::time::{Duration, Instant};
use tests::{
    play::{Act, Cue, Gate, Line, Part, Play, Stage, ask, note},
    support::{private_postgres, wait_until},
};

const LONG: Duration = Duration::from_secs(20);
/// So long that a test fails by its own bound if anybody has to wait for a lease's end.
const LEASE: Duration = Duration::from_secs(600);

#[tokio::test]
async fn calls_come_home_starts_are_refused_and_another_node_goes_on() {
    let stage = Stage::set().await;
    let leaving = stage.start(Settings { lease: LEASE, ..stage.settings("leaving") }).await;
    let gate = Gate::shut();
    let (held, name) = (gate.clone(), leaving.node().to_owned());
    stage.script.set(move |asked| if asked.node == name { Act::Hold(held.clone()) } else { Act::Go });
    let part = Part::of([note("one"), ask("flight"), ask("hotel"), Line::Wait(60_000), note("end")]);
    let play = leaving.client().start::<Play>(part).await.unwrap();
    let id = play.id();
    wait_until("the call is out", LONG, async || (!stage.kept(id).await.bookings.is_empty()).then_some(()))
        .await;

    let (client, name) = (leaving.client().clone(), leaving.node().to_owned());
    let mut draining = Box::pin(leaving.drain());
    assert!((&mut draining).now_or_never().is_none(), "it waits for the call");
    let refused = client.start::<Play>(Part::of([note("no")])).await;
    assert!(matches!(refused.err(), Some(ClientError::Draining)));
    client.signal(id, "cue", &Cue("go".into())).await.expect("a letter is never refused");
    gate.open();
    draining.await;
    let row = stage.row(id).await.unwrap();
    assert!(!row.leased, "nobody is out any more: {row:?}");
    assert_eq!(stage.journal(id).await[..4], ["begun", "ended", "started", "ended"].map(String::from));
    let hotel = "select count(*) from desk.requests where what = 'hotel' and node = $1";
    let hotel: i64 = sqlx::query_scalar(hotel).bind(&name).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(hotel, 0, "who leaves begins nothing new");

    let other = stage.node("other").await;
    let ended = other.client().handle::<Play>(id).result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(["flight", "hotel", "go"].map(String::from).to_vec()));
    assert_eq!(stage.count_requests(id, "flight", false).await, 1);
    stage.verify().await;
    other.drain().await;
}

#[tokio::test]
async fn under_load_nothing_is_lost_or_done_twice() {
    let stage = Stage::set().await;
    let leaving = stage.start(Settings { lease: LEASE, ..stage.settings("leaving") }).await;
    let mut ids = Vec::new();
    for _ in 0..60 {
        let part = Part::of([note("one"), ask("flight"), note("two"), ask("hotel"), note("end")]);
        ids.push(leaving.client().start::<Play>(part).await.unwrap().id());
    }
    leaving.drain().await;
    let leased = "select count(*) from usher.sagas where leased";
    let leased: i64 = sqlx::query_scalar(leased).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(leased, 0, "no call was out when it left");
    let other = stage.node("other").await;
    for id in ids {
        let ended = other.client().handle::<Play>(id).result(LONG).await.unwrap();
        assert_eq!(ended, Ended::Completed(vec!["flight".into(), "hotel".into()]));
        for what in ["flight", "hotel"] {
            assert_eq!(stage.count_requests(id, what, false).await, 1);
        }
    }
    stage.verify().await;
    other.drain().await;
}

#[test]
fn without_a_database_it_leaves_all_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = runtime.block_on(async {
        let scratch = Scratch::new().unwrap();
        let postgres = private_postgres(&scratch, false).await;
        let url = postgres.url("postgres");
        let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
        orchestrator::migrate(&mut connection).await.unwrap();
        let stage = Stage::at_url(&url).await;
        let node =
            stage.start(Settings { drain: Duration::from_millis(200), ..stage.settings("node") }).await;
        let play = node.client().start::<Play>(Part::of([note("one"), Line::Wait(60_000)])).await.unwrap();
        postgres.kill().await;
        node.client().nudge(play.id()).await;
        let began = Instant::now();
        node.drain().await;
        began
    });
    // A thread that the runtime waits for would keep the runtime, and with it the process, from ending.
    drop(runtime);
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_database_that_was_killed_and_comes_back_finds_everybody_at_work() {
    let scratch = Scratch::new().unwrap();
    let postgres = private_postgres(&scratch, true).await;
    let url = postgres.url("postgres");
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    orchestrator::migrate(&mut connection).await.unwrap();
    let stage = Stage::at_url(&url).await;
    let node = stage.node("node").await;
    let gate = Gate::shut();
    let held = gate.clone();
    stage.script.set(move |_| Act::Hold(held.clone()));
    let play =
        node.client().start::<Play>(Part::of([note("one"), ask("flight"), note("end")])).await.unwrap();
    wait_until("the call has its effect", LONG, async || {
        (!stage.kept(play.id()).await.bookings.is_empty()).then_some(())
    })
    .await;
    postgres.kill().await;
    gate.open();
    postgres.restart().await.unwrap();
    stage.until("the play is at its end", play.id(), |row| row.state == "completed").await;
    assert_eq!(stage.kept(play.id()).await.notes, ["one", "end"]);
    let next = node.client().start::<Play>(Part::of([note("one")])).await.unwrap();
    assert_eq!(next.result(LONG).await.unwrap(), Ended::Completed(vec![]));
    node.drain().await;
}
