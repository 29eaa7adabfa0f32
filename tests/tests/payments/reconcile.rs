//! Reconciliation against the simulated gateway's own books: each class made for real, shown, and gone after repair.

use super::world::{LONG, PaymentWorld, Plan};
use chrono::{DateTime, TimeDelta, Utc};
use operator::By;
use serde_json::{Value, json};
use service::reconcile::{Class, Options, ReconcileError, Report, Walk, store::cases, tell_nodes};
use sqlx::AssertSqlSafe;
use std::time::Duration;
use tests::support::PRICE;

/// The last hour, and two seconds more for payments that the gateway dates in the present second.
pub fn last_hour() -> Options {
    let now = Utc::now();
    Options {
        since: now - TimeDelta::hours(1),
        until: now + TimeDelta::seconds(2),
        settled_after: TimeDelta::zero(),
        write_cases: true,
    }
}

async fn walk(world: &PaymentWorld, options: Options) -> Walk {
    Walk::begin(world.pool.clone(), world.service.gateway.clone(), options).await.unwrap()
}

pub async fn reconcile_with(world: &PaymentWorld, options: Options) -> Result<Report, ReconcileError> {
    let mut walk = walk(world, options).await;
    walk.prepare().await?;
    while walk.slice().await? {}
    walk.finish().await?;
    Ok(walk.report().clone())
}

pub async fn reconcile(world: &PaymentWorld) -> Report {
    reconcile_with(world, last_hour()).await.unwrap()
}

pub fn count(report: &Report, class: Class) -> u64 {
    report.classes.iter().filter(|sum| sum.class == class).map(|sum| sum.count).sum()
}

/// Asserts that this is the one difference, that it is an open case, and what both sides say.
pub async fn only(world: &PaymentWorld, class: Class, ours: i64, theirs: i64) -> cases::Case {
    let report = reconcile(world).await;
    assert!(report.complete);
    assert_eq!((report.differing(), count(&report, class)), (1, 1), "{report:#?}");
    let found = &report.differences[0];
    assert_eq!((found.class, found.ours_minor, found.theirs_minor), (class, ours, theirs), "{found:?}");
    let open = open_cases(world).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].class.as_str(), &open[0].what), (class.as_str(), &found.what));
    open.into_iter().next().unwrap()
}

pub async fn open_cases(world: &PaymentWorld) -> Vec<cases::Case> {
    let mut connection = world.pool.acquire().await.unwrap();
    cases::list(&mut connection, Some("OPEN"), None, 100).await.unwrap()
}

/// Asserts that the books agree again, and that the run itself has resolved the case.
pub async fn assert_resolved(world: &PaymentWorld, case: &cases::Case) {
    // The reconciliation job may have resolved the case before this run.
    let report = reconcile(world).await;
    assert_eq!(report.differing(), 0, "{report:#?}");
    let mut connection = world.pool.acquire().await.unwrap();
    let id = cases::CaseId::from_uuid(case.id);
    let resolved = cases::find(&mut connection, id).await.unwrap().unwrap();
    let said = (resolved.state.as_str(), resolved.resolved_by.as_deref(), resolved.how.as_deref());
    assert_eq!(said, ("RESOLVED", Some("reconciliation"), Some("vanished")));
}

/// A booking whose money is captured and whose saga is at rest. Webhooks are lost from then on.
pub async fn booked(world: &PaymentWorld) -> Value {
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    lose_webhooks(world).await;
    reservation
}

pub async fn lose_webhooks(world: &PaymentWorld) {
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
}

/// Charges money at the gateway without our service. Gives the intent's id.
pub async fn charge(world: &PaymentWorld, trace: &[(&str, &str)]) -> String {
    let order = [
        ("amount", "700"),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("capture_method", "automatic"),
    ];
    let made = world.gateway.post("payment_intents", &[&order, trace].concat()).await;
    let intent = made["id"].as_str().unwrap().to_owned();
    world.gateway.post(&format!("payment_intents/{intent}/confirm"), &[]).await;
    intent
}

pub async fn refund(world: &PaymentWorld, intent: &str, details: Value) {
    world.gateway.control(&format!("intents/{intent}/refund"), details).await;
}

pub async fn intent_of(world: &PaymentWorld, reservation: &Value) -> String {
    world.gateway.books().await.only(reservation).id.clone()
}

pub async fn damage(world: &PaymentWorld, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&world.pool).await.unwrap();
}

#[tokio::test]
async fn a_day_like_any_other_matches() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(3, LONG).await, world.customer().await);
    for (seat, method) in
        ["pm_card_visa", "pm_card_chargeDeclined", "pm_processing_settles"].iter().enumerate()
    {
        let reservation = ada.reserve(&show, &[seat]).await;
        ada.pay(&reservation, method).await;
    }
    world.rest().await;
    let report = reconcile(&world).await;
    assert_eq!((report.compared, count(&report, Class::Matched)), (3, 3), "{report:#?}");
    assert_eq!(report.classes[0].ours_minor, 2 * PRICE);
    assert_eq!(report.classes[0].theirs_minor, 2 * PRICE);
}

#[tokio::test]
async fn a_charge_behind_our_back_is_an_unknown_payment_until_it_is_given_back() {
    let world = PaymentWorld::open().await;
    booked(&world).await;
    let intent = charge(&world, &[]).await;
    let case = only(&world, Class::UnknownPayment, 0, 700).await;
    assert_eq!((case.reference.as_str(), case.payment_id), (intent.as_str(), None));
    let again = only(&world, Class::UnknownPayment, 0, 700).await;
    assert_eq!(again.id, case.id, "one case a difference");
    assert!(again.last_seen_at > case.last_seen_at);
    refund(&world, &intent, json!({})).await;
    assert_resolved(&world, &case).await;
}

#[tokio::test]
async fn a_second_charge_for_one_payment_is_money_without_booking() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let payment = world.gateway.books().await.only(&reservation).payment_id.clone().unwrap();
    let intent = charge(&world, &[("metadata[payment_id]", &payment)]).await;
    let case = only(&world, Class::MoneyWithoutBooking, 0, 700).await;
    assert_eq!(case.payment_id.unwrap().to_string(), payment);
    refund(&world, &intent, json!({})).await;
    assert_resolved(&world, &case).await;
}

#[tokio::test]
async fn a_full_refund_in_the_dashboard_leaves_a_booking_without_money() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let intent = intent_of(&world, &reservation).await;
    refund(&world, &intent, json!({})).await;
    let case = only(&world, Class::BookingWithoutMoney, PRICE, 0).await;
    assert_eq!(case.reference, intent);
    assert_eq!(case.reservation_id.unwrap().to_string(), reservation["reservation_id"].as_str().unwrap());
}

#[tokio::test]
async fn a_booking_whose_money_the_gateway_never_saw_has_no_money() {
    let world = PaymentWorld::open().await;
    booked(&world).await;
    let kept = "create table kept as select id, gateway_reference from booking.payments;
        update booking.payments set gateway_reference = 'pi_nobody'";
    damage(&world, kept).await;
    let report = reconcile(&world).await;
    // The intent that was really made is a second difference now.
    let found = (count(&report, Class::BookingWithoutMoney), count(&report, Class::MoneyWithoutBooking));
    assert_eq!(found, (1, 1), "{report:#?}");
    let mend =
        "update booking.payments p set gateway_reference = k.gateway_reference from kept k where k.id = p.id";
    damage(&world, mend).await;
    let report = reconcile(&world).await;
    assert_eq!((report.differing(), report.cases_vanished), (0, 2), "{report:#?}");
}

#[tokio::test]
async fn a_partial_refund_in_the_dashboard_is_a_refund_that_our_books_lack() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let intent = intent_of(&world, &reservation).await;
    refund(&world, &intent, json!({"amount": 500})).await;
    let case = only(&world, Class::RefundMissing, 0, 500).await;
    assert_eq!(case.what, "our books lack a refund of 5.00 EUR");
}

#[tokio::test]
async fn a_refund_of_an_older_charge_is_found_by_the_gateways_news() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let intent = intent_of(&world, &reservation).await;
    refund(&world, &intent, json!({"amount": 500})).await;
    // The window begins after the charge.
    damage(&world, "update booking.ledger set at = at - interval '3 days'").await;
    let now = Utc::now();
    let mut walk = walk(&world, Options { since: now - TimeDelta::hours(1), ..last_hour() }).await;
    walk.prepare().await.unwrap();
    // No slice shows it, only the news of the refund does.
    walk.finish().await.unwrap();
    assert_eq!(count(walk.report(), Class::RefundMissing), 1, "{:#?}", walk.report());
}

#[tokio::test]
async fn amounts_that_differ_are_a_case_of_their_own() {
    let world = PaymentWorld::open().await;
    booked(&world).await;
    damage(&world, "update booking.ledger set amount_minor = amount_minor - 100 where kind = 'captured'")
        .await;
    let case = only(&world, Class::AmountDiffers, PRICE, PRICE).await;
    let differs = "124.00 EUR and 1.00 EUR in our books, 125.00 EUR and 0.00 EUR at the gateway";
    assert!(case.what.contains(differs), "{}", case.what);
    damage(&world, "update booking.ledger set amount_minor = amount_minor + 100 where kind = 'captured'")
        .await;
    assert_resolved(&world, &case).await;
}

#[tokio::test]
async fn a_row_that_we_lost_is_an_unknown_payment() {
    let world = PaymentWorld::open().await;
    booked(&world).await;
    let lose = "create table lost as select * from booking.ledger; delete from booking.ledger;
        create table lost_row as
            select id, reservation_id, amount_minor, created_at, bucket, currency, gateway, status, money,
                gateway_reference, settled_at from booking.payments;
        delete from booking.payments";
    damage(&world, lose).await;
    let case = only(&world, Class::UnknownPayment, 0, PRICE).await;
    let mend = "insert into booking.ledger select * from lost;
        insert into booking.payments (id, reservation_id, amount_minor, created_at, bucket, currency, gateway, status,
            money, gateway_reference, settled_at) select * from lost_row";
    damage(&world, mend).await;
    assert_resolved(&world, &case).await;
}

/// What `usher case tell` does; the jobs act on it.
pub async fn tell_case(world: &PaymentWorld, case: &cases::Case) {
    tell_nodes(&world.pool, &world.service.gateway, case, &By::new("ada", "a lost webhook"), Utc::now())
        .await
        .unwrap();
    sqlx::query("update booking.inbox set received_at = received_at - interval '1 minute'")
        .execute(&world.pool)
        .await
        .unwrap();
    let jobs = world.with_jobs().await;
    world.rest().await;
    jobs.stop().await;
}

#[tokio::test]
async fn a_refund_whose_news_was_lost_is_taken_in_when_the_nodes_are_told() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    refund(&world, &intent_of(&world, &reservation).await, json!({"amount": 500})).await;
    let case = only(&world, Class::RefundMissing, 0, 500).await;
    tell_case(&world, &case).await;
    assert_resolved(&world, &case).await;
    let reason = "select count(*) from booking.inbox where convert_from(body, 'UTF8')::json ->> 'by' = 'ada'";
    assert_eq!(world.count(reason).await, 1, "who told them is kept with what was told");
}

#[tokio::test]
async fn a_second_charge_is_given_back_when_the_nodes_are_told() {
    let world = PaymentWorld::open().await;
    let reservation = booked(&world).await;
    let payment = world.gateway.books().await.only(&reservation).payment_id.clone().unwrap();
    let id = |name: &str| reservation[name].as_str().unwrap().to_owned();
    let price = PRICE.to_string();
    let order = [
        ("amount", price.as_str()),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("capture_method", "automatic"),
        ("metadata[saga_id]", &id("saga_id")),
        ("metadata[payment_id]", &payment),
        ("metadata[reservation_id]", &id("reservation_id")),
    ];
    let intent = world.gateway.post("payment_intents", &order).await["id"].as_str().unwrap().to_owned();
    world.gateway.post(&format!("payment_intents/{intent}/confirm"), &[]).await;
    let case = only(&world, Class::MoneyWithoutBooking, 0, PRICE).await;
    tell_case(&world, &case).await;
    assert_resolved(&world, &case).await;
    let books = world.gateway.books().await;
    let second = books.intents.iter().find(|found| found.id == intent).unwrap();
    assert_eq!((second.captured, second.refunded), (PRICE, PRICE));
}

#[tokio::test]
async fn money_that_came_in_late_is_compared_with_the_payment_of_its_own() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, Duration::from_millis(1200)).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_authenticationRequired").await;
    ada.until(&reservation, "EXPIRED").await;
    world.at_rest(&reservation).await;
    let intent = intent_of(&world, &reservation).await;
    world.gateway.control(&format!("intents/{intent}/again"), json!({})).await;
    world.until_count("it is booked after all", "select count(*) from booking.bookings", 1).await;
    world.rest().await;
    let report = reconcile(&world).await;
    assert_eq!((report.compared, count(&report, Class::Matched)), (2, 2), "{report:#?}");
    assert_eq!((report.classes[0].ours_minor, report.classes[0].theirs_minor), (PRICE, PRICE));
}

#[tokio::test]
async fn a_booking_without_money_is_cancelled_and_its_case_is_gone() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let found = ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    lose_webhooks(&world).await;
    refund(&world, &intent_of(&world, &reservation).await, json!({})).await;
    let case = only(&world, Class::BookingWithoutMoney, PRICE, 0).await;
    let cancellation = format!("/bookings/{}/cancellation", found["booking_id"].as_str().unwrap());
    ada.post(&cancellation, json!({"reason": "refunded by hand"})).await.is(202);
    world.rest().await;
    assert_resolved(&world, &case).await;
}

#[tokio::test]
async fn what_a_saga_still_works_on_is_in_flight_and_what_is_stuck_stands_apart() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_authenticationRequired").await;
    let intent = intent_of(&world, &reservation).await;
    world.gateway.control(&format!("intents/{intent}/approve"), json!({})).await;
    let report = reconcile(&world).await;
    assert_eq!((report.differing(), count(&report, Class::InFlight)), (0, 1), "{report:#?}");
    let stuck =
        r#"update usher.sagas set state = 'stuck', due_at = null, leased = false, stuck = '"foreign_wait"'"#;
    damage(&world, stuck).await;
    let report = reconcile(&world).await;
    assert_eq!((report.differing(), count(&report, Class::Stuck)), (0, 1), "{report:#?}");
    assert!(open_cases(&world).await.is_empty());
}

#[tokio::test]
async fn what_is_young_is_in_flight() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    charge(&world, &[]).await;
    let options = Options { settled_after: TimeDelta::minutes(15), ..last_hour() };
    let report = reconcile_with(&world, options).await.unwrap();
    assert_eq!((report.differing(), count(&report, Class::InFlight)), (0, 1), "{report:#?}");
}

#[tokio::test]
async fn a_window_of_several_pages_is_compared_whole() {
    const CHARGES: usize = 120; // a page has fifty
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    for _ in 0..CHARGES {
        charge(&world, &[]).await;
    }
    let report = reconcile(&world).await;
    assert_eq!(count(&report, Class::UnknownPayment), CHARGES as u64);
    let sum = report.classes.iter().find(|sum| sum.class == Class::UnknownPayment).unwrap();
    assert_eq!(sum.theirs_minor, 700 * CHARGES as i64);
}

#[tokio::test]
async fn a_run_that_breaks_off_resolves_nothing_wrongly_and_goes_on_where_it_was() {
    let world = PaymentWorld::open().await;
    booked(&world).await;
    charge(&world, &[]).await;
    let case = only(&world, Class::UnknownPayment, 0, 700).await;

    let options = last_hour();
    let mut broken = walk(&world, options).await;
    broken.prepare().await.unwrap();
    assert!(broken.slice().await.unwrap(), "a quarter of an hour without anything");
    world.gateway.rule(&["list", "read"], None, json!({"before": {"fail": {"status": 500}}})).await;
    let error = async {
        while broken.slice().await? {}
        broken.finish().await
    };
    assert!(matches!(error.await, Err(ReconcileError::Gateway(_))));
    let reached: DateTime<Utc> = broken.report().reached;
    assert!(reached > options.since && reached < options.until && !broken.report().complete);
    assert_eq!(open_cases(&world).await.len(), 1, "what could not be looked at is not resolved");

    world.gateway.behave().await;
    lose_webhooks(&world).await;
    let report = reconcile_with(&world, Options { since: reached, ..last_hour() }).await.unwrap();
    assert_eq!(count(&report, Class::UnknownPayment), 1);
    assert_eq!(open_cases(&world).await[0].id, case.id);
}

#[tokio::test]
async fn a_case_from_an_older_window_is_looked_at_again() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    let intent = charge(&world, &[]).await;
    let case = only(&world, Class::UnknownPayment, 0, 700).await;
    let later = Options {
        since: Utc::now() + TimeDelta::seconds(2),
        until: Utc::now() + TimeDelta::seconds(3),
        ..last_hour()
    };
    let report = reconcile_with(&world, later).await.unwrap();
    assert_eq!(count(&report, Class::UnknownPayment), 1, "it still differs");
    refund(&world, &intent, json!({})).await;
    let report = reconcile_with(&world, later).await.unwrap();
    assert_eq!((report.differing(), report.cases_vanished), (0, 1), "{report:#?}");
    assert_eq!(open_cases(&world).await.len(), 0);
    let _ = case;
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = PaymentWorld::open().await;
    lose_webhooks(&world).await;
    charge(&world, &[]).await;
    let report = reconcile_with(&world, Options { write_cases: false, ..last_hour() }).await.unwrap();
    assert_eq!(report.differing(), 1);
    assert!(open_cases(&world).await.is_empty());
}

#[tokio::test]
async fn automatic_capture_reconciles_like_manual() {
    let world = Plan::default().automatic().open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    let report = reconcile(&world).await;
    assert_eq!((report.compared, count(&report, Class::Matched)), (1, 1), "{report:#?}");
}
