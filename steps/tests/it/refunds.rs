//! Refunds: of a part, twice, failed, disputed, and late.

use crate::support::{PRICE, Sale, moment, price_of};
use chrono::DateTime;
use steps::gateway::fact::DisputeStage;
use steps::gateway::{IntentId, Refund, RefundId, RefundStatus, Trace};
use steps::money::{Currency, Money};
use steps::status::SeatStatus::{Available, Booked};
use steps::status::{MoneyState, PaymentStatus};
use steps::store::bookings::{self, LockOutcome};
use steps::store::payments::{
    self, Applied, ChargeRecord, Contradiction, Dispute, Late, News, RefundTotal, ReturnedRefund,
    accept_late, apply_all, list_late, owed_since, record_dispute, record_refunds, refund_total,
};
use steps::store::seats::free_booked;
use steps::{BookingId, PaymentId, ReservationId};

fn euro(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn refund(id: &str, amount: i64, status: RefundStatus) -> Refund {
    Refund {
        id: RefundId::new(id),
        intent: Some(IntentId::new("pi_1")),
        money: euro(amount),
        status,
        trace: Trace::default(),
        created: DateTime::UNIX_EPOCH,
    }
}

/// A booking whose money was captured.
async fn sold(sale: &mut Sale, seats: &[usize]) -> (ReservationId, PaymentId, BookingId) {
    let reservation = sale.reserve(seats, moment(0)).await;
    let payment = sale.order(reservation, moment(1)).await;
    let money = price_of(seats.len() as i64);
    let news = News::Captured { reference: "pi_1".to_owned(), money };
    apply_all(&mut sale.connection, &[(payment, news)], moment(1)).await.unwrap();
    sale.confirm(reservation, payment).await;
    let booking = sale.reservation(reservation).await.booking.unwrap();
    (reservation, payment, booking)
}

async fn record(sale: &mut Sale, payment: PaymentId, refunds: &[Refund]) -> payments::RecordedRefunds {
    record_refunds(&mut sale.connection, payment, &charge(price_of(1)), refunds, moment(9)).await.unwrap()
}

/// A charge of which so much was captured.
fn charge(captured: Money) -> ChargeRecord {
    ChargeRecord { intent: IntentId::new("pi_1"), captured }
}

async fn imbalance(sale: &mut Sale) -> Vec<(String, i64, i64)> {
    sqlx::query_as(
        "select account, balance_minor, expected_minor from booking.ledger_imbalance order by account",
    )
    .fetch_all(&mut sale.connection)
    .await
    .unwrap()
}

/// Captured, refunded, lost, booked, difference.
async fn sums(sale: &mut Sale) -> (i64, i64, i64, i64, i64) {
    sqlx::query_as(
        "select captured_minor, refunded_minor, lost_minor, booked_minor, difference_minor
         from booking.money_by_currency where currency = 'EUR'",
    )
    .fetch_one(&mut sale.connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_part_refunded_elsewhere_is_taken_in_once() {
    let mut sale = Sale::of(1).await;
    let (_, payment, _) = sold(&mut sale, &[0]).await;
    let part = [refund("re_1", 500, RefundStatus::Succeeded)];
    let taken = record(&mut sale, payment, &part).await;
    let changed = Applied::Changed { status: PaymentStatus::Success, money: MoneyState::Captured };
    assert_eq!((taken.applied, taken.failed, taken.owed), (vec![changed], vec![], false));
    let again = record(&mut sale, payment, &part).await;
    assert_eq!(again.applied, [Applied::Nothing { status: PaymentStatus::Success }]);
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!((row.status, row.refunded_minor), (PaymentStatus::Success, 500));
    assert_eq!(imbalance(&mut sale).await, []);
    assert_eq!(sums(&mut sale).await, (PRICE, 500, 0, PRICE - 500, 0));
    let gone = refund_total(&mut sale.connection, payment, price_of(1)).await.unwrap();
    assert_eq!(gone, RefundTotal { total: euro(500), counted: vec![RefundId::new("re_1")] });
}

#[tokio::test]
async fn a_refund_that_fails_is_reported_once_and_owed_once_it_is_decided() {
    let mut sale = Sale::of(1).await;
    let (_, payment, _) = sold(&mut sale, &[0]).await;
    record(&mut sale, payment, &[refund("re_1", PRICE, RefundStatus::Pending)]).await;
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!((row.status, row.money), (PaymentStatus::Refunded, MoneyState::Refunded));

    let failed = [refund("re_1", PRICE, RefundStatus::Failed), refund("re_0", 1, RefundStatus::Canceled)];
    let taken = record(&mut sale, payment, &failed).await;
    let returned = ReturnedRefund { id: RefundId::new("re_1"), elsewhere: true };
    assert_eq!(taken.failed, [returned], "one that never counted owes nothing");
    let news = News::RefundFailed { refund: "re_1".to_owned() };
    for _ in 0..2 {
        apply_all(&mut sale.connection, &[(payment, news.clone())], moment(9)).await.unwrap();
    }
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!(
        (row.status, row.money, row.refunded_minor),
        (PaymentStatus::Success, MoneyState::Captured, 0)
    );
    assert_eq!(imbalance(&mut sale).await, [("owed".to_owned(), PRICE, 0)]);
    let taken = record(&mut sale, payment, &failed).await;
    assert_eq!((taken.failed, taken.owed), (vec![], true));
    assert_eq!(owed_since(&mut sale.connection, payment).await.unwrap(), Some(moment(9)));
    let owed = refund_total(&mut sale.connection, payment, price_of(1)).await.unwrap();
    assert_eq!(owed, RefundTotal { total: price_of(1), counted: vec![] });
}

#[tokio::test]
async fn more_than_was_taken_is_not_written_down() {
    let mut sale = Sale::of(1).await;
    let (_, payment, _) = sold(&mut sale, &[0]).await;
    let both =
        [refund("re_1", PRICE - 1, RefundStatus::Succeeded), refund("re_2", 2, RefundStatus::Succeeded)];
    let taken = record(&mut sale, payment, &both).await;
    let more = Contradiction::MoreThanTaken { left: euro(1), told: euro(2) };
    assert_eq!(taken.applied[1], Applied::Contradicts(more));
    assert_eq!(imbalance(&mut sale).await, []);
}

#[tokio::test]
async fn a_refund_of_a_part_capture_writes_no_capture() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.order(reservation, moment(1)).await;
    let held = News::Held { reference: "pi_1".to_owned(), money: price_of(1) };
    apply_all(&mut sale.connection, &[(payment, held)], moment(1)).await.unwrap();
    sale.confirm(reservation, payment).await;
    let refunds = [refund("re_1", 500, RefundStatus::Succeeded)];
    let taken = record_refunds(&mut sale.connection, payment, &charge(euro(500)), &refunds, moment(9)).await;
    let differs = Contradiction::AmountDiffers { expected: price_of(1), told: euro(500) };
    assert_eq!(taken.unwrap().applied, [Applied::Contradicts(differs)]);
    assert_eq!(sale.count("select count(*) from booking.ledger where kind <> 'authorised'").await, 0);
    let never = News::NeverCaptured { reason: "captured-in-part".to_owned() };
    apply_all(&mut sale.connection, &[(payment, never)], moment(9)).await.unwrap();
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!((row.status, row.money), (PaymentStatus::Failed, MoneyState::Voided));
    assert_eq!(row.failure.as_deref(), Some("captured-in-part"));
    assert_eq!(imbalance(&mut sale).await, []);
}

#[tokio::test]
async fn a_dispute_is_opened_and_ended_once_in_any_order() {
    for (status, lost, booked) in [("won", 0, PRICE), ("lost", PRICE, 0)] {
        let mut sale = Sale::of(1).await;
        let (_, payment, _) = sold(&mut sale, &[0]).await;
        let opened = Dispute {
            id: "dp_1".to_owned(),
            charge: charge(price_of(1)),
            stage: DisputeStage::Opened,
            status: "needs_response".to_owned(),
            money: price_of(1),
            at: DateTime::UNIX_EPOCH,
        };
        let closed = Dispute { stage: DisputeStage::Closed, status: status.to_owned(), ..opened.clone() };
        for (told, disputed) in [(&opened, true), (&opened, true), (&closed, false), (&opened, false)] {
            record_dispute(&mut sale.connection, payment, told, moment(9)).await.unwrap();
            let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
            assert_eq!(row.disputed, disputed, "{told:?}");
            assert_eq!(imbalance(&mut sale).await, []);
        }
        assert_eq!(sums(&mut sale).await, (PRICE, 0, lost, booked, 0), "{status}");
    }
}

#[tokio::test]
async fn an_inquiry_freezes_nothing() {
    let mut sale = Sale::of(1).await;
    let (_, payment, _) = sold(&mut sale, &[0]).await;
    let inquiry = Dispute {
        id: "dp_1".to_owned(),
        charge: charge(price_of(1)),
        stage: DisputeStage::Opened,
        status: "warning_needs_response".to_owned(),
        money: price_of(1),
        at: DateTime::UNIX_EPOCH,
    };
    let told = record_dispute(&mut sale.connection, payment, &inquiry, moment(9)).await.unwrap();
    assert_eq!(told, Applied::Nothing { status: PaymentStatus::Success });
}

#[tokio::test]
async fn only_a_cancelled_booking_frees_its_seats_and_only_its_own() {
    let mut sale = Sale::of(3).await;
    let (reservation, _, booking) = sold(&mut sale, &[0, 1]).await;
    let (other, ..) = sold(&mut sale, &[2]).await;
    assert_eq!(free_booked(&mut sale.connection, reservation).await.unwrap(), 0, "it stands");
    let LockOutcome::Locked(found) = bookings::lock_to_cancel(&mut sale.connection, booking).await.unwrap()
    else {
        panic!("nobody else has it")
    };
    assert_eq!((found.reservation, found.amount), (reservation, price_of(2)));
    bookings::cancel(&mut sale.connection, booking, moment(9)).await.unwrap();
    assert!(bookings::cancel(&mut sale.connection, booking, moment(9)).await.is_err(), "twice is a race");
    for freed in [2, 0] {
        assert_eq!(free_booked(&mut sale.connection, reservation).await.unwrap(), freed);
    }
    assert_eq!(sale.statuses().await, [Available, Available, Booked]);
    assert_eq!(free_booked(&mut sale.connection, other).await.unwrap(), 0);
    // The seats can be sold again.
    sold(&mut sale, &[0, 1]).await;
    assert_eq!(sale.statuses().await, [Booked, Booked, Booked]);
}

#[tokio::test]
async fn late_money_has_a_payment_of_its_own_beside_the_old_one() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let old = sale.order(reservation, moment(1)).await;
    sale.expire(reservation, moment(2)).await;
    let bucket = sale.event.bucket();
    let late = Late {
        payment: PaymentId::new_in(bucket),
        reservation: ReservationId::new_in(bucket),
        late_for: reservation,
        money: price_of(1),
        gateway: "stripe".to_owned(),
    };
    for _ in 0..2 {
        accept_late(&mut sale.connection, std::slice::from_ref(&late), moment(3)).await.unwrap();
    }
    let held = News::Held { reference: "pi_1".to_owned(), money: price_of(1) };
    apply_all(&mut sale.connection, &[(late.payment, held)], moment(3)).await.unwrap();
    let rows = list_late(&mut sale.connection, reservation).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].payment, rows[0].late_for), (late.payment, Some(reservation)));
    assert_eq!(rows[0].status, PaymentStatus::Success);
    let row = payments::find(&mut sale.connection, old).await.unwrap().unwrap();
    assert_eq!((row.status, row.late_for), (PaymentStatus::Failed, None));
}
