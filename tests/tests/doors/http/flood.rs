//! More webhooks than can be stored: they are refused before other callers suffer, and none is lost.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use super::webhooks::{SECRET, deliver, signed};
use axum::{
    Router,
    body::Body,
    http::{Method, Request},
    response::Response,
};
use chrono::Utc;
use serde_json::json;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use tests::support::{Database, Flow, Proxy, Whom, wait_until};
use tower::ServiceExt;

/// Enough to fill every gate: more than are read at once.
const FLOOD: usize = 400;

fn event_body(number: usize) -> String {
    json!({"id": format!("evt_{number}"), "object": "event", "type": "customer.created",
        "created": Utc::now().timestamp(), "livemode": false, "data": {"object": {"id": "cus_1"}}})
    .to_string()
}

/// Sends as gateways do: what was not answered 200 is sent again, all at once, until nothing is left. Gives how many
/// requests were refused.
async fn insist(service: &Service) -> usize {
    let router = api::site::router(service.app.clone());
    let (mut left, mut refused): (Vec<usize>, usize) = ((0..FLOOD).collect(), 0);
    let began = Instant::now();
    while !left.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} are still refused", left.len());
        let sent = left.into_iter().map(async |number| (number, send(&router, &event_body(number)).await));
        let answers = futures_util::future::join_all(sent).await;
        left = answers
            .into_iter()
            .filter_map(|(number, answer)| is_refused(&answer).then_some(number))
            .collect();
        refused += left.len();
    }
    refused
}

/// Sends without comparing the answer with the OpenAPI document, because that takes longer than the answer.
async fn send(router: &Router, body: &str) -> Response {
    let request = Request::post("/webhooks/stripe").header("stripe-signature", signed(body, Utc::now()));
    router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

fn is_refused(answer: &Response) -> bool {
    if answer.status() == 200 {
        return false;
    }
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"5".parse().unwrap()));
    true
}

async fn stored(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(distinct event_id) from booking.inbox").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_flood_at_an_inbox_that_hangs_leaves_customers_their_connections_and_loses_nothing() {
    let secrets = ("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET);
    let service = Service::with(&[secrets, ("USHER_DATABASE_CONNECTIONS_MAX", "12")]).await;
    let (_, seats) = event(&service, "undisturbed", 1).await;
    let ada = Customer::new(&service).await;
    let mut lock = service.pool.begin_with("begin").await.unwrap();
    sqlx::raw_sql("lock table booking.inbox in access exclusive mode").execute(&mut *lock).await.unwrap();
    let senders = insist(&service);
    let meanwhile = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database()
                       and wait_event_type = 'Lock'";
        wait_until("the inserts wait", Duration::from_secs(10), async || {
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&service.pool).await.unwrap();
            assert!(waiting <= 3, "{waiting} inserts at once, of twelve connections");
            (waiting == 3).then_some(())
        })
        .await;
        let began = Instant::now();
        ada.reserve(&seats).await;
        assert!(began.elapsed() < Duration::from_secs(3), "customers wait for nobody");
        lock.commit().await.unwrap();
    };
    let (refused, ()) = tokio::join!(senders, meanwhile);
    assert!(refused >= FLOOD - 256, "who found no place was told to come again");
    assert_eq!(stored(&service.pool).await, FLOOD as i64);
}

#[tokio::test]
async fn a_flood_at_a_paused_database_is_told_to_come_again_and_nothing_is_lost() {
    let database = Database::fresh().await;
    let proxy = Proxy::before(database.url()).await;
    let variables = [("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET), ("USHER_DATABASE_URL", proxy.url())];
    let service = Service::with(&variables).await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    proxy.set(&Whom::All, Flow::Held);
    let senders = insist(&service);
    let meanwhile = async {
        let began = Instant::now();
        let body = event_body(FLOOD);
        let answer = deliver(&service, &body, &signed(&body, Utc::now())).await;
        answer.problem(503, "inbox-unavailable");
        assert!(began.elapsed() < Duration::from_secs(10), "nobody waits for ever");
        // Forgeries are refused as always: checking a signature needs no database.
        wait_until("a place", Duration::from_secs(30), async || {
            let answer = deliver(&service, &body, "t=1,v1=00").await;
            (answer.status == 400).then_some(())
        })
        .await;
        proxy.heal();
    };
    let (refused, ()) = tokio::join!(senders, meanwhile);
    assert!(refused > 0);
    assert_eq!(stored(&pool).await, FLOOD as i64);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_without_being_read() {
    let service = Service::with(&[("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET)]).await;
    let never =
        axum::body::Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let ask = service.ask(Method::POST, "/webhooks/stripe").header("content-length", "5242880");
    let began = Instant::now();
    ask.raw("application/json", never).send().await.problem(413, "payload-too-large");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn five_megabytes_without_a_length_are_left_at_the_bound() {
    let service = Service::with(&[("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET)]).await;
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = sent.clone();
    let chunks = futures_util::stream::iter((0..80).map(move |_| {
        counter.fetch_add(64 * 1024, std::sync::atomic::Ordering::SeqCst);
        Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])
    }));
    let body = axum::body::Body::from_stream(chunks);
    let ask = service.ask(Method::POST, "/webhooks/stripe");
    ask.raw("application/json", body).send().await.problem(413, "payload-too-large");
    assert!(sent.load(std::sync::atomic::Ordering::SeqCst) <= 512 * 1024);
}
