//! Subscriptions that are disabled, and enabled again.

use super::{
    post::{LONG, Post, saga},
    receiver::{Act, Receiver},
};
use service::outbox::store::{subscriptions, upkeep};
use std::time::Duration;
use tests::support::wait_until;

const DAYS: Duration = Duration::from_secs(5 * 24 * 3600);

#[tokio::test]
async fn one_that_has_only_failed_for_days_is_disabled_and_can_be_enabled_again() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(|_| Act::Answer(500));
    let id = post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    wait_until("it has failed", LONG, async || (post.look(id).await.failures > 0).then_some(())).await;
    let mut connection = post.pool.acquire().await.unwrap();
    assert_eq!(subscriptions::disable_failing(&mut connection, DAYS).await.unwrap(), []);
    post.run("update booking.subscriptions set failing_since = failing_since - interval '6 days'").await;
    assert_eq!(subscriptions::disable_failing(&mut connection, DAYS).await.unwrap(), [id]);
    let because = post.look(id).await.disabled_because.unwrap();
    assert!(because.starts_with("every attempt since "), "{because}");
    post.add_messages(saga("a"), 2, "told", 1).await;

    receiver.behave(|_| Act::Take);
    assert!(subscriptions::enable(&mut connection, id).await.unwrap());
    post.add_messages(saga("a"), 4, "told", 1).await;
    let told = async || {
        let numbers: Vec<_> = receiver.got().iter().map(|got| got.event["data"]["number"].clone()).collect();
        (numbers.last() == Some(&4.into())).then_some(numbers)
    };
    let numbers = wait_until("it is told of what came after", LONG, told).await;
    assert!(numbers.contains(&0.into()), "what waited goes out: {numbers:?}");
    assert!(!numbers.contains(&2.into()), "what was decided meanwhile doesn't: {numbers:?}");
    node.stop().await;
    assert!(post.look(id).await.disabled_at.is_none());
}

#[tokio::test]
async fn one_that_answers_gone_is_disabled_at_once() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(|_| Act::Answer(410));
    let id = post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let because = wait_until("it is disabled", LONG, async || post.look(id).await.disabled_because).await;
    assert_eq!(because, "answered 410: it wants no more");
    node.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_subscription_goes_with_it() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(|_| Act::Answer(500));
    let id = post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 7).await;
    let waiting = "select count(*) from booking.deliveries";
    wait_until("all wait", LONG, async || (post.count(waiting).await == 7).then_some(())).await;
    node.stop().await;
    let mut connection = post.pool.acquire().await.unwrap();
    assert!(subscriptions::delete(&mut connection, id).await.unwrap());
    assert!(!subscriptions::delete(&mut connection, id).await.unwrap());
    assert_eq!(upkeep::delete_of(&mut connection, id, 5).await.unwrap(), 5);
    assert_eq!(upkeep::delete_of(&mut connection, id, 5).await.unwrap(), 2);
}

#[tokio::test]
async fn there_is_a_bound_for_subscriptions() {
    let post = Post::open().await;
    let receiver = Receiver::open().await;
    for _ in 0..subscriptions::SUBSCRIPTIONS_MAX {
        post.subscribe(&receiver).await;
    }
    let id = service::outbox::SubscriptionId::new_in(orchestrator::Bucket::of_key("one more"));
    let mut connection = post.pool.acquire().await.unwrap();
    let secret = super::receiver::SECRET.into();
    assert!(!subscriptions::insert(&mut connection, id, &receiver.url, &[], &secret).await.unwrap());
}
