//! Where messages never go: to private addresses, by any name, and wherever a receiver sends them.

use super::{
    post::{LONG, Post, saga},
    receiver::{Act, Receiver},
};
use rstest::rstest;
use service::outbox::{Settings, address::PrivateAddresses};
use tests::support::wait_until;
use tokio::net::TcpListener;

#[rstest]
#[case::by_number("127.0.0.1", "private address")]
#[case::by_name("localhost", "leads to private addresses only")]
#[tokio::test]
async fn a_private_address_is_refused_before_anything_is_sent(#[case] host: &str, #[case] error: &str) {
    let post = Post::open().await;
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // As if the address had been public when the subscription was added.
    let url = format!("https://{host}:{}/hooks", door.local_addr().unwrap().port());
    let id = post.subscribe_to(&url, &[]).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let node = post.node(Settings { private: PrivateAddresses::Refuse, ..post.settings() }).await;
    let said = tokio::select! {
        said = wait_until("it has failed", LONG, async || post.look(id).await.last_error) => said,
        knocked = door.accept() => panic!("somebody knocked: {knocked:?}"),
    };
    assert!(said.contains(error), "{said}");
    node.stop().await;
}

#[tokio::test]
async fn plain_http_is_refused_where_private_addresses_are() {
    let (post, receiver) = (Post::open().await, Receiver::open().await);
    let id = post.subscribe(&receiver).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let node = post.node(Settings { private: PrivateAddresses::Refuse, ..post.settings() }).await;
    let said = wait_until("it has failed", LONG, async || post.look(id).await.last_error).await;
    assert!(said.starts_with("only https is allowed"), "{said}");
    node.stop().await;
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (post, receiver, elsewhere) = (Post::open().await, Receiver::open().await, Receiver::open().await);
    let to = elsewhere.url.clone();
    receiver.behave(move |_| Act::Redirect(to.clone()));
    let id = post.subscribe(&receiver).await;
    post.add_messages(saga("a"), 0, "told", 1).await;
    let node = post.node(post.settings()).await;
    let said = wait_until("it has failed", LONG, async || post.look(id).await.last_error).await;
    assert_eq!(said, "answered 307; redirects are not followed");
    node.stop().await;
    assert_eq!(elsewhere.got().len(), 0);
}
