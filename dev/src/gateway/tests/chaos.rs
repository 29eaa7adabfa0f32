//! Under random trouble the same orders, repeated under their keys, are each charged at most once by us.

use super::world::{World, key, order};
use serde_json::json;
use steps::gateway::{CaptureMethod, GatewayError, Order};

const ORDERS: usize = 30;

#[tokio::test]
async fn chaos_delays_and_declines_but_never_charges_twice() {
    check(CaptureMethod::Manual).await;
}

#[tokio::test]
async fn chaos_never_charges_twice_in_automatic_capture_either() {
    check(CaptureMethod::Automatic).await;
}

async fn check(capture: CaptureMethod) {
    let world = World::new().await;
    let settings = json!({"probability": 0.3, "seed": 7});
    let put = world.http.put(format!("{}/control/chaos", world.url)).json(&settings);
    assert_eq!(put.send().await.unwrap().status(), 200);
    let mut secured = 0;
    for _ in 0..ORDERS {
        let order = Order { capture, ..order("pm_card_visa") };
        let ended = async || match world.gateway.authorise(&order, &key(&order)).await {
            Ok(intent) if intent.secured().is_some() => Some(true),
            Err(GatewayError::Declined { .. }) => Some(false),
            Ok(_) | Err(_) => None,
        };
        let ended = world.until("the order's end", ended).await;
        secured += usize::from(ended);
    }
    assert!(secured > ORDERS / 2, "{secured}");
    let books = world.get("books").await;
    assert_eq!(books["doubles"], super::world::no_doubles());
    let sum = match capture {
        CaptureMethod::Manual => "authorised",
        CaptureMethod::Automatic => "captured",
    };
    assert_eq!(books["sums"]["eur"][sum], secured as u64 * 12_500);
}
