//! Money that is never captured is settled, either by what the gateway says or by what an operator decides.

use super::{
    customer::Customer,
    reconcile::{assert_resolved, damage, lose_webhooks, only, open_cases, reconcile, tell_case},
    uncaptured::Uncaptured,
    world::{LONG, PaymentWorld},
};
use chrono::Utc;
use operator::By;
use rstest::rstest;
use serde_json::{Value, json};
use service::reconcile::{Class, NeverCapturedError, record_never_captured, store::cases};
use steps::{PaymentId, gateway::Currency};
use tests::support::PRICE;

/// What `usher case never-captured` does.
async fn never_captured(world: &PaymentWorld, case: &cases::Case) -> Result<i64, NeverCapturedError> {
    let (at, by) = ((&world.pool, &world.service.tasks), By::new("ada", "another account"));
    let given_up = record_never_captured(at, &world.service.gateway, case, by, Utc::now()).await;
    given_up.map(|money| money.amount)
}

async fn payment_of(booked: &Uncaptured<'_>) -> Value {
    let booking = booked.ada.get(&format!("/bookings/{}", booked.booking)).await.is(200);
    booked.ada.payment(&json!({"payment_id": booking["payment_id"]})).await
}

#[rstest]
#[case::its_webhook_comes(false)]
#[case::its_webhook_is_lost(true)]
#[tokio::test]
async fn a_lapsed_authorisation_ends_and_its_booking_can_be_cancelled(#[case] unheard: bool) {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    if unheard {
        booked.by_hand_unheard("lapse", json!({})).await;
    } else {
        booked.by_hand("lapse", json!({})).await;
        // While no request to capture comes through, the webhook alone tells of it.
        booked.is_released().await;
    }
    let cause = booked.is_stuck(unheard).await;
    let detail = cause["refused_after_pivot"]["error"].as_str().unwrap_or_default();
    assert!(detail.contains("lapsed") && detail.contains(&booked.booking), "{cause}");
    booked.is_released().await;
    assert_eq!(world.violations("booking_money").await, 1, "seats are sold without money");
    assert_eq!(payment_of(&booked).await["failure"], "authorisation-lapsed");
    booked.cancel().await;
    booked.resolve().await;
    booked.ends_with_nothing().await;
}

#[tokio::test]
async fn money_that_nobody_captures_any_more_is_seen() {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    booked.by_hand_unheard("capture", json!({"amount": 500})).await;
    booked.is_stuck(true).await;
    assert_eq!(world.violations("booking_money").await, 0, "its saga lives");
    booked.resolve().await;
    booked.is_owed().await;
    assert_eq!(world.violations("booking_money").await, 1, "its saga is over");
    booked.by_hand("refund", json!({})).await;
    let case = only(&world, Class::BookingWithoutMoney, PRICE, 0).await;
    tell_case(&world, &case).await;
    booked.is_released().await;
    booked.cancel().await;
    assert_resolved(&world, &case).await;
    booked.ends_with_nothing().await;
}

#[tokio::test]
async fn money_that_the_gateway_does_not_know_is_given_up_on_an_operators_word() {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    booked.by_hand_unheard("capture", json!({"amount": 500})).await;
    booked.is_stuck(true).await;
    booked.resolve().await;
    damage(&world, "update booking.payments set gateway_reference = 'pi_nobody'").await;
    let report = reconcile(&world).await;
    // The intent that was really made is a second difference now.
    assert_eq!(report.differing(), 2, "{report:#?}");
    let cases = open_cases(&world).await;
    let case = cases.iter().find(|case| case.class == Class::BookingWithoutMoney.as_str()).unwrap();
    let charged = cases::Case { reference: booked.intent.clone(), ..case.clone() };
    let there = never_captured(&world, &charged).await;
    assert!(matches!(there, Err(NeverCapturedError::StillThere(..))), "{there:?}");
    booked.is_owed().await;

    assert_eq!(never_captured(&world, case).await.unwrap(), PRICE);
    booked.is_released().await;
    let again = never_captured(&world, case).await;
    assert!(matches!(again, Err(NeverCapturedError::NotOwed(..))), "{again:?}");
    let audited = "select count(*) from usher.audit where action = 'case_never_captured' and actor = 'ada'";
    assert_eq!(world.count(audited).await, 1);
    booked.cancel().await;
    assert_eq!(world.violations("booking_money").await, 0);
    assert_eq!(world.count("select count(*) from booking.ledger_imbalance").await, 0);
}

#[tokio::test]
async fn while_a_saga_may_capture_it_no_word_gives_money_up() {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    lose_webhooks(&world).await;
    let payment = payment_of(&booked).await["payment_id"].as_str().unwrap().parse().unwrap();
    let seen = cases::Seen {
        reference: "pi_nobody".to_owned(),
        class: Class::BookingWithoutMoney,
        payment: Some(PaymentId::from_uuid(payment)),
        reservation: None,
        currency: Currency::EUR,
        ours: PRICE,
        theirs: 0,
        what: "seen by somebody else".to_owned(),
    };
    let mut connection = world.pool.acquire().await.unwrap();
    cases::see(&mut connection, "stripe", &[seen], Utc::now()).await.unwrap();
    drop(connection);
    let case = open_cases(&world).await.remove(0);
    let early = never_captured(&world, &case).await;
    assert!(matches!(early, Err(NeverCapturedError::AtWork(_))), "{early:?}");
    booked.is_owed().await;
}

/// Both books have the capture in the end, though the saga that made it never learnt of it.
#[tokio::test]
async fn a_capture_that_a_completed_saga_did_not_learn_of_is_taken_in() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    world.gateway.rule(&["capture", "read"], None, json!({"lie": {"amount": 1}})).await;
    let (show, ada): (_, Customer<'_>) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let booked = Uncaptured::of(&world, ada, reservation).await;
    world.stuck(&booked.reservation).await;
    world.gateway.behave().await;
    booked.resolve().await;
    booked.is_owed().await;
    let case = only(&world, Class::AmountDiffers, PRICE, PRICE).await;
    tell_case(&world, &case).await;
    assert_eq!(booked.standing().await.0, "SUCCESS/CAPTURED");
    assert_resolved(&world, &case).await;
    world.close().await;
}
