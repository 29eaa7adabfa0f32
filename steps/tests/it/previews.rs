//! Previews: what steps say that they would do, for the people who decide whether to run them.

use orchestrator::{Bucket, Step, Way};
use steps::{Accept, Capture, Money, Pay, PaymentId, Refund, ReservationId, Secured, gateway::IntentId};

/// The previews of each step that moves this money, for running and for undoing.
fn previews(money: Money) -> Vec<String> {
    let bucket = Bucket::of_key("previews");
    let (payment, reservation) = (PaymentId::new_in(bucket), ReservationId::new_in(bucket));
    let (intent, gateway) = (IntentId::new("pi_1"), "stripe".to_owned());
    let secured = Secured { intent: intent.clone(), money, captured: false };
    let method = "pm_card_visa".parse().unwrap();
    let pay = Pay { payment, reservation, money, method, gateway: gateway.clone() };
    let accept = Accept {
        gateway,
        intent: intent.clone(),
        named: payment,
        money,
        payment,
        reservation,
        late_for: reservation,
    };
    let capture = Capture { payment, secured, booking: None };
    let refund = Refund { payment, reservation, intent, total: money, counted: Vec::new(), by_hand: false };
    [
        pay.describe(Way::Forward),
        pay.describe(Way::Back),
        accept.describe(Way::Back),
        capture.describe(Way::Forward),
        refund.describe(Way::Forward),
    ]
    .map(Option::unwrap)
    .into()
}

#[test]
fn previews_say_amounts_as_their_currency_is_written() {
    for (currency, words) in [("EUR", "36.00 EUR"), ("JPY", "3600 JPY"), ("KWD", "3.600 KWD")] {
        for said in previews(Money::new(3_600, currency.parse().unwrap())) {
            assert!(said.contains(words), "{said}");
            assert!(currency == "JPY" || !said.contains("3600"), "{said}");
        }
    }
}
