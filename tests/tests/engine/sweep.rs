//! The sweep: what is due is found in time, whatever else has piled up, and what has piled up costs little.

use orchestrator::{BatchScope, Bucket, Client, Ended, Engine, SagaId, Settings};
use rstest::rstest;
use sqlx::Connection;
use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};
use tests::{
    play::{Cue, Line, Part, Play, Stage, note},
    support::wait_until,
};

const LONG: Duration = Duration::from_secs(20);
/// A hundred polls of 30 ms: the machine may do other things too.
const SOON: Duration = Duration::from_secs(3);

/// Sagas of this version of `play` that have been due for an hour, in this bucket.
async fn pile_up(stage: &Stage, bucket: Bucket, version: i32, many: usize) -> Vec<uuid::Uuid> {
    let ids: Vec<uuid::Uuid> = (0..many).map(|_| SagaId::new_in(bucket).uuid()).collect();
    let insert = "insert into usher.sagas
            (id, bucket, workflow, version, state, due_at, journal_len, created_at, updated_at)
        select id, $2, 'play', $3, 'waiting', now() - interval '1 hour' + n * interval '1 microsecond', 3, now(), now()
        from unnest($1::uuid[]) with ordinality as piled (id, n)";
    let insert = sqlx::query(insert).bind(&ids).bind(bucket.number()).bind(version);
    insert.execute(&stage.pool).await.unwrap();
    ids
}

/// A bucket that belongs to this one of two lanes.
fn bucket_of(lane: i16) -> Bucket {
    Bucket::from_number(lane + 2).expect("there is such a bucket")
}

/// A house whose plays belong to this one of two lanes.
fn house_of(lane: i16) -> String {
    let mut houses = (0..).map(|n| format!("house {n}"));
    houses.find(|house| Bucket::of_key(house).number() % 2 == lane).expect("every other house is")
}

async fn two_lanes(stage: &Stage) -> Engine {
    stage.start(Settings { lanes: 2, ..stage.settings("node") }).await
}

/// How long a wait of 200 ms takes in this house. Only the sweep can see its end.
async fn timer(client: &Client, house: &str) -> Option<Duration> {
    let began = Instant::now();
    let play = client.start::<Play>(Part::of([Line::Wait(200)]).at(house)).await.unwrap();
    let ended = play.result(LONG).await.unwrap();
    matches!(ended, Ended::Unwound(_)).then(|| began.elapsed())
}

#[rstest]
#[tokio::test]
async fn a_lane_that_gets_nowhere_hides_no_timer_of_another(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let piled = pile_up(&stage, bucket_of(0), 1, 3000).await;
    // Somebody else has locked the rows, so that the lane can claim none of them.
    let mut rival = sqlx::PgConnection::connect(stage.url()).await.unwrap();
    sqlx::raw_sql("begin").execute(&mut rival).await.unwrap();
    let hold = "select from usher.sagas where id = any($1) for update";
    sqlx::query(hold).bind(&piled).execute(&mut rival).await.unwrap();

    let node = two_lanes(&stage).await;
    let took = timer(node.client(), &house_of(1)).await;
    assert!(took.is_some_and(|took| took < SOON), "{took:?}");
    rival.close().await.unwrap();
    node.drain().await;
}

/// Rows of `usher.sagas` that indexes have found so far.
async fn rows_read(stage: &Stage) -> i64 {
    let read = "select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes
        where schemaname = 'usher' and relname = 'sagas'";
    sqlx::query_scalar(read).fetch_one(&stage.pool).await.unwrap()
}

#[tokio::test]
async fn sagas_that_nobody_here_knows_cost_little_however_many_are_due() {
    const PILED: usize = 100_000;
    /// The first look at all of it, and what a twentieth of some seconds can read. Ten timers take more than fifty looks:
    /// if each read all of it, that would be more than five million.
    const READ_MAX: i64 = 1_000_000;
    let stage = Stage::set().await;
    for lane in [0, 1] {
        pile_up(&stage, bucket_of(lane), 99, PILED / 2).await;
    }
    let node = two_lanes(&stage).await;
    let before = rows_read(&stage).await;
    for _ in 0..10 {
        let took = timer(node.client(), &house_of(0)).await;
        assert!(took.is_some_and(|took| took < SOON), "{took:?}");
    }
    // A connection reports its statistics when it is idle or closed.
    node.drain().await;
    let read = rows_read(&stage).await - before;
    println!("{read} rows read in ten timers, with {PILED} due that nobody knows");
    assert!(read < READ_MAX, "{read} rows were read");
}

#[tokio::test]
async fn nobody_waits_longer_because_much_is_due() {
    let stage = Stage::set().await;
    let node = two_lanes(&stage).await;
    let plays = futures_util::future::join_all((0..4000).map(|n| {
        node.client().start::<Play>(Part::of([Line::Wait(60_000)]).at(&format!("house {n}"))).into_future()
    }));
    let plays: Vec<_> = plays.await.into_iter().map(Result::unwrap).collect();
    let all_at_once = "update usher.sagas set due_at = now() where state = 'waiting'";
    sqlx::query(all_at_once).execute(&stage.pool).await.unwrap();
    let began = Instant::now();
    let looked_at = "select count(*) from usher.sagas where due_at <= now() and not leased";
    wait_until("all of them are looked at", LONG, async || {
        let left: i64 = sqlx::query_scalar(looked_at).fetch_one(&stage.pool).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
    println!("{} due at one moment were looked at after {:?}", plays.len(), began.elapsed());
    node.drain().await;
}

#[tokio::test]
async fn a_start_whose_transaction_commits_late_is_found_all_the_same() {
    let stage = Stage::set().await;
    let node = two_lanes(&stage).await;
    let part = Part::of([note("late")]);
    let id = SagaId::new_in(Bucket::of_key(&part.house));
    let mut caller = sqlx::PgConnection::connect(stage.url()).await.unwrap();
    sqlx::raw_sql("begin").execute(&mut caller).await.unwrap();
    assert!(Client::start_in::<Play>(&mut caller, &part, id).await.unwrap());
    // By then the look ahead has passed the moment at which it is due.
    for _ in 0..8 {
        timer(node.client(), &house_of(0)).await;
    }
    sqlx::raw_sql("commit").execute(&mut caller).await.unwrap();
    let began = Instant::now();
    stage.until("it is done", id, |row| row.state == "completed").await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    node.drain().await;
}

#[tokio::test]
async fn a_letter_that_waits_for_its_saga_behind_a_hundred_thousand_others_is_adopted() {
    let stage = Stage::set().await;
    let flood =
        "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at, orphan)
        select gen_random_uuid(), 0, 'signal', 'cue', n::text, 'null', now() - interval '1 hour', true
        from generate_series(1, 100000) as n";
    sqlx::query(flood).execute(&stage.pool).await.unwrap();
    let node = two_lanes(&stage).await;
    let play = node.client().start::<Play>(Part::of([Line::Wait(60_000)])).await.unwrap();
    stage.until("it waits", play.id(), |row| row.state == "waiting").await;
    // As if letter and saga had been committed at one moment, and had not seen each other.
    let letter =
        "insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, received_at, orphan)
        values ($1, $2, 'signal', 'cue', 'late', '\"go\"', now(), true)";
    let letter = sqlx::query(letter).bind(play.id().uuid()).bind(play.id().bucket().number());
    letter.execute(&stage.pool).await.unwrap();
    let began = Instant::now();
    assert_eq!(play.result(LONG).await.unwrap(), Ended::Completed(vec![Cue("go".into()).0]));
    println!("adopted after {:?}", began.elapsed());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let took = timer(node.client(), &house_of(0)).await;
    assert!(took.is_some_and(|took| took < SOON), "{took:?}");
    node.drain().await;
}
