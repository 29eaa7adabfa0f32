//! What subscribers are told of bookings: by real sagas, to a real receiver.

use super::super::outbox::receiver::{Receiver, SECRET};
use super::{booking::Customer, client::Service, venue::event};
use orchestrator::Bucket;
use serde_json::{Value, json};
use service::{
    config::BatchScope,
    outbox::{Outbox, Settings, SubscriptionId, address::PrivateAddresses, store::subscriptions},
};
use std::time::Duration;
use tests::support::wait_until;

async fn subscribed(service: &Service) -> (Receiver, Outbox) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let receiver = Receiver::open().await;
    let id = SubscriptionId::new_in(Bucket::of_key(&receiver.url));
    let mut connection = service.pool.acquire().await.unwrap();
    subscriptions::insert(&mut connection, id, &receiver.url, &[], &SECRET.into()).await.unwrap();
    let settings = Settings {
        private: PrivateAddresses::Allow,
        scope: BatchScope::Database,
        poll: Duration::from_millis(50),
        ..Settings::of(&service.app.service.config)
    };
    // On the service's own connections, so that the rights of its role must be enough.
    let (pool, handed) = (service.app.service.pool.clone(), service.app.service.handed.clone());
    (receiver, Outbox::start(pool, settings, handed).unwrap())
}

async fn received(receiver: &Receiver, kind: &str) -> Value {
    let what = format!("`{kind}` is told");
    wait_until(&what, Duration::from_secs(20), async || {
        receiver.got().into_iter().map(|got| got.event).find(|event| event["type"] == kind)
    })
    .await
}

#[tokio::test]
async fn a_booking_and_its_other_ends_are_told() {
    let service = Service::start().await;
    let (receiver, node) = subscribed(&service).await;
    let (show, seats) = event(&service, "a talk of the town", 8).await;
    let ada = Customer::new(&service).await;

    let reservation = ada.reserve(&seats[..2]).await;
    let payment = ada.pay(&reservation).await.json();
    let booking = ada.post_waiting("/bookings", json!({"payment_id": payment["payment_id"]})).await.json();
    let confirmed = received(&receiver, "booking.confirmed").await;
    assert_eq!(confirmed["subject"], booking["booking_id"]);
    assert_eq!(confirmed["sagaid"], reservation["saga_id"]);
    let ids = json!({
        "booking_id": booking["booking_id"],
        "reservation_id": reservation["reservation_id"],
        "payment_id": payment["payment_id"],
    });
    assert_eq!(confirmed["data"], ids);

    let given_back = ada.reserve(&seats[3..4]).await;
    ada.delete(&format!("/reservations/{}", given_back["reservation_id"].as_str().unwrap())).await;
    let cancelled = received(&receiver, "reservation.cancelled").await;
    assert_eq!(
        (&cancelled["subject"], &cancelled["data"]["event_id"]),
        (&given_back["reservation_id"], &json!(show))
    );

    sqlx::query("update booking.events set hold_ms = 100").execute(&service.pool).await.unwrap();
    let forgotten = ada.reserve(&seats[4..5]).await;
    let expired = received(&receiver, "reservation.expired").await;
    assert_eq!(expired["subject"], forgotten["reservation_id"]);

    service
        .until_count("all is told", "select count(*) from booking.deliveries where due_at is not null", 0)
        .await;
    node.stop().await;
    assert_eq!(receiver.got().len(), 3, "{:?}", receiver.ids());
    tests::support::verify(&service.pool).await;
    service.leave().await;
}
