//! The proxies before real servers: what each fault looks like to the client.

use super::*;
use crate::support::{Database, redis_prefix, server, wait_until};
use axum::{Router, extract::State, routing::post};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};

const LONG: Duration = Duration::from_secs(20);
/// What is not answered within this counts as not answered.
const SILENCE: Duration = Duration::from_millis(200);

async fn named(proxy: &Proxy, name: &str) -> PgConnection {
    let options: PgConnectOptions = proxy.url().parse().unwrap();
    options.application_name(name).connect().await.unwrap()
}

async fn database() -> (Database, Proxy) {
    let database = Database::fresh().await;
    sqlx::raw_sql("create table t (n int)").execute(&mut database.connect().await).await.unwrap();
    let proxy = Proxy::before(database.url()).await;
    (database, proxy)
}

async fn insert(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for statement in ["begin", "insert into t values (1)", "commit"] {
        sqlx::raw_sql(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn rows(database: &Database) -> i64 {
    sqlx::query_scalar("select count(*) from t").fetch_one(&mut database.connect().await).await.unwrap()
}

#[tokio::test]
async fn a_commit_that_is_silenced_is_done_or_not_and_nobody_says_so() {
    let (database, proxy) = database().await;
    for (cut, done) in [(Cut::BeforeCommit, 0), (Cut::AfterCommit, 1)] {
        let mut lane = named(&proxy, "usher lane 0").await;
        let mut other = named(&proxy, "usher").await;
        proxy.arm_for(Whom::Named("usher lane"), 0, AtCommit::Silence(cut));
        insert(&mut other).await.unwrap(); // its COMMIT isn't meant
        let before = rows(&database).await;
        assert!(timeout(SILENCE, insert(&mut lane)).await.is_err(), "{cut:?} is answered");
        wait_until("the commit has had its effect", LONG, async || {
            (rows(&database).await == before + done).then_some(())
        })
        .await;
    }
    assert_eq!(proxy.cuts(), 2);
}

#[tokio::test]
async fn a_commit_that_is_delayed_is_done_later() {
    let (database, proxy) = database().await;
    let mut lane = named(&proxy, "usher lane 0").await;
    proxy.arm_for(Whom::All, 1, AtCommit::Delay(SILENCE));
    insert(&mut lane).await.unwrap();
    let began = Instant::now();
    insert(&mut lane).await.unwrap();
    assert!(began.elapsed() >= SILENCE);
    assert_eq!(rows(&database).await, 2);
}

#[tokio::test]
async fn lines_are_held_and_deadened_by_name_and_healed() {
    let (_database, proxy) = database().await;
    let (mut lane, mut leases) = (named(&proxy, "usher lane 1").await, named(&proxy, "usher leases").await);
    let leases_alone = Whom::Named("usher leases");

    proxy.set(&leases_alone, Flow::Held);
    lane.ping().await.unwrap();
    assert!(timeout(SILENCE, leases.ping()).await.is_err());
    proxy.heal();
    timeout(LONG, leases.ping()).await.unwrap().unwrap();

    proxy.set(&leases_alone, Flow::Dead);
    assert!(timeout(SILENCE, leases.ping()).await.is_err());
    lane.ping().await.unwrap();
    named(&proxy, "usher leases").await.ping().await.unwrap(); // a new one is alive
    proxy.heal();
    assert!(timeout(SILENCE, leases.ping()).await.is_err(), "what died does not come back");

    proxy.cut(&Whom::All);
    assert!(lane.ping().await.is_err());
    assert!(timeout(LONG, leases.ping()).await.unwrap().is_err(), "now it is told");
    named(&proxy, "usher lane 1").await.ping().await.unwrap();
}

#[tokio::test]
async fn redis_behind_a_wire_is_held_and_cut() {
    let wire = Wire::before(&server().await.redis_url).await;
    let client = redis::Client::open(wire.url()).unwrap();
    let key = redis_prefix();
    let set = async |connection: &mut redis::aio::MultiplexedConnection| {
        redis::cmd("SET").arg(&key).arg(1).exec_async(connection).await
    };
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    set(&mut connection).await.unwrap();
    wire.set(Flow::Held);
    assert!(timeout(SILENCE, set(&mut connection)).await.is_err());
    wire.heal();
    set(&mut connection).await.unwrap();
    wire.set(Flow::Cut);
    assert!(set(&mut connection).await.is_err());
    assert!(client.get_multiplexed_async_connection().await.is_err(), "new lines are cut as well");
    wire.heal();
    set(&mut client.get_multiplexed_async_connection().await.unwrap()).await.unwrap();
}

/// A server that counts what it is asked, behind a proxy; its address is free before it is asked.
async fn counter() -> (Arc<AtomicUsize>, HttpProxy, JoinSet<()>) {
    let counted = Arc::new(AtomicUsize::new(0));
    let count = async |State(counted): State<Arc<AtomicUsize>>, body: String| {
        format!("{body} {}", counted.fetch_add(1, Ordering::SeqCst))
    };
    let router = Router::new().route("/count", post(count)).with_state(counted.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    // Nobody listens on the first: it is passed over.
    let proxy = HttpProxy::before(vec!["http://127.0.0.1:1".into(), url], 7).await;
    (counted, proxy, serving)
}

async fn ask(proxy: &HttpProxy) -> Result<(u16, String), reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let answer = client.post(format!("{}/count", proxy.url())).body("number").send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn requests_are_lost_doubled_slowed_and_refused_one_by_one() {
    let (counted, proxy, _serving) = counter().await;
    let counts = || counted.load(Ordering::SeqCst);
    assert_eq!(ask(&proxy).await.unwrap(), (200, "number 0".into()));
    for (fault, more) in [(HttpFault::DropBefore, 0), (HttpFault::DropAfter, 1), (HttpFault::Hang, 1)] {
        let before = counts();
        proxy.order(fault);
        assert!(ask(&proxy).await.is_err(), "{fault:?} is answered");
        assert_eq!(counts(), before + more, "{fault:?}");
    }
    proxy.order(HttpFault::Twice);
    assert_eq!(ask(&proxy).await.unwrap(), (200, "number 3".into()));
    assert_eq!(counts(), 5);
    proxy.order(HttpFault::Refuse(502));
    assert_eq!(ask(&proxy).await.unwrap().0, 502);
    let (began, pause) = (Instant::now(), Duration::from_millis(10));
    proxy.order(HttpFault::Slow(pause));
    assert_eq!(ask(&proxy).await.unwrap().1, "number 5");
    assert!(began.elapsed() >= pause * 8, "a byte at a time");
}

#[tokio::test]
async fn a_part_of_all_requests_goes_wrong_as_the_seed_says() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (_, proxy, _serving) = counter().await;
        proxy.misbehave(Misbehaviour { part: 0.5, ways: vec![HttpFault::Refuse(503)] });
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.push(ask(&proxy).await.unwrap().0);
        }
        assert!(answers.contains(&200) && answers.contains(&503), "{answers:?}");
        proxy.behave();
        assert_eq!(ask(&proxy).await.unwrap().0, 200);
        runs.push(answers);
    }
    assert_eq!(runs[0], runs[1]);
}
