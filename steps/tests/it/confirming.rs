//! Confirming and undoing: only for seats that are still the reservation's own, and only for the right amount.

use crate::support::{Sale, moment, price_of};
use steps::PaymentId;
use steps::status::{BookingStatus, PaymentStatus, ReservationStatus, SeatStatus};
use steps::store::bookings::{self, ConfirmOutcome, ConfirmRefusal};
use steps::store::payments::{self, News};
use steps::store::reservations::{End, EndOutcome, end_all};

use SeatStatus::{Available, Booked, Reserved};

#[tokio::test]
async fn a_paid_reservation_becomes_a_booking_whatever_the_time() {
    let mut sale = Sale::of(2).await;
    let reservation = sale.reserve(&[0, 1], moment(0)).await;
    let payment = sale.pay(reservation, moment(1)).await;
    let confirm = sale.confirmation(reservation, payment);
    let booking = confirm.booking;
    let outcomes = bookings::confirm_all(&mut sale.connection, &[confirm], moment(100_000)).await.unwrap();
    assert_eq!(outcomes, [ConfirmOutcome::Confirmed]);
    assert_eq!(sale.statuses().await, [Booked, Booked]);
    let row = sale.reservation(reservation).await;
    assert_eq!(
        (row.status, row.booking, row.payment),
        (ReservationStatus::Confirmed, Some(booking), Some(payment))
    );
    let row = bookings::find(&mut sale.connection, booking).await.unwrap().unwrap();
    assert_eq!((row.status, row.reservation, row.user), (BookingStatus::Confirmed, reservation, sale.user));
    // Confirming again changes nothing.
    let again = sale.confirm(reservation, payment).await;
    assert_eq!(
        again,
        ConfirmOutcome::Refused(ConfirmRefusal::NotPending { status: ReservationStatus::Confirmed })
    );
}

#[tokio::test]
async fn in_a_batch_each_is_judged_alone_and_answered_in_order() {
    let mut sale = Sale::of(4).await;
    let mut confirms = Vec::new();
    for seat in 0..4 {
        let reservation = sale.reserve(&[seat], moment(0)).await;
        let payment = match seat % 2 {
            0 => sale.pay(reservation, moment(1)).await,
            _ => sale.order(reservation, moment(1)).await,
        };
        confirms.push(sale.confirmation(reservation, payment));
    }
    confirms.reverse();
    let outcomes = bookings::confirm_all(&mut sale.connection, &confirms, moment(2)).await.unwrap();
    let unpaid = ConfirmOutcome::Refused(ConfirmRefusal::NotPaid { status: Some(PaymentStatus::Initiated) });
    assert_eq!(outcomes, [unpaid.clone(), ConfirmOutcome::Confirmed, unpaid, ConfirmOutcome::Confirmed]);
    assert_eq!(sale.statuses().await, [Booked, Reserved, Booked, Reserved]);
}

#[tokio::test]
async fn a_seat_that_is_no_longer_its_own_stops_the_whole_booking() {
    let mut sale = Sale::of(2).await;
    let reservation = sale.reserve(&[0, 1], moment(0)).await;
    let payment = sale.pay(reservation, moment(1)).await;
    let other = sale.take(&[1]).reservation;
    sqlx::query("update booking.seats set reservation_id = $2 where id = $1")
        .bind(sale.seats[1].uuid())
        .bind(other.uuid())
        .execute(&mut sale.connection)
        .await
        .unwrap();
    let outcome = sale.confirm(reservation, payment).await;
    assert_eq!(outcome, ConfirmOutcome::Refused(ConfirmRefusal::SeatsLost { own: 1, of: 2 }));
    assert_eq!(sale.statuses().await, [Reserved, Reserved]);
    assert_eq!(sale.count("select count(*) from booking.bookings").await, 0);
}

#[tokio::test]
async fn an_ended_reservation_is_not_confirmed() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.pay(reservation, moment(1)).await;
    sale.expire(reservation, moment(2)).await;
    let outcome = sale.confirm(reservation, payment).await;
    assert_eq!(
        outcome,
        ConfirmOutcome::Refused(ConfirmRefusal::NotPending { status: ReservationStatus::Expired })
    );
    assert_eq!(sale.statuses().await, [Available]);
}

#[tokio::test]
async fn only_its_own_payment_of_the_right_amount_confirms_a_reservation() {
    let mut sale = Sale::of(3).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let other = sale.reserve(&[1, 2], moment(0)).await;
    let foreign = sale.pay(other, moment(1)).await;
    let not_paid = ConfirmOutcome::Refused(ConfirmRefusal::NotPaid { status: None });
    assert_eq!(sale.confirm(reservation, foreign).await, not_paid);
    let nowhere = PaymentId::new_in(sale.event.bucket());
    assert_eq!(sale.confirm(reservation, nowhere).await, not_paid);

    let payment = sale.pay(reservation, moment(1)).await;
    sqlx::query("update booking.payments set amount_minor = 1 where id = $1")
        .bind(payment.uuid())
        .execute(&mut sale.connection)
        .await
        .unwrap();
    let mut paid = price_of(1);
    paid.amount = 1;
    assert_eq!(
        sale.confirm(reservation, payment).await,
        ConfirmOutcome::Refused(ConfirmRefusal::AmountDiffers { expected: price_of(1), paid })
    );
}

#[tokio::test]
async fn an_undo_frees_its_own_seats_only() {
    let mut sale = Sale::of(3).await;
    let mine = sale.reserve(&[0, 1], moment(0)).await;
    let other = sale.reserve(&[2], moment(0)).await;
    // One of my seats was given to the other by a statement outside of the steps.
    sqlx::query("update booking.seats set reservation_id = $2, hold = 2 where id = $1")
        .bind(sale.seats[1].uuid())
        .bind(other.uuid())
        .execute(&mut sale.connection)
        .await
        .unwrap();
    let end = End { reservation: mine, status: ReservationStatus::Cancelled };
    let outcomes = end_all(&mut sale.connection, &[end, end], moment(1)).await.unwrap();
    assert_eq!(outcomes, [EndOutcome::Ended, EndOutcome::Ended]);
    assert_eq!(sale.statuses().await, [Available, Reserved, Reserved]);
    assert_eq!(sale.reservation(mine).await.status, ReservationStatus::Cancelled);
}

#[tokio::test]
async fn a_confirmed_reservation_is_not_undone() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.pay(reservation, moment(1)).await;
    sale.confirm(reservation, payment).await;
    let outcome = sale.expire(reservation, moment(2)).await;
    assert_eq!(outcome, EndOutcome::Already(ReservationStatus::Confirmed));
    assert_eq!(sale.statuses().await, [Booked]);
}

#[tokio::test]
async fn money_captured_at_once_confirms_too_and_owes_no_capture() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.order(reservation, moment(1)).await;
    let news = News::Captured { reference: "pi_1".to_owned(), money: price_of(1) };
    payments::apply_all(&mut sale.connection, &[(payment, news)], moment(1)).await.unwrap();
    assert_eq!(sale.confirm(reservation, payment).await, ConfirmOutcome::Confirmed);
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!(row.money, steps::status::MoneyState::Captured);
}
