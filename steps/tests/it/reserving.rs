//! Reserving seats: all or none, and one owner for each, whoever asks and however many ask at once.

use crate::support::{Sale, lost_seats, moment, price_of, taken};
use sqlx::Connection;
use std::time::Duration;
use steps::status::{ReservationStatus, SaleStatus, SeatStatus};
use steps::store::reservations::EndOutcome;
use steps::store::seats::{self, LostReason, Refusal, TakeOutcome};
use steps::store::{events, payments};
use steps::{ReservationId, SeatId, SeatList};

use SeatStatus::{Available, Reserved};

#[tokio::test]
async fn seats_are_held_under_a_number_that_rises_each_time() {
    let mut sale = Sale::of(2).await;
    let take = sale.take(&[0, 1]);
    let outcomes = sale.take_all(std::slice::from_ref(&take), moment(0)).await;
    let first = taken(&outcomes[0]);
    assert_eq!(first.amount, price_of(2));
    assert_eq!(first.reserved_until, moment(300));
    assert!(first.seats.iter().all(|held| held.hold == 1));
    let row = sale.reservation(take.reservation).await;
    assert_eq!((row.status, row.seats), (ReservationStatus::Pending, sale.seats.clone()));

    assert_eq!(sale.expire(take.reservation, moment(1)).await, EndOutcome::Ended);
    let again = sale.take(&[0]);
    let outcomes = sale.take_all(&[again], moment(2)).await;
    assert_eq!(taken(&outcomes[0]).seats[0].hold, 2);
}

#[tokio::test]
async fn in_one_batch_the_first_wins_all_its_seats_and_the_second_none() {
    let mut sale = Sale::of(5).await;
    let takes = [sale.take(&[0, 1, 2]), sale.take(&[2, 3, 4])];
    let outcomes = sale.take_all(&takes, moment(0)).await;
    taken(&outcomes[0]);
    assert_eq!(lost_seats(&outcomes[1]), [(sale.seats[2], LostReason::Held)]);
    assert_eq!(sale.statuses().await, [Reserved, Reserved, Reserved, Available, Available]);
    assert_eq!(sale.count("select count(*) from booking.reservations").await, 1);
}

#[tokio::test]
async fn what_a_loser_wanted_is_free_for_the_next_in_the_batch() {
    let mut sale = Sale::of(3).await;
    sale.reserve(&[0], moment(0)).await;
    let takes = [sale.take(&[0, 1]), sale.take(&[1, 2])];
    let outcomes = sale.take_all(&takes, moment(0)).await;
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[0], LostReason::Held)]);
    taken(&outcomes[1]);
}

#[tokio::test]
async fn two_hundred_in_one_batch_want_one_seat_and_one_gets_it() {
    let mut sale = Sale::of(1).await;
    let takes: Vec<_> = (0..200).map(|_| sale.take(&[0])).collect();
    let outcomes = sale.take_all(&takes, moment(0)).await;
    taken(&outcomes[0]);
    assert!(outcomes[1..].iter().all(|outcome| lost_seats(outcome) == [(sale.seats[0], LostReason::Held)]));
}

#[tokio::test]
async fn overlapping_wishes_on_two_connections_have_one_winner() {
    let mut sale = Sale::of(3).await;
    let mut other = sale.database.connect().await;
    let (mine, theirs) = (sale.take(&[0, 1]), sale.take(&[1, 2]));

    let mut tx = sale.connection.begin().await.unwrap();
    let outcomes = seats::take_all(&mut tx, &[mine], moment(0)).await.unwrap();
    taken(&outcomes[0]);
    let mut late = other.begin().await.unwrap();
    let outcomes = seats::take_all(&mut late, std::slice::from_ref(&theirs), moment(0)).await.unwrap();
    assert!(matches!(outcomes[0], TakeOutcome::Busy), "it is not sold yet, and nobody waits: {outcomes:?}");
    tx.commit().await.unwrap();

    let outcomes = seats::take_all(&mut late, &[theirs], moment(0)).await.unwrap();
    late.commit().await.unwrap();
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[1], LostReason::Held)]);
    assert_eq!(sale.statuses().await, [Reserved, Reserved, Available]);
}

#[tokio::test]
async fn a_seat_that_somebody_took_and_let_go_is_not_lost() {
    let mut sale = Sale::of(2).await;
    let mut other = sale.database.connect().await;
    let (mine, theirs) = (sale.take(&[0]), sale.take(&[0, 1]));
    let mut tx = sale.connection.begin().await.unwrap();
    taken(&seats::take_all(&mut tx, &[mine], moment(0)).await.unwrap()[0]);
    let taking = tokio::spawn(async move {
        let mut tx = other.begin().await.unwrap();
        let outcomes = loop {
            match seats::take_all(&mut tx, std::slice::from_ref(&theirs), moment(0)).await.unwrap() {
                outcomes if matches!(outcomes[0], TakeOutcome::Busy) => {}
                outcomes => break outcomes,
            }
        };
        tx.commit().await.unwrap();
        outcomes
    });
    tx.rollback().await.unwrap();
    assert_eq!(taken(&taking.await.unwrap()[0]).seats.len(), 2);
    assert_eq!(sale.statuses().await, [Reserved, Reserved]);
}

#[tokio::test]
async fn who_is_surely_refused_locks_nothing() {
    let mut sale = Sale::of(2).await;
    sale.reserve(&[0], moment(0)).await;
    let mut other = sale.database.connect().await;
    let (loser, winner) = (sale.take(&[0, 1]), sale.take(&[1]));
    let mut losing = other.begin().await.unwrap();
    let outcomes = seats::take_all(&mut losing, &[loser], moment(0)).await.unwrap();
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[0], LostReason::Held)]);
    let outcomes = sale.take_all(&[winner], moment(0)).await;
    taken(&outcomes[0]);
    losing.rollback().await.unwrap();
}

#[tokio::test]
async fn two_batches_that_take_over_parts_of_each_others_lapsed_holds_both_go_on() {
    let mut sale = Sale::of(4).await;
    for held in [[0, 1], [2, 3]] {
        sale.reserve(&held, moment(0)).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for wanted in [[1, 2], [0, 3]] {
        let take = sale.take(&wanted);
        let mut connection = sale.database.connect().await;
        tasks.spawn(async move {
            for _ in 0..20 {
                let mut tx = connection.begin().await.unwrap();
                let outcomes =
                    seats::take_all(&mut tx, std::slice::from_ref(&take), moment(301)).await.unwrap();
                tx.commit().await.unwrap();
                if let TakeOutcome::Taken(taken) = &outcomes[0] {
                    return Some(taken.seats.len());
                }
            }
            None
        });
    }
    let won: Vec<usize> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(won, [2, 2], "each had what it wanted at last");
}

#[tokio::test]
async fn crossed_batches_on_many_connections_never_deadlock_and_never_share_a_seat() {
    let sale = Sale::of(12).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4_usize {
        let takes: Vec<_> = (0..24)
            .map(|n| sale.take(&[(n * 5 + worker) % 12, (n * 7 + worker * 3 + 1) % 12].map(|s| s)))
            .filter(|take| take.seats.len() == 2)
            .collect();
        let mut connection = sale.database.connect().await;
        tasks.spawn(async move {
            let mut won: Vec<SeatId> = Vec::new();
            for batch in takes.chunks(6) {
                let mut tx = connection.begin().await.unwrap();
                for outcome in seats::take_all(&mut tx, batch, moment(0)).await.unwrap() {
                    if let TakeOutcome::Taken(taken) = outcome {
                        won.extend(taken.seats.iter().map(|held| held.seat));
                    }
                }
                tx.commit().await.unwrap();
            }
            won
        });
    }
    let mut won: Vec<SeatId> = tasks.join_all().await.into_iter().flatten().collect();
    let count = won.len();
    won.sort_unstable();
    won.dedup();
    assert_eq!(won.len(), count, "a seat was won twice");
    assert!(count >= 6, "{count} seats won");
}

#[tokio::test]
async fn a_lapsed_hold_is_taken_over_and_its_other_seats_are_freed() {
    let mut sale = Sale::of(3).await;
    let old = sale.reserve(&[0, 1, 2], moment(0)).await;
    let early = sale.take(&[1]);
    let outcomes = sale.take_all(&[early], moment(300)).await;
    assert_eq!(
        lost_seats(&outcomes[0]),
        [(sale.seats[1], LostReason::Held)],
        "at the very end it still holds"
    );

    let take = sale.take(&[1]);
    let outcomes = sale.take_all(std::slice::from_ref(&take), moment(301)).await;
    assert_eq!(taken(&outcomes[0]).seats[0].hold, 2);
    assert_eq!(sale.statuses().await, [Available, Reserved, Available]);
    let row = sale.reservation(old).await;
    assert_eq!((row.status, row.ended_at), (ReservationStatus::Expired, Some(moment(301))));
    // The old saga wakes up late and expires its reservation: nobody else's seat may suffer.
    assert_eq!(sale.expire(old, moment(302)).await, EndOutcome::Already(ReservationStatus::Expired));
    assert_eq!(sale.statuses().await, [Available, Reserved, Available]);
}

#[tokio::test]
async fn a_lapsed_hold_with_a_payment_ordered_is_left_alone() {
    let mut sale = Sale::of(1).await;
    let old = sale.reserve(&[0], moment(0)).await;
    sale.order(old, moment(299)).await;
    let take = sale.take(&[0]);
    let outcomes = sale.take_all(&[take], moment(1000)).await;
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[0], LostReason::Held)]);
}

#[tokio::test]
async fn a_hold_whose_payment_is_being_ordered_at_this_moment_counts_as_held() {
    let mut sale = Sale::of(1).await;
    let old = sale.reserve(&[0], moment(0)).await;
    let mut ordering = sale.database.connect().await;
    let mut tx = ordering.begin().await.unwrap();
    let order = payments::Order {
        payment: steps::PaymentId::new_in(sale.event.bucket()),
        reservation: old,
        amount: None,
        gateway: "stripe".to_owned(),
    };
    payments::order(&mut tx, &order, moment(300)).await.unwrap();
    let takes = [sale.take(&[0])];
    let taking = sale.take_all(&takes, moment(301));
    let outcomes = tokio::time::timeout(Duration::from_secs(20), taking).await.expect("it waits for nobody");
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[0], LostReason::Held)]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_loser_ends_nobody_elses_lapsed_hold() {
    let mut sale = Sale::of(2).await;
    let lapsed = sale.reserve(&[0], moment(0)).await;
    sale.reserve(&[1], moment(200)).await;
    let take = sale.take(&[0, 1]);
    let outcomes = sale.take_all(&[take], moment(400)).await;
    assert_eq!(lost_seats(&outcomes[0]), [(sale.seats[1], LostReason::Held)]);
    assert_eq!(sale.reservation(lapsed).await.status, ReservationStatus::Pending);
}

#[tokio::test]
async fn two_winners_of_one_batch_share_a_lapsed_hold() {
    let mut sale = Sale::of(2).await;
    sale.reserve(&[0, 1], moment(0)).await;
    let takes = [sale.take(&[0]), sale.take(&[1])];
    for outcome in sale.take_all(&takes, moment(301)).await {
        assert_eq!(taken(&outcome).seats[0].hold, 2);
    }
}

#[tokio::test]
async fn each_reason_for_a_loss_is_named() {
    let mut sale = Sale::of(3).await;
    let sold = sale.reserve(&[0], moment(0)).await;
    let payment = sale.pay(sold, moment(0)).await;
    sale.confirm(sold, payment).await;
    sqlx::query("update booking.seats set blocked = true where id = $1")
        .bind(sale.seats[1].uuid())
        .execute(&mut sale.connection)
        .await
        .unwrap();
    let nowhere = SeatId::new_in(sale.event.bucket());
    let mut take = sale.take(&[0, 1]);
    let mut wanted = take.seats.to_vec();
    wanted.push(nowhere);
    take.seats = SeatList::try_from(wanted).unwrap();
    let outcomes = sale.take_all(&[take], moment(0)).await;
    let mut reasons = lost_seats(&outcomes[0]);
    reasons.sort_unstable_by_key(|(seat, _)| *seat);
    let expected = [
        (sale.seats[0], LostReason::Sold),
        (sale.seats[1], LostReason::Blocked),
        (nowhere, LostReason::Unknown),
    ];
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_closed_sale_and_too_many_seats_are_refused() {
    let mut sale = Sale::of(3).await;
    sqlx::query("update booking.events set seats_max = 2").execute(&mut sale.connection).await.unwrap();
    let takes = [sale.take(&[0, 1, 2])];
    let outcomes = sale.take_all(&takes, moment(0)).await;
    assert_eq!(outcomes[0], TakeOutcome::Refused(Refusal::TooMany { seats_max: 2 }));
    events::set_sale(&mut sale.connection, sale.event, SaleStatus::Closed).await.unwrap();
    let takes = [sale.take(&[0])];
    let outcomes = sale.take_all(&takes, moment(0)).await;
    assert_eq!(outcomes[0], TakeOutcome::Refused(Refusal::SaleClosed));
}

#[tokio::test]
async fn raw_sql_cannot_make_a_second_owner_of_a_seat() {
    let mut sale = Sale::of(1).await;
    let first = sale.reserve(&[0], moment(0)).await;
    let rival = ReservationId::new_in(sale.event.bucket());
    let second_claim = sqlx::query(
        "insert into booking.reservation_seats (reservation_id, seat_id, hold, bucket) values ($1, $2, 2, $3)",
    )
    .bind(rival.uuid())
    .bind(sale.seats[0].uuid())
    .bind(rival.bucket().number())
    .execute(&mut sale.connection)
    .await;
    assert_eq!(constraint(second_claim), "one_live_claim_a_seat");

    let ownerless =
        sqlx::query("update booking.seats set reservation_id = null").execute(&mut sale.connection).await;
    assert_eq!(constraint(ownerless), "status_ties");

    let payment = sale.pay(first, moment(0)).await;
    sale.confirm(first, payment).await;
    let second_booking = sqlx::query(
        "insert into booking.bookings (id, reservation_id, payment_id, user_id, created_at, bucket, code)
         select gen_random_uuid(), reservation_id, payment_id, user_id, created_at, bucket, code from booking.bookings",
    )
    .execute(&mut sale.connection)
    .await;
    assert_eq!(constraint(second_booking), "one_confirmed_booking_a_reservation");
}

fn constraint<T: std::fmt::Debug>(answer: Result<T, sqlx::Error>) -> String {
    let error = answer.unwrap_err();
    error.as_database_error().and_then(|error| error.constraint()).unwrap_or_default().to_owned()
}
