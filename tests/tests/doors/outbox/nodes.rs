//! Nodes: many deliver once, and what one that dies has sent without noting it is sent again under its id.

use super::{
    post::{LONG, Post, saga},
    receiver::{Act, Receiver},
};
use rstest::rstest;
use service::{config::BatchScope, outbox::Settings};
use std::collections::HashSet;
use tests::{
    play::Gate,
    support::{verify, wait_until},
};

#[rstest]
#[case::of_many_buckets(BatchScope::Database)]
#[case::of_one_bucket(BatchScope::Bucket)]
#[tokio::test]
async fn many_nodes_deliver_each_message_once(#[case] scope: BatchScope) {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    post.subscribe(&receiver).await;
    let settings = Settings { scope, ..post.settings() };
    let node = async || post.node_in_steps(settings, 20).await;
    let nodes = [node().await, node().await, node().await];
    for n in 0..50 {
        post.add_messages(saga(&format!("{n}")), 0, "told", 4).await;
    }
    post.settled().await;
    for node in nodes {
        node.stop().await;
    }
    let ids = receiver.ids();
    assert_eq!(ids.len(), 200);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 200, "none of them twice");
    verify(&post.pool).await;
}

#[tokio::test]
async fn what_a_dead_node_has_sent_and_not_noted_is_sent_again_under_its_id() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let gate = Gate::shut();
    let held = gate.clone();
    receiver.behave(move |_| Act::Hold(held.clone()));
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 2).await;
    post.until_got(&receiver, 1).await;
    drop(node);
    gate.open();

    let other = post.node(post.settings()).await;
    let leased = "select count(*) from booking.deliveries where due_at > now()";
    assert_eq!(post.count(leased).await, 1, "it is still the dead node's");
    post.run("update booking.deliveries set due_at = now() where due_at > now()").await;
    post.settled().await;
    other.stop().await;
    let ids = receiver.ids();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[0], ids[1], "the same message, and then the next");
    assert_eq!(receiver.got()[0].event, receiver.got()[1].event);
    verify(&post.pool).await;
}

#[tokio::test]
async fn a_node_that_leaves_notes_what_is_out() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let gate = Gate::shut();
    let held = gate.clone();
    receiver.behave(move |_| Act::Hold(held.clone()));
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    post.until_got(&receiver, 1).await;
    let leaving = tokio::spawn(node.stop());
    gate.open();
    leaving.await.unwrap();
    assert_eq!(post.count("select count(*) from booking.deliveries where delivered_at is not null").await, 1);
}

#[tokio::test]
async fn a_database_that_goes_away_loses_nothing() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 2).await;
    post.until_got(&receiver, 2).await;
    // Ends every connection but the one that asks.
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    post.count(cut).await;
    let told = async || {
        let tell = sqlx::query(
            "insert into usher.outbox (saga_id, bucket, position, kind, payload, created_at)
             select saga_id, bucket, 9, kind, payload, now() from usher.outbox where position = 0 and ordinal = 0
             on conflict do nothing",
        );
        tell.execute(&post.pool).await.ok()
    };
    wait_until("the database is back", LONG, told).await;
    post.until_got(&receiver, 3).await;
    node.stop().await;
}
