//! Several attempts to pay within one hold, where the configuration allows them.

use super::world::{LONG, PaymentWorld, Plan};
use serde_json::json;
use tests::support::PRICE;

async fn patient_world() -> PaymentWorld {
    Plan::default().with("USHER_BOOKING_PAYMENT_ATTEMPTS_MAX", "3").open().await
}

#[tokio::test]
async fn after_a_decline_another_card_gets_the_same_seats() {
    let world = patient_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let first = ada.pay(&reservation, "pm_card_chargeDeclined").await;
    assert_eq!(first["status"], "FAILED");
    assert_eq!(ada.reservation(&reservation).await["status"], "PENDING", "the seats stay held");
    let second = ada.pay(&reservation, "pm_card_visa").await;
    assert_ne!(first["payment_id"], second["payment_id"]);
    let found = ada.until(&reservation, "CONFIRMED").await;
    assert_eq!(found["payment_id"], second["payment_id"]);
    let books = world.close().await;
    assert_eq!(books.of(&reservation).iter().map(|intent| intent.captured).collect::<Vec<_>>(), [0, PRICE]);
}

#[tokio::test]
async fn a_payment_that_fails_later_leaves_room_for_another_and_can_not_be_charged() {
    let world = patient_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let first = ada.pay(&reservation, "pm_processing_fails").await;
    world
        .until("the first try has failed", async || {
            (ada.payment(&first).await["status"] == "FAILED").then_some(())
        })
        .await;
    let intent = world.gateway.books().await.only(&reservation).status.clone();
    assert_eq!(intent, "canceled");
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn while_a_payment_is_under_way_no_other_is_ordered() {
    let world = patient_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let first = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    let body = json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"});
    ada.post("/payments", body).await.problem(409, "payment-in-progress");
    let page = first["next_action"]["url"].as_str().unwrap();
    world.http.post(format!("{page}/approve")).send().await.unwrap();
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn the_last_decline_frees_the_seats() {
    let world = patient_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    for number in 1..=3 {
        let payment = ada.pay(&reservation, "pm_card_chargeDeclined").await;
        assert_eq!(payment["status"], "FAILED", "try {number}");
    }
    ada.until(&reservation, "EXPIRED").await;
    let body = json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"});
    ada.post("/payments", body).await.problem(410, "reservation-expired");
    world.close().await;
}

#[tokio::test]
async fn by_default_one_decline_frees_the_seats() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_chargeDeclined").await;
    ada.until(&reservation, "EXPIRED").await;
    world.close().await;
}
