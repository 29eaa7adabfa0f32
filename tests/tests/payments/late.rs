//! Money for a reservation that no longer waits for it: it buys the same seats if they are free, else it goes back.

use super::{
    customer::Customer,
    world::{LONG, PaymentWorld, Plan},
};
use rstest::rstest;
use serde_json::{Value, json};
use service::jobs::Jobs;
use std::time::Duration;
use tests::support::{PRICE, Show};

/// How long seats are held where a test waits for the end of the hold.
pub const SHORT: Duration = Duration::from_millis(1200);

/// A reservation whose customer never proved who they are, so that it has expired.
pub async fn expired(world: &PaymentWorld, show: &Show, ada: &Customer<'_>) -> Value {
    let reservation = ada.reserve(show, &[0]).await;
    ada.pay(&reservation, "pm_card_authenticationRequired").await;
    ada.until(&reservation, "EXPIRED").await;
    world.at_rest(&reservation).await;
    reservation
}

/// The customer pays in another tab: another intent under the same payment.
pub async fn pay_in_another_tab(world: &PaymentWorld, reservation: &Value) {
    let intent = world.gateway.books().await.of(reservation)[0].id.clone();
    world.gateway.control(&format!("intents/{intent}/again"), json!({})).await;
}

/// Waits until the late money is settled, and gives the payment as the first reservation shows it.
async fn settled(world: &PaymentWorld, ada: &Customer<'_>, reservation: &Value, status: &str) -> Value {
    world
        .until(&format!("the late payment is {status}"), async || {
            let late = ada.reservation(reservation).await["late_payment"].clone();
            (late["status"] == status).then_some(late)
        })
        .await
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn late_money_whose_seats_are_still_free_books_them_after_all(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = expired(&world, &show, &ada).await;
    pay_in_another_tab(&world, &reservation).await;
    let late = world
        .until("it is booked after all", async || {
            let late = ada.reservation(&reservation).await["late_payment"].clone();
            late["booking_id"].is_string().then_some(late)
        })
        .await;
    assert_eq!(ada.reservation(&reservation).await["status"], "EXPIRED", "the old one stays as it is");
    let booking = ada.get(&format!("/bookings/{}", late["booking_id"].as_str().unwrap())).await.is(200);
    assert_eq!((&booking["status"], &booking["payment_id"]), (&json!("CONFIRMED"), &late["payment_id"]));
    assert_eq!(booking["seats"], reservation["seats"]);
    let books = world.close().await;
    assert_eq!(books.of(&reservation).iter().map(|intent| intent.captured).sum::<i64>(), PRICE);
}

#[rstest]
#[case::manual(Plan::default(), "FAILED")]
#[case::automatic(Plan::default().automatic(), "REFUNDED")]
#[tokio::test]
async fn late_money_whose_seats_are_gone_goes_back_in_full(#[case] plan: Plan, #[case] back: &str) {
    let world = plan.open().await;
    let (show, ada, bob) = (world.show(1, SHORT).await, world.customer().await, world.customer().await);
    let reservation = expired(&world, &show, &ada).await;
    let others = bob.reserve(&show, &[0]).await;
    bob.pay(&others, "pm_card_visa").await;
    bob.until(&others, "CONFIRMED").await;
    pay_in_another_tab(&world, &reservation).await;
    let late = settled(&world, &ada, &reservation, back).await;
    assert_eq!(late["booking_id"], Value::Null);
    let books = world.close().await;
    assert_eq!(books.of(&reservation).iter().map(|intent| intent.captured - intent.refunded).sum::<i64>(), 0);
}

#[rstest]
#[case::manual(Plan::default(), "FAILED")]
#[case::automatic(Plan::default().automatic(), "REFUNDED")]
#[tokio::test]
async fn who_pays_twice_in_two_tabs_gets_the_second_money_back(#[case] plan: Plan, #[case] back: &str) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    pay_in_another_tab(&world, &reservation).await;
    // The news waits if the first money is still being captured.
    world.rest().await;
    settled(&world, &ada, &reservation, back).await;
    let books = world.close().await;
    assert_eq!(
        books.of(&reservation).iter().map(|intent| intent.captured - intent.refunded).sum::<i64>(),
        PRICE
    );
}

#[tokio::test]
async fn who_pays_in_another_tab_while_the_first_is_asked_is_charged_once() {
    let world = Plan::default().automatic().open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    pay_in_another_tab(&world, &reservation).await;
    world
        .until_count("the news is kept", "select count(*) from booking.inbox where kind = 'captured'", 1)
        .await;
    let page = payment["next_action"]["url"].as_str().unwrap();
    world.http.post(format!("{page}/approve")).send().await.unwrap();
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    settled(&world, &ada, &reservation, "REFUNDED").await;
    world.close().await;
}

#[tokio::test]
async fn late_money_is_found_when_its_webhook_is_lost() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    pay_in_another_tab(&world, &reservation).await;
    world.a_minute_later().await;
    settled(&world, &ada, &reservation, "FAILED").await;
    world.close().await;
}

#[tokio::test]
async fn late_money_waits_while_the_gateway_is_away() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = expired(&world, &show, &ada).await;
    world.gateway.rule(&["read"], 3, json!({"before": "drop"})).await;
    pay_in_another_tab(&world, &reservation).await;
    world.rest().await;
    assert!(ada.reservation(&reservation).await["late_payment"]["booking_id"].is_string());
    world.close().await;
}

#[tokio::test]
async fn late_money_that_is_not_there_for_a_moment_is_not_given_up() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = expired(&world, &show, &ada).await;
    // The first read, for the news, shows the money. The second, for the late payment, shows an older state.
    world.gateway.rule(&["read"], 1, json!({})).await;
    world.gateway.rule(&["read"], 1, json!({"lie": {"status": "processing"}})).await;
    pay_in_another_tab(&world, &reservation).await;
    settled(&world, &ada, &reservation, "SUCCESS").await;
    world.close().await;
}

#[tokio::test]
async fn late_money_that_is_less_than_the_price_needs_a_person() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = expired(&world, &show, &ada).await;
    world.gateway.rule(&["read"], None, json!({"lie": {"amount": 1}})).await;
    pay_in_another_tab(&world, &reservation).await;
    let stuck = "select count(*) from usher.sagas where workflow = 'late_payment' and state = 'stuck'";
    world.until_count("it is stuck", stuck, 1).await;
    assert_eq!(world.count("select count(*) from booking.bookings").await, 0);
}

#[tokio::test]
async fn late_money_is_seen_however_much_news_of_others_waits() {
    const OTHERS: i64 = 150;
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    // An account that others use too: its news is about payments that we don't know, and waits for a day.
    let others = (0..OTHERS).map(|number| {
        let event = json!({"type": "payment_intent.succeeded", "id": format!("evt_{number}"),
            "object": {"id": "pi_of_others", "object": "payment_intent", "status": "succeeded", "amount": 1,
            "currency": "eur", "amount_capturable": 0, "amount_received": 1, "capture_method": "automatic",
            "created": 1_700_000_000, "livemode": false, "metadata": {}}});
        world.gateway.control("events", event)
    });
    futures_util::future::join_all(others).await;
    world
        .until_count("they wait", "select count(*) from booking.inbox where state = 'UNMATCHED'", OTHERS)
        .await;
    let age = "update booking.inbox set received_at = received_at - interval '1 hour'";
    sqlx::query(age).execute(&world.pool).await.unwrap();

    let reservation = expired(&world, &show, &ada).await;
    let own = world.gateway.books().await.of(&reservation)[0].id.clone();
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"hold": true}})).await;
    let late = world.gateway.control(&format!("intents/{own}/again"), json!({})).await["id"].clone();
    // The gateway can't be asked at that moment.
    let once = json!({"match": {"on": ["read"], "intent": late}, "times": 1, "do": {"before": "drop"}});
    world.gateway.behave().await;
    world.gateway.control("rules", once).await;
    world.gateway.control("webhooks/release", json!({})).await;
    world.until("it was asked", async || (world.gateway.rules().await == 0).then_some(())).await;
    let age = "update booking.inbox set received_at = received_at - interval '10 minutes'
        where state in ('PENDING', 'UNMATCHED')";
    sqlx::query(age).execute(&world.pool).await.unwrap();
    for _ in 0..5 {
        Jobs::run_once(&world.service).await;
    }
    let seen = "select count(*) from booking.payments where late_for is not null";
    world.until_count("it is seen", seen, 1).await;
}
