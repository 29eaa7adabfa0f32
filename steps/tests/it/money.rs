//! Payments, what news makes of them, and the ledger.

use crate::support::{Sale, moment, price_of};
use steps::money::{Currency, Money};
use steps::status::{MoneyState, PaymentStatus, ReservationStatus};
use steps::store::ledger::{self, Kind};
use steps::store::payments::{
    self, Applied, Contradiction, News, Order, OrderOutcome, OrderRefusal, apply_all, initiate_all, order,
};
use steps::{PaymentId, ReservationId};

fn held(money: Money) -> News {
    News::Held { reference: "pi_1".to_owned(), money }
}

#[tokio::test]
async fn a_reservation_has_one_live_payment() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let first = sale.order(reservation, moment(1)).await;
    let second = Order {
        payment: PaymentId::new_in(sale.event.bucket()),
        reservation,
        amount: None,
        gateway: "stripe".to_owned(),
    };
    let outcome = order(&mut sale.connection, &second, moment(2)).await.unwrap();
    assert_eq!(outcome, OrderOutcome::Refused(OrderRefusal::InProgress { payment: Some(first) }));

    // A decline makes room for another try.
    let failed = News::Failed { reason: "card_declined".to_owned() };
    apply_all(&mut sale.connection, &[(first, failed)], moment(3)).await.unwrap();
    let outcome = order(&mut sale.connection, &second, moment(4)).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Ordered { .. }), "{outcome:?}");
    assert_eq!(sale.reservation(reservation).await.payment, Some(second.payment));
}

#[tokio::test]
async fn two_orders_at_once_make_one_payment() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut connection = sale.database.connect().await;
        let payment = PaymentId::new_in(sale.event.bucket());
        tasks.spawn(async move {
            let wanted = Order { payment, reservation, amount: None, gateway: "stripe".to_owned() };
            order(&mut connection, &wanted, moment(1)).await.unwrap()
        });
    }
    let outcomes = tasks.join_all().await;
    let ordered = outcomes.iter().filter(|outcome| matches!(outcome, OrderOutcome::Ordered { .. })).count();
    assert_eq!(ordered, 1, "{outcomes:?}");
    assert_eq!(sale.count("select count(*) from booking.payments").await, 1);
}

#[tokio::test]
async fn an_order_is_refused_with_the_reason() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let wanted = |amount, reservation| Order {
        payment: PaymentId::new_in(sale.event.bucket()),
        reservation,
        amount,
        gateway: "stripe".to_owned(),
    };
    let cases = [
        (wanted(None, ReservationId::new_in(sale.event.bucket())), 1, OrderRefusal::Unknown),
        (wanted(None, reservation), 301, OrderRefusal::Expired),
        (
            wanted(Some(Money::new(1, Currency::EUR)), reservation),
            1,
            OrderRefusal::AmountDiffers { expected: price_of(1) },
        ),
        (
            wanted(Some(Money::new(price_of(1).amount, Currency::USD)), reservation),
            1,
            OrderRefusal::AmountDiffers { expected: price_of(1) },
        ),
    ];
    for (wanted, at, refusal) in cases {
        let outcome = order(&mut sale.connection, &wanted, moment(at)).await.unwrap();
        assert_eq!(outcome, OrderOutcome::Refused(refusal));
    }
    sale.expire(reservation, moment(2)).await;
    let late = wanted_at(&sale, reservation);
    let outcome = order(&mut sale.connection, &late, moment(3)).await.unwrap();
    assert_eq!(outcome, OrderOutcome::Refused(OrderRefusal::Expired));
}

fn wanted_at(sale: &Sale, reservation: ReservationId) -> Order {
    let payment = PaymentId::new_in(sale.event.bucket());
    Order { payment, reservation, amount: Some(price_of(1)), gateway: "stripe".to_owned() }
}

#[tokio::test]
async fn an_order_that_came_by_signal_alone_still_protects_the_hold() {
    let mut sale = Sale::of(2).await;
    let (one, two) = (sale.reserve(&[0], moment(0)).await, sale.reserve(&[1], moment(0)).await);
    let ordered = sale.order(two, moment(1)).await;
    let orders = [
        (wanted_at(&sale, one), price_of(1)),
        (Order { payment: ordered, ..wanted_at(&sale, two) }, price_of(1)),
    ];
    for _ in 0..2 {
        initiate_all(&mut sale.connection, &orders, moment(2)).await.unwrap();
    }
    assert_eq!(sale.count("select count(*) from booking.payments").await, 2);
    assert_eq!(sale.reservation(one).await.payment, Some(orders[0].0.payment));
    assert_eq!(sale.reservation(two).await.payment, Some(ordered));
}

#[tokio::test]
async fn the_ledger_is_written_with_the_payment_and_once() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.order(reservation, moment(1)).await;
    let captured = News::Captured { reference: "pi_1".to_owned(), money: price_of(1) };
    let news = [(payment, held(price_of(1))), (payment, captured.clone()), (payment, captured)];
    for round in 0..2 {
        let applied = apply_all(&mut sale.connection, &news, moment(2)).await.unwrap();
        let changed = applied.iter().filter(|applied| matches!(applied, Applied::Changed { .. })).count();
        assert_eq!(changed, if round == 0 { 2 } else { 0 });
    }
    let (reference, refund, money) = ("pi_1".to_owned(), "re_1".to_owned(), price_of(1));
    let refund = News::Refunded { reference, refund, money, captured: Some(money), takes_excess: false };
    apply_all(&mut sale.connection, &[(payment, refund)], moment(3)).await.unwrap();
    let entries = ledger::list_of_payment(&mut sale.connection, payment).await.unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.reference.as_str())).collect();
    let expected = [
        (Kind::Authorised, "pi_1"),
        (Kind::Captured, "pi_1"),
        (Kind::RefundOwed, "re_1"),
        (Kind::Refunded, "re_1"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(sale.count("select count(*) from booking.ledger_balances where balance_minor <> 0").await, 0);
    let row = payments::find(&mut sale.connection, payment).await.unwrap().unwrap();
    assert_eq!((row.status, row.money), (PaymentStatus::Refunded, MoneyState::Refunded));
}

#[tokio::test]
async fn money_of_another_amount_or_for_nobody_writes_nothing() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.order(reservation, moment(1)).await;
    let told = Money::new(1, Currency::EUR);
    let news = [(PaymentId::new_in(sale.event.bucket()), held(price_of(1))), (payment, held(told))];
    let applied = apply_all(&mut sale.connection, &news, moment(2)).await.unwrap();
    let differs = Contradiction::AmountDiffers { expected: price_of(1), told };
    assert_eq!(applied, [Applied::Unknown, Applied::Contradicts(differs)]);
    assert_eq!(sale.count("select count(*) from booking.ledger").await, 0);
}

#[tokio::test]
async fn a_void_under_a_confirmed_booking_is_a_contradiction() {
    let mut sale = Sale::of(1).await;
    let reservation = sale.reserve(&[0], moment(0)).await;
    let payment = sale.pay(reservation, moment(1)).await;
    sale.confirm(reservation, payment).await;
    let applied = apply_all(&mut sale.connection, &[(payment, News::Voided)], moment(2)).await.unwrap();
    assert_eq!(applied, [Applied::Contradicts(Contradiction::LapsedUnderBooking)]);
    assert_eq!(sale.reservation(reservation).await.status, ReservationStatus::Confirmed);
}

#[tokio::test]
async fn only_payments_without_an_answer_are_asked_about() {
    let mut sale = Sale::of(2).await;
    let (one, two) = (sale.reserve(&[0], moment(0)).await, sale.reserve(&[1], moment(0)).await);
    let quiet = sale.order(one, moment(10)).await;
    sale.pay(two, moment(10)).await;
    let list = payments::list_without_news(&mut sale.connection, moment(0), moment(11), 10).await.unwrap();
    assert_eq!(list, [quiet]);
    let list = payments::list_without_news(&mut sale.connection, moment(0), moment(10), 10).await.unwrap();
    assert_eq!(list, []);
}
