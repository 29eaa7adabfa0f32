use super::*;
use crate::money::Currency;
use crate::store::ledger::Account;
use chrono::DateTime;
use proptest::prelude::*;

const PRICE: Money = Money { amount: 100, currency: Currency::EUR };

/// The states that the CHECK constraint allows.
const STATES: [(PaymentStatus, MoneyState); 7] = [
    (PaymentStatus::Initiated, MoneyState::Unsecured),
    (PaymentStatus::Success, MoneyState::Held),
    (PaymentStatus::Success, MoneyState::Owed),
    (PaymentStatus::Success, MoneyState::Captured),
    (PaymentStatus::Failed, MoneyState::Unsecured),
    (PaymentStatus::Failed, MoneyState::Voided),
    (PaymentStatus::Refunded, MoneyState::Refunded),
];

fn at((status, money): (PaymentStatus, MoneyState)) -> Standing {
    Standing {
        status,
        money,
        amount: PRICE,
        refunded_minor: 0,
        disputed: false,
        reference: None,
        failure: None,
        ledger: Vec::new(),
    }
}

fn held() -> News {
    News::Held { reference: "pi_1".to_owned(), money: PRICE }
}

fn captured() -> News {
    News::Captured { reference: "pi_1".to_owned(), money: PRICE }
}

fn refunded(refund: &str, amount: i64) -> News {
    let money = Money { amount, ..PRICE };
    News::Refunded {
        reference: "pi_1".to_owned(),
        refund: refund.to_owned(),
        money,
        captured: Some(PRICE),
        takes_excess: false,
    }
}

/// A refund of a payment of which another amount than ordered was captured.
fn refunded_of(captured: i64) -> News {
    let money = |amount| Money { amount, ..PRICE };
    News::Refunded {
        reference: "pi_1".to_owned(),
        refund: "re_1".to_owned(),
        money: money(10),
        captured: Some(money(captured)),
        takes_excess: false,
    }
}

fn never_captured() -> News {
    News::NeverCaptured { reason: "authorisation-lapsed".to_owned() }
}

fn disputed(dispute: &str, amount: i64) -> News {
    let money = Money { amount, ..PRICE };
    let (captured, at) = (PRICE, DateTime::UNIX_EPOCH);
    News::Disputed { reference: "pi_1".to_owned(), dispute: dispute.to_owned(), money, captured, at }
}

fn ended(dispute: &str, amount: i64, won: bool) -> News {
    let money = Money { amount, ..PRICE };
    let (reference, dispute, captured) = ("pi_1".to_owned(), dispute.to_owned(), PRICE);
    News::DisputeEnded { reference, dispute, money, captured, at: DateTime::UNIX_EPOCH, won }
}

/// Applies it, and says whether anything came of it.
fn apply(standing: &mut Standing, news: &News) -> Result<bool, Contradiction> {
    let Some(change) = advance(standing, news)? else { return Ok(false) };
    assert!(STATES.contains(&(change.status, change.money)), "{change:?} is no state");
    if standing.reference.is_none() {
        standing.reference = news.reference().map(str::to_owned);
    }
    standing.become_of(change, DateTime::UNIX_EPOCH);
    Ok(true)
}

/// What must hold wherever a payment stands.
fn check(standing: &Standing, told: &[News]) {
    let [held, taken, owed, disputed] =
        [Account::Held, Account::Taken, Account::Owed, Account::Disputed].map(|account| standing.on(account));
    let sum = |kind| {
        standing.ledger.iter().filter(|entry| entry.kind == kind).map(|entry| entry.money.amount).sum::<i64>()
    };
    let gone = sum(Kind::Refunded) - sum(Kind::RefundFailed);
    let lost = sum(Kind::DisputeLost) + sum(Kind::SetOff);
    let withheld = standing.on(Account::Withheld);
    let paid = -(standing.on(Account::Own) + withheld);
    let context = || format!("{standing:?} after {told:?}");
    assert!([taken, owed, disputed, withheld, paid].iter().all(|balance| *balance >= 0), "{}", context());
    assert_eq!(standing.refunded_minor, gone, "{}", context());
    let price = PRICE.amount;
    let (wants_held, wants_ours) = match standing.money {
        MoneyState::Unsecured | MoneyState::Voided | MoneyState::Refunded => (0, 0),
        MoneyState::Held | MoneyState::Owed => (price, 0),
        MoneyState::Captured => (0, price - gone - lost),
    };
    assert_eq!((held, taken + owed + disputed), (wants_held, wants_ours), "{}", context());
    assert!(sum(Kind::Captured) <= price, "{}", context());
    // One row a kind and reference: the primary key of the ledger.
    let mut keys: Vec<_> =
        standing.ledger.iter().map(|entry| (entry.kind.as_str(), &entry.reference)).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), standing.ledger.len(), "{}", context());
}

fn any_news() -> impl Strategy<Value = News> {
    let refund = (0..3u8, 1..=120i64).prop_map(|(id, amount)| refunded(&format!("re_{id}"), amount));
    let failed = (0..3u8).prop_map(|id| News::RefundFailed { refund: format!("re_{id}") });
    let dispute = (0..2u8, 1..=100i64).prop_map(|(id, amount)| disputed(&format!("dp_{id}"), amount));
    let end = (0..2u8, 1..=100i64, any::<bool>())
        .prop_map(|(id, amount, won)| ended(&format!("dp_{id}"), amount, won));
    prop_oneof![
        Just(held()),
        Just(captured()),
        Just(News::Failed { reason: "card_declined".to_owned() }),
        Just(News::Voided),
        Just(never_captured()),
        Just(refunded_of(99)),
        (0..2u8).prop_map(|saga| News::RefundOwed { by: format!("saga {saga}") }),
        refund,
        failed,
        dispute,
        end,
    ]
}

proptest! {
    #[test]
    fn whatever_the_order_of_news_the_ledger_balances(news in prop::collection::vec(any_news(), 0..12)) {
        let mut standing = at(STATES[0]);
        for (told, one) in news.iter().enumerate() {
            if apply(&mut standing, one).is_ok() {
                check(&standing, &news[..=told]);
                prop_assert_eq!(apply(&mut standing, one), Ok(false), "twice: {:?}", one);
            }
        }
    }
}

#[test]
fn the_same_news_twice_changes_nothing_the_second_time() {
    let all = [
        held(),
        captured(),
        News::Failed { reason: "x".to_owned() },
        News::Voided,
        never_captured(),
        refunded("re_1", 100),
    ];
    for state in STATES {
        for news in &all {
            let mut standing = at(state);
            if state.1 == MoneyState::Captured {
                standing = at(STATES[0]);
                apply(&mut standing, &captured()).unwrap();
            }
            if apply(&mut standing, news) == Ok(true) {
                assert_eq!(apply(&mut standing, news), Ok(false), "{state:?} {news:?}");
            }
        }
    }
}

#[test]
fn money_of_another_amount_is_never_taken_for_ours() {
    let told = Money::new(99, Currency::EUR);
    let news = News::Held { reference: "pi_1".to_owned(), money: told };
    for state in STATES {
        assert_eq!(advance(&at(state), &news), Err(Contradiction::AmountDiffers { expected: PRICE, told }));
    }
}

#[test]
fn money_that_was_never_captured_is_released_and_its_payment_has_failed() {
    for state in [STATES[1], STATES[2]] {
        let mut standing = at(STATES[0]);
        apply(&mut standing, &held()).unwrap();
        (standing.status, standing.money) = state;
        apply(&mut standing, &never_captured()).unwrap();
        check(&standing, &[]);
        assert_eq!((standing.status, standing.money), (PaymentStatus::Failed, MoneyState::Voided));
        assert_eq!(advance(&standing, &captured()), Err(Contradiction::Late));
    }
    assert_eq!(advance(&at(STATES[3]), &never_captured()), Err(Contradiction::AlreadyCaptured));
    assert_eq!(advance(&at(STATES[2]), &News::Voided), Err(Contradiction::LapsedUnderBooking));
}

#[test]
fn a_refund_of_a_part_capture_is_a_contradiction_and_never_an_entry() {
    let told = Money { amount: 40, ..PRICE };
    for state in STATES {
        let differs = Err(Contradiction::AmountDiffers { expected: PRICE, told });
        assert_eq!(advance(&at(state), &refunded_of(40)), differs, "{state:?}");
        let dispute = News::Disputed {
            reference: "pi_1".to_owned(),
            dispute: "dp_1".to_owned(),
            money: told,
            captured: told,
            at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(advance(&at(state), &dispute), differs, "{state:?}");
    }
}

#[test]
fn a_refund_says_nothing_of_a_capture_that_nobody_has_asked_for() {
    let refunded = News::Refunded {
        reference: "pi_1".to_owned(),
        refund: "re_1".to_owned(),
        money: PRICE,
        captured: None,
        takes_excess: false,
    };
    let left = Money { amount: 0, ..PRICE };
    for state in [STATES[0], STATES[1], STATES[2]] {
        let more = Err(Contradiction::MoreThanTaken { left, told: PRICE });
        assert_eq!(advance(&at(state), &refunded), more, "{state:?}");
    }
}

#[test]
fn late_money_is_a_contradiction_and_not_a_success() {
    for news in [held(), captured()] {
        let failed = at((PaymentStatus::Failed, MoneyState::Unsecured));
        assert_eq!(advance(&failed, &news), Err(Contradiction::Late));
    }
}

#[test]
fn a_part_that_went_back_leaves_a_success_and_the_rest_makes_it_refunded() {
    let mut standing = at(STATES[0]);
    apply(&mut standing, &captured()).unwrap();
    apply(&mut standing, &refunded("re_1", 30)).unwrap();
    assert_eq!((standing.status, standing.refunded_minor), (PaymentStatus::Success, 30));
    apply(&mut standing, &News::RefundOwed { by: "saga".to_owned() }).unwrap();
    assert_eq!(standing.on(Account::Owed), 70);
    apply(&mut standing, &refunded("re_2", 70)).unwrap();
    assert_eq!((standing.status, standing.refunded_minor), (PaymentStatus::Refunded, 100));
    // And it comes back.
    apply(&mut standing, &News::RefundFailed { refund: "re_2".to_owned() }).unwrap();
    assert_eq!((standing.status, standing.money), (PaymentStatus::Success, MoneyState::Captured));
    assert_eq!((standing.refunded_minor, standing.on(Account::Owed)), (30, 70));
}

#[test]
fn more_than_was_taken_never_goes_back() {
    let mut standing = at(STATES[0]);
    apply(&mut standing, &captured()).unwrap();
    apply(&mut standing, &refunded("re_1", 60)).unwrap();
    let left = Money::new(40, Currency::EUR);
    let told = Money::new(41, Currency::EUR);
    assert_eq!(apply(&mut standing, &refunded("re_2", 41)), Err(Contradiction::MoreThanTaken { left, told }));
}

#[test]
fn a_dispute_freezes_and_its_end_frees_or_costs() {
    for won in [true, false] {
        let mut standing = at(STATES[0]);
        apply(&mut standing, &captured()).unwrap();
        apply(&mut standing, &disputed("dp_1", 100)).unwrap();
        assert!(standing.disputed);
        apply(&mut standing, &ended("dp_1", 100, won)).unwrap();
        assert!(!standing.disputed);
        assert_eq!(standing.on(Account::Taken), if won { 100 } else { 0 });
        // The opening, told after the end, opens nothing.
        assert_eq!(apply(&mut standing, &disputed("dp_1", 100)), Ok(false));
    }
}

/// The same news an hour later.
fn an_hour_later(news: News) -> News {
    let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
    match news {
        News::Disputed { reference, dispute, money, captured, .. } => {
            News::Disputed { reference, dispute, money, captured, at }
        }
        News::DisputeEnded { reference, dispute, money, captured, won, .. } => {
            News::DisputeEnded { reference, dispute, money, captured, at, won }
        }
        other => other,
    }
}

/// Captured, and then this.
fn after(news: &[News]) -> Standing {
    let mut standing = at(STATES[0]);
    apply(&mut standing, &captured()).unwrap();
    for one in news {
        apply(&mut standing, one).unwrap();
        check(&standing, news);
    }
    standing
}

#[test]
fn a_loss_settles_what_is_owed_whenever_it_comes() {
    let owed = || News::RefundOwed { by: "saga".to_owned() };
    let failed = || News::RefundFailed { refund: "re_1".to_owned() };
    let cases: [(&str, Vec<News>, i64); 6] = [
        ("before it is owed", vec![ended("dp_1", 100, false), owed()], 0),
        ("while it is owed", vec![owed(), disputed("dp_1", 100), ended("dp_1", 100, false)], 0),
        ("a part of it", vec![owed(), ended("dp_1", 30, false)], 0),
        ("after it went", vec![owed(), refunded("re_1", 100), ended("dp_1", 100, false)], 100),
        ("and the refund fails", vec![refunded("re_1", 100), ended("dp_1", 100, false), failed()], 0),
        ("won", vec![refunded("re_1", 100), ended("dp_1", 100, true)], 0),
    ];
    for (case, news, cost) in cases {
        let standing = after(&news);
        assert_eq!(-standing.on(Account::Own), cost, "{case}");
        let owed = if case == "a part of it" { 70 } else { 0 };
        assert_eq!(standing.on(Account::Owed), owed, "{case}");
        assert!(!standing.disputed, "{case}");
    }
}

#[test]
fn a_dispute_may_be_opened_again_by_later_news_only() {
    let mut standing = after(&[disputed("dp_1", 100), ended("dp_1", 100, true)]);
    for old in [disputed("dp_1", 100), ended("dp_1", 100, false)] {
        assert_eq!(apply(&mut standing, &old), Ok(false), "{old:?}");
    }
    assert_eq!(apply(&mut standing, &an_hour_later(ended("dp_1", 100, true))), Ok(false));
    assert_eq!(apply(&mut standing, &an_hour_later(disputed("dp_1", 100))), Ok(true));
    assert!(standing.disputed);
    assert_eq!(apply(&mut standing, &an_hour_later(ended("dp_1", 100, false))), Ok(true));
    assert_eq!((standing.status, standing.on(Account::Taken)), (PaymentStatus::Refunded, 0));
}

#[test]
fn a_refund_that_is_heard_of_after_the_dispute_came_out_of_our_own_pocket() {
    let mut standing = after(&[disputed("dp_1", 100), refunded("re_1", 30)]);
    assert_eq!(standing.on(Account::Own), -30);
    apply(&mut standing, &ended("dp_1", 100, true)).unwrap();
    apply(&mut standing, &News::RefundOwed { by: "saga".to_owned() }).unwrap();
    assert_eq!((standing.on(Account::Owed), standing.on(Account::Own)), (70, 0));
}
