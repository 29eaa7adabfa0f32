//! Postgres that goes away in the middle: what was committed is known by one read, and nothing is done twice.

use orchestrator::{Bucket, Ended, SagaId};
use rstest::rstest;
use std::time::Duration;
use tests::{
    play::{Cue, Kept, Line, Part, Play, Stage, ask, decide, note},
    support::{Cut, Hold, Proxy, wait_until},
};

const LONG: Duration = Duration::from_secs(30);

fn play() -> Part {
    let touch = Line::Touch("bell".into());
    Part::of([note("one"), ask("flight"), note("two"), decide("sold"), ask("car"), touch, note("end")])
}

async fn assert_done_once(stage: &Stage, saga: SagaId) {
    let notes = ["one", "two", "sold", "end"].map(String::from).to_vec();
    let bookings = ["bell", "car", "flight"].map(String::from).to_vec();
    assert_eq!(stage.kept(saga).await, Kept { notes, bookings });
    for what in ["flight", "car", "bell"] {
        assert_eq!(stage.count_requests(saga, what, false).await, 1, "{what}");
    }
}

#[rstest]
#[tokio::test]
async fn a_commit_of_unknown_fate_is_settled_by_one_read_and_nothing_is_done_twice(
    #[values(Cut::BeforeCommit, Cut::AfterCommit)] cut: Cut,
) {
    let stage = Stage::set().await;
    let proxy = Proxy::before(stage.url()).await;
    let node = stage.builder_through(proxy.url(), stage.settings("node")).start().await.unwrap();
    // Each commit of a play in turn: with its start, with each call that it allows, with each call's end.
    for after in 0..4 {
        proxy.arm(after, cut);
        let play = node.client().start::<Play>(play()).await.unwrap();
        assert!(!play.existing(), "its client is told what became of it");
        let ended = play.result(LONG).await.unwrap();
        assert_eq!(ended, Ended::Completed(vec!["flight".into(), "car".into()]));
        assert_done_once(&stage, play.id()).await;
        wait_until("a commit was cut", LONG, async || (proxy.cuts() > after).then_some(())).await;
    }
    stage.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_letter_whose_commit_never_arrived_is_not_taken_for_delivered() {
    let stage = Stage::set().await;
    let proxy = Proxy::before(stage.url()).await;
    let node = stage.builder_through(proxy.url(), stage.settings("node")).start().await.unwrap();
    let part = Part::of([Line::Wait(60_000)]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    // It comes before its saga, so that nothing is in the batch but the letter.
    proxy.arm(0, Cut::BeforeCommit);
    node.client().signal(id, "early", &Cue("early".into())).await.unwrap();
    assert_eq!(proxy.cuts(), 1);
    let kept = "select count(*) from usher.mailbox where saga_id = $1";
    let kept: i64 = sqlx::query_scalar(kept).bind(id.uuid()).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(kept, 1);
    let play = node.client().start::<Play>(part).id(id).await.unwrap();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec!["early".into()]));
    node.drain().await;
}

#[tokio::test]
async fn a_lane_whose_backend_is_terminated_in_the_middle_of_a_batch_does_it_again() {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let hold = Hold::at("lane-before-commit", node.node());
    let start = tokio::spawn({
        let client = node.client().clone();
        async move { client.start::<Play>(play()).await }
    });
    hold.reached().await;
    let terminate = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and application_name = 'usher lane 0'";
    let terminated: i64 = sqlx::query_scalar(terminate).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(terminated, 1);
    hold.release();

    let play = start.await.unwrap().unwrap();
    assert!(!play.existing());
    let ended = play.result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Completed(vec!["flight".into(), "car".into()]));
    assert_done_once(&stage, play.id()).await;
    stage.verify().await;
    node.drain().await;
}

/// What Postgres says to a statement that waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    /// 57014.
    Cancelled,
    /// 55P03.
    LockTimeout,
}

#[rstest]
#[tokio::test]
async fn a_statement_that_waited_in_vain_is_no_failure_of_its_step(
    #[values(Refusal::Cancelled, Refusal::LockTimeout)] refusal: Refusal,
) {
    let stage = Stage::set().await;
    let node = stage.node("node").await;
    let mut blocker = stage.pool.acquire().await.unwrap();
    for statement in ["begin", "lock table play.notes in access exclusive mode"] {
        sqlx::query(statement).execute(&mut *blocker).await.unwrap();
    }
    let start = tokio::spawn({
        let client = node.client().clone();
        async move { client.start::<Play>(Part::of([note("one"), Line::Wait(60_000)])).await }
    });
    // When the transaction of the lane that waits for the lock began.
    let waiting = async || -> Option<chrono::DateTime<chrono::Utc>> {
        let look = "select xact_start from pg_stat_activity where datname = current_database()
            and application_name = 'usher lane 0' and wait_event_type = 'Lock'";
        sqlx::query_scalar(look).fetch_optional(&stage.pool).await.unwrap()
    };
    let first = wait_until("the lane waits for the lock", LONG, waiting).await;
    if refusal == Refusal::Cancelled {
        let cancel = "select pg_cancel_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'usher lane 0'";
        sqlx::query(cancel).execute(&stage.pool).await.unwrap();
    }
    wait_until("it tries again in another transaction", LONG, async || {
        waiting().await.filter(|second| *second > first)
    })
    .await;
    sqlx::query("rollback").execute(&mut *blocker).await.unwrap();

    let play = start.await.unwrap().unwrap();
    let row = stage.until("the note is written", play.id(), |row| row.state == "waiting").await;
    assert_eq!(row.attempts, 0);
    assert_eq!(stage.journal(play.id()).await, ["begun", "ended", "waiting"]);
    stage.verify().await;
    node.drain().await;
}
