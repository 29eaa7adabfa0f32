//! The books survive the simulator.

use super::world::{World, key, order};
use serde_json::json;
use std::path::PathBuf;
use steps::gateway::{FactKind, IntentStatus};

/// A file that is gone with the test.
struct BooksFile(PathBuf);

impl BooksFile {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("usher-gateway-{}.jsonl", uuid::Uuid::now_v7())))
    }
}

impl Drop for BooksFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn money_keys_and_events_are_there_after_a_restart() {
    let file = BooksFile::new();
    let mut world = World::with(|config| config.books = Some(file.0.clone())).await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.kinds(1).await;
    let before = world.get("books").await;
    world.restart().await;
    assert_eq!(world.get("books").await, before);
    let again = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    assert_eq!(again, intent, "the key is known");
    assert_eq!(world.line(&order).await["times_secured"], 1);
    let events = world.gateway.events(chrono::DateTime::UNIX_EPOCH, None).await.unwrap();
    assert_eq!(events.items[0].fact.as_ref().unwrap().kind, FactKind::Authorised);
}

#[tokio::test]
async fn what_was_pending_and_undelivered_goes_on_after_a_restart() {
    let file = BooksFile::new();
    let mut world = World::with(|config| config.books = Some(file.0.clone())).await;
    world.receiver_answers(503);
    let process = json!({"confirm": {"process": {"after_ms": 50, "then": "settle"}}});
    world.rule(json!({"match": {"on": ["confirm"]}, "do": process})).await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    assert_eq!(intent.status, IntentStatus::Processing);
    world.restart().await;
    world.receiver_answers(200);
    let told = async || world.facts().iter().any(|fact| fact.kind == FactKind::Authorised).then_some(());
    world.until("the settlement", told).await;
    let all_taken = async || (world.get("webhooks").await["due"] == 0).then_some(());
    world.until("delivery", all_taken).await;
    assert!(world.facts().iter().any(|fact| fact.kind == FactKind::Processing));
}

#[tokio::test]
async fn requests_that_hang_do_not_keep_the_server() {
    let mut world = World::new().await;
    world.rule(json!({"do": {"before": "hang"}})).await;
    let order = order("pm_card_visa");
    let gateway = world.gateway.clone();
    let (made, ()) = tokio::join!(async { gateway.create(&order, "k").await }, async {
        let began = std::time::Instant::now();
        world.restart().await;
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    });
    assert!(made.is_err());
}
