//! What subscribers may rely on: signed CloudEvents, those of a saga in order, from their subscription on, of their types.

use super::{
    post::{Post, saga},
    receiver::{Act, Receiver},
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};
use tests::support::verify;

#[tokio::test]
async fn a_message_arrives_as_a_signed_cloud_event() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    post.subscribe(&receiver).await;
    let saga = saga("a");
    post.add_messages(saga, 15, "booking.confirmed", 1).await;
    let node = post.node(post.settings()).await;
    post.settled().await;
    node.stop().await;

    // The receiver has checked the signature.
    let [got] = &receiver.got()[..] else { panic!("one request: {:?}", receiver.got()) };
    assert_eq!(got.media_type, "application/cloudevents+json");
    assert_eq!(got.event["id"], got.id);
    for (attribute, value) in [
        ("specversion", json!("1.0")),
        ("source", json!("/usher")),
        ("type", json!("booking.confirmed")),
        ("subject", json!(saga)),
        ("datacontenttype", json!("application/json")),
        ("sagaid", json!(saga)),
        ("sequence", json!("00000007.0001")),
        ("data", json!({"number": 15})),
    ] {
        assert_eq!(got.event[attribute], value, "{attribute}");
    }
    assert!(chrono::DateTime::parse_from_rfc3339(got.event["time"].as_str().unwrap()).is_ok());
    verify(&post.pool).await;
}

#[tokio::test]
async fn each_saga_is_told_in_order_however_often_its_receiver_fails() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let count = AtomicUsize::new(0);
    receiver.behave(move |_| match count.fetch_add(1, Ordering::Relaxed) % 3 {
        1 => Act::Answer(500),
        _ => Act::Take,
    });
    post.subscribe(&receiver).await;
    let sagas = ["a", "b", "c", "d", "e"].map(saga);
    let node = post.node_in_steps(post.settings(), 7).await;
    for from in [0, 4, 8] {
        for saga in sagas {
            post.add_messages(saga, from, "told", 4).await;
        }
    }
    post.settled().await;
    node.stop().await;

    let mut told: HashMap<String, Vec<(String, i64)>> = HashMap::new();
    for got in receiver.got() {
        let (number, sequence) =
            (got.event["data"]["number"].as_i64().unwrap(), got.event["sequence"].clone());
        let of_saga = told.entry(got.event["sagaid"].as_str().unwrap().to_owned()).or_default();
        of_saga.push((sequence.as_str().unwrap().to_owned(), number));
    }
    assert_eq!(told.len(), 5);
    for told in told.into_values() {
        assert!(told.is_sorted(), "{told:?}");
        let mut numbers: Vec<i64> = told.into_iter().map(|(_, number)| number).collect();
        numbers.dedup();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    }
    verify(&post.pool).await;
}

#[tokio::test]
async fn a_new_subscription_gets_only_what_comes_after_it_and_only_its_types() {
    let (post, early, late, picky) =
        (Post::open().await, Receiver::open().await, Receiver::open().await, Receiver::open().await);
    post.add_messages(saga("before anybody"), 0, "told", 3).await;
    post.subscribe(&early).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 2).await;
    post.until_got(&early, 2).await;
    post.subscribe(&late).await;
    post.subscribe_to(&picky.url, &["asked", "answered"]).await;
    post.add_messages(saga("a"), 2, "told", 2).await;
    post.add_messages(saga("b"), 0, "asked", 1).await;
    post.add_messages(saga("b"), 2, "answered", 1).await;
    post.until_got(&early, 6).await;
    post.until_got(&late, 4).await;
    post.until_got(&picky, 2).await;
    node.stop().await;
    let told: Vec<(String, i64)> = late
        .got()
        .iter()
        .filter(|got| got.event["type"] == "told")
        .map(|got| {
            (got.event["type"].as_str().unwrap().to_owned(), got.event["data"]["number"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(told, [("told".to_owned(), 2), ("told".to_owned(), 3)]);
    let types: Vec<_> =
        picky.got().iter().map(|got| got.event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(types, ["asked", "answered"]);
    assert_eq!((early.got().len(), late.got().len()), (6, 4));
    let skipped = "select count(*) from usher.outbox where delivered_at is null";
    assert_eq!(post.count(skipped).await, 3, "nobody was there when they were decided");
    verify(&post.pool).await;
}

#[tokio::test]
async fn old_messages_leave_with_their_deliveries() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 5).await;
    post.settled().await;
    node.stop().await;
    let mut connection = post.pool.acquire().await.unwrap();
    let now = chrono::Utc::now() + chrono::TimeDelta::minutes(1);
    let mut delete =
        async |before, most| service::outbox::delete_old(&mut connection, before, most).await.unwrap();
    let left = "select (select count(*) from usher.outbox) * 10 + (select count(*) from booking.deliveries)";
    assert_eq!(delete(now - chrono::TimeDelta::hours(1), 10).await, 0);
    assert_eq!((delete(now, 3).await, post.count(left).await), (3, 52), "deliveries first");
    assert_eq!((delete(now, 3).await, post.count(left).await), (3, 20), "then messages");
    assert_eq!((delete(now, 3).await, post.count(left).await), (2, 0));
}
