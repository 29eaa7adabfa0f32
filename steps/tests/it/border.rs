//! Users, tokens, idempotency keys, the inbox, and gateways' names for payments.

use crate::support::{Sale, database, moment};
use serde_json::json;
use std::time::Duration;
use steps::PaymentId;
use steps::store::idempotency_keys::{self, Claim, Key, StoredAnswer};
use steps::store::inbox::{self, FactColumns, Received, Stored};
use steps::store::tokens::{self, Principal, Role};
use steps::store::{gateway_references, users};
use uuid::Uuid;

const HASH: [u8; 32] = [7; 32];
const RUNNING: Duration = Duration::from_secs(30);

fn key() -> Key {
    Key { principal: "ada".to_owned(), key: "k-1".to_owned() }
}

#[tokio::test]
async fn of_fifty_requests_under_one_key_one_runs_and_the_rest_get_its_answer() {
    let database = database().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let mut connection = database.connect().await;
        tasks.spawn(async move {
            let (key, effect) = (key(), Uuid::now_v7());
            idempotency_keys::claim(&mut connection, &key, &HASH, effect, RUNNING, moment(0)).await.unwrap()
        });
    }
    let claims = tasks.join_all().await;
    let claimed =
        claims.iter().filter(|claim| matches!(claim, Claim::Claimed { resumed: false, .. })).count();
    let running = claims.iter().filter(|claim| matches!(claim, Claim::InProgress)).count();
    assert_eq!((claimed, running), (1, 49));

    let mut connection = database.connect().await;
    let answer =
        StoredAnswer { status: 201, location: Some("/reservations/1".to_owned()), body: "{}".to_owned() };
    idempotency_keys::answer(&mut connection, &key(), &answer).await.unwrap();
    let again =
        idempotency_keys::claim(&mut connection, &key(), &HASH, Uuid::now_v7(), RUNNING, moment(1)).await;
    assert_eq!(again.unwrap(), Claim::Answered(answer));
    let other =
        idempotency_keys::claim(&mut connection, &key(), &[8; 32], Uuid::now_v7(), RUNNING, moment(1)).await;
    assert_eq!(other.unwrap(), Claim::Reused);
}

#[tokio::test]
async fn a_claim_left_behind_by_a_crash_is_completed_under_its_own_id() {
    let database = database().await;
    let mut connection = database.connect().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    for (effect, at, expected) in [
        (first, 0, Claim::Claimed { effect: first, resumed: false }),
        (second, 29, Claim::InProgress),
        (second, 31, Claim::Claimed { effect: first, resumed: true }),
        (second, 32, Claim::InProgress),
    ] {
        let claim =
            idempotency_keys::claim(&mut connection, &key(), &HASH, effect, RUNNING, moment(at)).await;
        assert_eq!(claim.unwrap(), expected, "at {at}");
    }
    idempotency_keys::free(&mut connection, &key(), first).await.unwrap();
    let claim = idempotency_keys::claim(&mut connection, &key(), &[8; 32], second, RUNNING, moment(33)).await;
    assert_eq!(claim.unwrap(), Claim::Claimed { effect: second, resumed: false });
    assert_eq!(idempotency_keys::forget(&mut connection, moment(33), 10).await.unwrap(), 0);
    assert_eq!(idempotency_keys::forget(&mut connection, moment(34), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_token_is_known_until_it_expires_or_is_revoked_and_is_kept_nowhere() {
    let database = database().await;
    let mut connection = database.connect().await;
    let ada = users::ensure(&mut connection, "Ada", "Ada@Example.org", moment(0)).await.unwrap();
    let same = users::ensure(&mut connection, "Ada L.", "ada@example.org ", moment(1)).await.unwrap();
    assert_eq!(ada, same);
    assert_eq!(users::find(&mut connection, ada.user).await.unwrap(), Some(ada.clone()));

    let customer = Principal { role: Role::Customer, subject: "ada".to_owned(), user: Some(ada.user) };
    let operator = Principal { role: Role::Operator, subject: "bob".to_owned(), user: None };
    tokens::insert(&mut connection, "secret", &customer, None, moment(0)).await.unwrap();
    tokens::insert(&mut connection, "stale", &operator, Some(moment(-400_000_000)), moment(0)).await.unwrap();
    assert_eq!(tokens::find(&mut connection, "secret").await.unwrap(), Some(customer));
    assert_eq!(tokens::find(&mut connection, "stale").await.unwrap(), None);
    assert_eq!(tokens::find(&mut connection, "guess").await.unwrap(), None);
    let leaked: i64 =
        sqlx::query_scalar("select count(*) from booking.tokens as t where t::text like '%secret%'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(leaked, 0);
    assert_eq!(tokens::revoke_all(&mut connection, "ada", moment(1)).await.unwrap(), 1);
    assert_eq!(tokens::find(&mut connection, "secret").await.unwrap(), None);
}

#[tokio::test]
async fn a_webhook_is_kept_once_and_applied_once() {
    let mut sale = Sale::of(1).await;
    let payment = PaymentId::new_in(sale.event.bucket());
    let fact = FactColumns {
        kind: "authorised".to_owned(),
        payment: Some(payment),
        reference: Some("pi_1".to_owned()),
        money: None,
        at: moment(0),
        whole: json!({"kind": "authorised"}),
    };
    let received = Received { provider: "stripe", event_id: "evt_1", body: b"{}", fact: Some(fact) };
    let connection = &mut sale.connection;
    assert_eq!(inbox::insert(connection, &received, moment(0)).await.unwrap(), Stored::New);
    assert_eq!(inbox::insert(connection, &received, moment(1)).await.unwrap(), Stored::Duplicate);
    let lie = Received { body: b"{ }", ..received.clone() };
    assert_eq!(inbox::insert(connection, &lie, moment(1)).await.unwrap(), Stored::Differs);

    let waiting = inbox::list_waiting(connection, moment(0), moment(1), 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].payment, waiting[0].key.clone()), (Some(payment), received.key()));
    assert_eq!(waiting[0].key.bucket, payment.bucket());
    assert!(inbox::mark_applied(connection, &received.key(), payment, moment(2)).await.unwrap());
    assert!(!inbox::mark_applied(connection, &received.key(), payment, moment(3)).await.unwrap());
    assert!(inbox::list_waiting(connection, moment(0), moment(10), 10).await.unwrap().is_empty());
    let kept = sale.count("select count(*) from booking.inbox_variants").await;
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn an_event_that_names_no_payment_waits_to_be_matched_by_the_gateways_name() {
    let mut sale = Sale::of(1).await;
    let payment = PaymentId::new_in(sale.event.bucket());
    let fact = FactColumns {
        kind: "refund".to_owned(),
        payment: None,
        reference: Some("pi_9".to_owned()),
        money: Some(crate::support::price_of(1)),
        at: moment(0),
        whole: json!({"kind": "refund"}),
    };
    let received = Received { provider: "stripe", event_id: "evt_2", body: b"{}", fact: Some(fact) };
    let ignored = Received { provider: "stripe", event_id: "evt_3", body: b"{}", fact: None };
    let connection = &mut sale.connection;
    inbox::insert(connection, &received, moment(0)).await.unwrap();
    inbox::insert(connection, &ignored, moment(0)).await.unwrap();
    let waiting = inbox::list_waiting(connection, moment(0), moment(1), 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let reference = waiting[0].reference.as_deref().unwrap();
    assert_eq!(gateway_references::find(connection, "stripe", reference).await.unwrap(), None);
    gateway_references::remember(connection, "stripe", reference, payment).await.unwrap();
    assert_eq!(gateway_references::find(connection, "stripe", reference).await.unwrap(), Some(payment));
    assert!(inbox::mark_applied(connection, &waiting[0].key, payment, moment(2)).await.unwrap());
}
