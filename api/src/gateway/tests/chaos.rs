//! Under random trouble the same orders, repeated under their keys, are each charged at most once.

use super::world::{World, key, no_doubles, order};
use serde_json::json;
use steps::gateway::GatewayError;

const ORDERS: usize = 40;

#[tokio::test]
async fn chaos_delays_and_declines_but_never_charges_twice() {
    let world = World::new().await;
    let settings = json!({"probability": 0.3, "seed": 7});
    let put = world.http.put(format!("{}/control/chaos", world.url)).json(&settings);
    assert_eq!(put.send().await.unwrap().status(), 200);
    let mut secured = 0;
    for _ in 0..ORDERS {
        let order = order("pm_card_visa");
        let ended = async || match world.gateway.authorise(&order, &key(&order)).await {
            Ok(intent) if intent.secured().is_some() => Some(true),
            Err(GatewayError::Declined { .. }) => Some(false),
            Ok(_) | Err(_) => None,
        };
        let ended = world.until("the order's end", ended).await;
        if ended {
            secured += 1;
        }
    }
    assert!(secured > ORDERS / 2, "{secured}");
    let books = world.get("books").await;
    assert_eq!(books["doubles"], no_doubles());
    assert_eq!(books["sums"]["eur"]["authorised"], secured as i64 * 12_500);
}
