//! Commits that a failover lost: the gateway has money that names a payment of ours, and our books have nothing of it.

use super::{
    reconcile::{
        assert_resolved, booked, charge, count, damage, intent_of, last_hour, lose_webhooks, only,
        open_cases, reconcile, reconcile_with, refund,
    },
    world::PaymentWorld,
};
use chrono::{TimeDelta, Utc};
use operator::{By, Limits};
use serde_json::json;
use service::reconcile::{
    Class, GiveBackError, GivenBack, Options, ReconcileError, TellError, give_back, store::cases, tell_nodes,
};
use tests::support::PRICE;

/// What a failover leaves that lost the last commits: a payment at the gateway, and nothing of it here.
async fn fail_over(world: &PaymentWorld) {
    let lose = "delete from booking.ledger; delete from booking.bookings; delete from booking.payments;
        delete from booking.gateway_references; delete from usher.sagas; delete from usher.journal;
        delete from usher.mailbox";
    damage(world, lose).await;
}

/// What `usher case give-back` does.
async fn given_back(world: &PaymentWorld, case: &cases::Case) -> Result<GivenBack, GiveBackError> {
    let by = By::new("ada", "lost by the failover");
    give_back(
        (&world.pool, &world.service.tasks),
        &world.service.gateway,
        case,
        by,
        Limits::default(),
        Utc::now(),
    )
    .await
}

async fn found(world: &PaymentWorld, case: &cases::Case) -> cases::Case {
    let mut connection = world.pool.acquire().await.unwrap();
    cases::find(&mut connection, cases::CaseId::from_uuid(case.id)).await.unwrap().unwrap()
}

#[tokio::test]
async fn money_that_a_failover_lost_is_named_and_given_back_once() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let (payment, intent) = {
        let books = world.gateway.books().await;
        let entry = books.only(&reservation);
        (entry.payment_id.clone().unwrap(), entry.id.clone())
    };
    fail_over(&world).await;

    let case = only(&world, Class::UnknownPayment, 0, PRICE).await;
    assert!(case.what.contains(&payment), "{}", case.what);
    let named = (case.payment_id.unwrap().to_string(), case.reservation_id.unwrap().to_string());
    assert_eq!(named, (payment, reservation["reservation_id"].as_str().unwrap().to_owned()));
    let told =
        tell_nodes(&world.pool, &world.service.gateway, &case, &By::new("ada", "why not"), Utc::now()).await;
    assert!(matches!(told, Err(TellError::Lost(..))), "{told:?}");

    let small = Limits { second_person_above_minor: Some(PRICE - 1) };
    let alone = give_back(
        (&world.pool, &world.service.tasks),
        &world.service.gateway,
        &case,
        By::new("ada", "alone"),
        small,
        Utc::now(),
    )
    .await;
    assert!(matches!(alone, Err(GiveBackError::TooMuch(_))), "{alone:?}");

    // The first answer is lost. Whoever repeats the command gets that refund, and no second one is made.
    let lost = json!({"after": "close"});
    world.gateway.rule(&["refund"], 1, lost).await;
    let first = given_back(&world, &case).await;
    assert!(matches!(first, Err(GiveBackError::Gateway(..))), "{first:?}");
    let asked = found(&world, &case).await;
    assert_eq!((asked.given_back_by.as_deref(), asked.given_back_how), (Some("ada"), None));
    let (one, other) = tokio::join!(given_back(&world, &case), given_back(&world, &case));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let books = world.gateway.books().await;
    let entry = books.intents.iter().find(|entry| entry.id == intent).unwrap();
    assert_eq!((entry.captured, entry.refunded), (PRICE, PRICE), "once");
    let how = found(&world, &case).await.given_back_how.unwrap();
    assert!(how == "nothing was left to give back" || how.ends_with(" of 125.00 EUR"), "{how}");
    let audited = "select count(*) from usher.audit where action = 'case_give_back' and actor = 'ada'";
    assert_eq!(world.count(audited).await, 3, "each who pressed");
    assert_resolved(&world, &case).await;
}

#[tokio::test]
async fn held_money_that_was_lost_is_cancelled_and_what_carries_no_ids_of_ours_is_left_alone() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    let stranger = charge(&world, &[]).await;
    let payment = uuid::Uuid::now_v7().to_string();
    let order = [
        ("amount", "700"),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("capture_method", "manual"),
        ("metadata[payment_id]", &payment),
    ];
    let held = world.gateway.post("payment_intents", &order).await["id"].as_str().unwrap().to_owned();
    world.gateway.post(&format!("payment_intents/{held}/confirm"), &[]).await;
    let report = reconcile(&world).await;
    assert_eq!(count(&report, Class::UnknownPayment), 2, "{report:#?}");
    for case in open_cases(&world).await {
        let given = given_back(&world, &case).await;
        if case.reference == stranger {
            assert!(matches!(given, Err(GiveBackError::NotOurs(_))), "{given:?}");
        } else {
            assert_eq!((given.unwrap(), case.reference.as_str()), (GivenBack::Cancelled, held.as_str()));
            assert_eq!(given_back(&world, &case).await.unwrap(), GivenBack::Nothing, "pressed again");
        }
    }
    let report = reconcile(&world).await;
    assert_eq!((report.differing(), report.cases_vanished), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn a_webhook_of_a_payment_that_was_lost_is_unmatched() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let intent = intent_of(&world, &reservation).await;
    fail_over(&world).await;
    world.gateway.behave().await;
    refund(&world, &intent, json!({"amount": 500})).await;
    let unmatched =
        "select count(*) from booking.inbox where state = 'UNMATCHED' and gateway_reference is not null";
    world.until_count("nobody knows the two", unmatched, 2).await;
    let waiting = "select count(*) from booking.inbox where state = 'PENDING'";
    world.until_count("nothing pretends to be on its way", waiting, 0).await;
}

#[tokio::test]
async fn a_case_that_the_gateway_chokes_on_hides_none_behind_it() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    let (first, second) = (charge(&world, &[]).await, charge(&world, &[]).await);
    reconcile(&world).await;
    let cases = open_cases(&world).await;
    assert_eq!(cases.len(), 2);
    // Cases are read in the order of their ids. The first of them is the one that the gateway can't read.
    let looked_at_first = cases.iter().min_by_key(|case| case.id).unwrap().reference.clone();
    let other = if looked_at_first == first { second } else { first };
    refund(&world, &other, json!({})).await;
    let choke = json!({"match": {"on": ["read"], "intent": looked_at_first}, "do": {"before": {"fail": {"status": 500}}}});
    world.gateway.control("rules", choke).await;
    let later = Options {
        since: Utc::now() + TimeDelta::seconds(2),
        until: Utc::now() + TimeDelta::seconds(3),
        ..last_hour()
    };
    let broken = reconcile_with(&world, later).await;
    assert!(matches!(broken, Err(ReconcileError::Gateway(_))), "{broken:?}");
    let left = open_cases(&world).await;
    assert_eq!(left.iter().map(|case| &case.reference).collect::<Vec<_>>(), [&looked_at_first]);
}
