//! Receivers that fail: none delays another, each is asked less and less often, and operators see what is given up.

use super::{
    post::{LONG, Post, saga},
    receiver::{Act, Receiver},
};
use rstest::rstest;
use service::outbox::Settings;
use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tests::support::{verify, wait_until};

#[tokio::test]
async fn receivers_that_fail_hold_up_nobody_else() {
    let post = Post::open().await;
    let good = Receiver::open().await;
    post.subscribe(&good).await;
    let mut bads = Vec::new();
    for act in [Act::Hang, Act::Answer(500), Act::Endless, Act::Wait(429, "3600")] {
        let bad = Receiver::open().await;
        bad.behave(move |_| act.clone());
        post.subscribe(&bad).await;
        bads.push(bad);
    }
    post.subscribe_to("http://127.0.0.1:1/nobody", &[]).await;
    // A request to a receiver that hangs would take a minute.
    let node = post
        .node(Settings {
            deadline: Duration::from_secs(60),
            lease: Duration::from_secs(180),
            ..post.settings()
        })
        .await;
    for n in 0..30 {
        post.add_messages(saga(&format!("{n}")), 0, "told", 3).await;
    }
    let began = Instant::now();
    post.until_got(&good, 90).await;
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    drop(node);
}

#[tokio::test]
async fn one_who_fails_is_asked_less_and_less_often_and_gets_everything_when_it_is_well() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let down = Arc::new(AtomicBool::new(true));
    let is_down = down.clone();
    receiver.behave(move |_| if is_down.load(Ordering::Relaxed) { Act::Answer(503) } else { Act::Take });
    let id = post.subscribe(&receiver).await;
    let settings = Settings {
        backoff: Duration::from_millis(20),
        backoff_max: Duration::from_millis(300),
        ..post.settings()
    };
    let node = post.node(settings).await;
    for n in 0..40 {
        post.add_messages(saga(&format!("{n}")), 0, "told", 2).await;
    }
    let looked = wait_until("it has failed six times in a row", LONG, async || {
        let looked = post.look(id).await;
        (looked.failures >= 6).then_some(looked)
    })
    .await;
    assert_eq!(looked.last_error.as_deref(), Some("answered 503"));
    assert!(looked.failing_since.is_some() && looked.retry_at.is_some(), "{looked:?}");
    // The first requests came together (at most 8), and then one at a time.
    let asked = receiver.got().len();
    assert!(asked <= 8 + looked.failures as usize + 2, "{asked} requests, {} failures", looked.failures);

    down.store(false, Ordering::Relaxed);
    post.settled().await;
    node.stop().await;
    let mut ids = receiver.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 80);
    let looked = post.look(id).await;
    assert_eq!((looked.failures, looked.last_error), (0, None));
    verify(&post.pool).await;
}

#[tokio::test]
async fn one_message_that_is_never_taken_holds_up_only_its_saga_and_is_given_up_in_the_end() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let poison = saga("poison");
    receiver.behave(move |got| {
        let poisonous = got.event["sagaid"] == poison.to_string() && got.event["data"]["number"] == 0;
        if poisonous { Act::Answer(422) } else { Act::Take }
    });
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(poison, 0, "told", 2).await;
    for n in 0..10 {
        post.add_messages(saga(&format!("{n}")), 0, "told", 2).await;
    }
    let others = || receiver.got().iter().filter(|got| got.event["sagaid"] != poison.to_string()).count();
    wait_until("all others are told", LONG, async || (others() == 20).then_some(())).await;
    let next = || {
        receiver
            .got()
            .iter()
            .any(|got| got.event["sagaid"] == poison.to_string() && got.event["data"]["number"] == 1)
    };
    assert!(!next(), "the next must wait for the first");
    let given_up =
        "select count(*) from booking.deliveries where failed_at is not null and last_error = 'answered 422'";
    assert_eq!(post.count(given_up).await, 0);

    // As if the messages had been decided two hours ago.
    post.run(
        "update booking.deliveries set decided_at = decided_at - interval '2 hours' where due_at is not null",
    )
    .await;
    wait_until("the next is told", LONG, async || next().then_some(())).await;
    post.settled().await;
    node.stop().await;
    assert_eq!(post.count(given_up).await, 1);
    let late =
        service::verify::INVARIANTS.iter().find(|invariant| invariant.name == "outbox_undelivered").unwrap();
    let found = service::verify::check(&mut post.pool.acquire().await.unwrap(), late).await.unwrap();
    assert_eq!(found.violations, 1, "{found:?}");
}

#[rstest]
#[case::it_never_answers(Act::Hang, "no answer within 300ms")]
#[case::it_fails(Act::Answer(500), "answered 500")]
#[case::it_refuses(Act::Answer(404), "answered 404")]
#[tokio::test]
async fn what_went_wrong_is_said(#[case] act: Act, #[case] error: &str) {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(move |_| act.clone());
    let id = post.subscribe(&receiver).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let node = post.node(Settings { deadline: Duration::from_millis(300), ..post.settings() }).await;
    let said = wait_until("it has failed", LONG, async || post.look(id).await.last_error).await;
    assert_eq!(said, error);
    drop(node);
}

#[tokio::test]
async fn an_answer_without_end_is_an_answer() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(|_| Act::Endless);
    post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 3).await;
    post.settled().await;
    node.stop().await;
    assert_eq!(receiver.got().len(), 3);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    receiver.behave(|_| Act::Wait(429, "600"));
    let id = post.subscribe(&receiver).await;
    let node = post.node(post.settings()).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let looked = wait_until("it has failed", LONG, async || {
        let looked = post.look(id).await;
        (looked.failures > 0).then_some(looked)
    })
    .await;
    let wait = looked.retry_at.unwrap() - looked.failing_since.unwrap();
    assert_eq!(wait.num_seconds(), 600);
    node.stop().await;
    assert_eq!(receiver.got().len(), 1);
}
