use super::*;
use orchestrator::Bucket;
use rand::seq::IndexedRandom;

const LATER: TimeDelta = TimeDelta::minutes(15);

fn ours(held: i64, captured: i64, refunded: i64, booked: bool) -> Ours {
    let bucket = Bucket::of_key("books");
    Ours {
        payment: PaymentId::new_in(bucket),
        reservation: ReservationId::new_in(bucket),
        reference: Some(IntentId::new("pi_1")),
        currency: Currency::EUR,
        held,
        captured,
        refunded,
        lost: 0,
        disputed: 0,
        owed: 0,
        voided: false,
        booking: booked.then(|| BookingId::new_in(bucket)),
        changed_at: DateTime::UNIX_EPOCH,
        in_motion: false,
        stuck: false,
    }
}

fn theirs(held: i64, captured: i64, refunded: i64) -> Theirs {
    let (id, created) = (IntentId::new("pi_1"), DateTime::UNIX_EPOCH);
    Theirs {
        id,
        currency: Currency::EUR,
        held,
        captured,
        refunded,
        is_amount_unknown: false,
        created,
        trace: Trace::default(),
    }
}

fn class(ours: Option<&Ours>, theirs: Option<&Theirs>) -> Class {
    compare(ours, theirs, DateTime::UNIX_EPOCH + TimeDelta::days(1), LATER).class
}

#[test]
fn each_way_to_differ_has_its_class() {
    use Class::*;
    let owing = Ours { owed: 100, ..ours(0, 100, 0, false) };
    let elsewhere = Theirs { id: IntentId::new("pi_2"), ..theirs(0, 100, 0) };
    let dollars = Theirs { currency: Currency::USD, ..theirs(0, 100, 0) };
    let lost = Ours { lost: 100, ..ours(0, 100, 0, false) };
    let lost_and_booked = Ours { lost: 100, ..ours(0, 100, 0, true) };
    let frozen = Ours { disputed: 100, ..ours(0, 100, 0, false) };
    let voided = |booked| Ours { voided: true, ..ours(0, 0, 0, booked) };
    let unsaid = || Theirs { is_amount_unknown: true, ..theirs(0, 0, 0) };
    let cases: [(&str, Option<Ours>, Option<Theirs>, Class); 30] = [
        (
            "booked, and the gateway doesn't say how much",
            Some(ours(0, 100, 0, true)),
            Some(unsaid()),
            AmountDiffers,
        ),
        ("nobody of ours, and it doesn't say how much", None, Some(unsaid()), UnknownPayment),
        ("nothing ever", Some(ours(0, 0, 0, false)), Some(theirs(0, 0, 0)), Matched),
        ("a card that was never charged, by nobody of ours", None, Some(theirs(0, 0, 0)), Matched),
        ("booked and held", Some(ours(100, 0, 0, true)), Some(theirs(100, 0, 0)), Matched),
        ("booked and captured", Some(ours(0, 100, 0, true)), Some(theirs(0, 100, 0)), Matched),
        ("booked, a part given back", Some(ours(0, 100, 40, true)), Some(theirs(0, 100, 40)), Matched),
        ("all given back", Some(ours(0, 100, 100, false)), Some(theirs(0, 100, 100)), Matched),
        (
            "voided here, charged there",
            Some(ours(0, 0, 0, false)),
            Some(theirs(0, 100, 0)),
            MoneyWithoutBooking,
        ),
        ("held and nobody waits", Some(ours(100, 0, 0, false)), Some(theirs(100, 0, 0)), MoneyWithoutBooking),
        ("a second intent", Some(ours(0, 100, 0, true)), Some(elsewhere), MoneyWithoutBooking),
        ("lapsed", Some(ours(100, 0, 0, true)), Some(theirs(0, 0, 0)), BookingWithoutMoney),
        ("lapsed, as both know", Some(voided(true)), Some(theirs(0, 0, 0)), BookingWithoutMoney),
        ("a part was captured by hand and went back", Some(voided(false)), Some(theirs(0, 40, 40)), Matched),
        (
            "captured and refunded, and nobody here knew",
            Some(ours(0, 0, 0, false)),
            Some(theirs(0, 40, 40)),
            AmountDiffers,
        ),
        ("refunded in full", Some(ours(0, 100, 0, true)), Some(theirs(0, 100, 100)), BookingWithoutMoney),
        ("unknown there", Some(ours(0, 100, 0, true)), None, BookingWithoutMoney),
        ("less was captured", Some(ours(0, 100, 0, true)), Some(theirs(0, 90, 0)), AmountDiffers),
        ("not captured yet", Some(ours(0, 100, 0, true)), Some(theirs(100, 0, 0)), AmountDiffers),
        ("dollars", Some(ours(0, 100, 0, true)), Some(dollars), AmountDiffers),
        ("a part went back there", Some(ours(0, 100, 0, true)), Some(theirs(0, 100, 30)), RefundMissing),
        ("owed and never sent", Some(owing), Some(theirs(0, 100, 0)), RefundMissing),
        ("refunded here only", Some(ours(0, 100, 100, false)), Some(theirs(0, 100, 0)), RefundMissing),
        ("too much", Some(ours(0, 100, 100, false)), Some(theirs(0, 100, 150)), RefundTooMuch),
        ("too much for a booking", Some(ours(0, 100, 0, true)), Some(theirs(0, 100, 150)), RefundTooMuch),
        ("too much, taken in", Some(ours(0, 100, 150, false)), Some(theirs(0, 100, 150)), Matched),
        ("lost in a dispute", Some(lost), Some(theirs(0, 100, 0)), Matched),
        ("booked and lost", Some(lost_and_booked), Some(theirs(0, 100, 0)), BookingWithoutMoney),
        ("disputed", Some(frozen), Some(theirs(0, 100, 0)), Matched),
        ("nobody of ours", None, Some(theirs(0, 100, 0)), UnknownPayment),
    ];
    for (what, ours, theirs, expected) in cases {
        assert_eq!(class(ours.as_ref(), theirs.as_ref()), expected, "{what}");
    }
}

#[test]
fn what_moves_is_in_flight_and_what_is_stuck_stands_elsewhere() {
    let charged = theirs(0, 100, 0);
    let moving = Ours { in_motion: true, ..ours(0, 0, 0, false) };
    let stuck = Ours { stuck: true, ..ours(0, 0, 0, false) };
    assert_eq!(class(Some(&moving), Some(&charged)), Class::InFlight);
    assert_eq!(class(Some(&stuck), Some(&charged)), Class::Stuck);
    let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(14);
    assert_eq!(compare(None, Some(&charged), now, LATER).class, Class::InFlight, "it is young");
    let stuck_and_right = Ours { stuck: true, ..ours(0, 100, 0, true) };
    assert_eq!(class(Some(&stuck_and_right), Some(&charged)), Class::Matched);
}

#[test]
fn books_match_only_if_every_amount_does() {
    let mut chance = rand::rng();
    let amounts = [0, 1, 99, 100];
    let mut draw = || *amounts.choose(&mut chance).unwrap();
    for _ in 0..20_000 {
        let (us, them) = (ours(draw(), draw(), draw(), draw() > 1), theirs(draw(), draw(), draw()));
        if class(Some(&us), Some(&them)) == Class::Matched {
            assert_eq!((us.held, us.captured, us.refunded), (them.held, them.captured, them.refunded));
            assert_eq!(us.booking.is_some(), them.net() > 0, "{us:?} {them:?}");
        }
    }
}

/// Whole numbers in a sentence.
fn numbers(sentence: &str) -> impl Iterator<Item = i64> {
    sentence
        .split(|letter: char| !letter.is_alphanumeric() && letter != '.')
        .filter_map(|word| word.parse().ok())
}

#[test]
fn what_differs_is_said_as_its_currency_is_written() {
    let amounts = [0, 4_000, 12_500];
    let each = || amounts.into_iter().flat_map(move |held| amounts.map(|more| (held, more)));
    for (currency, words) in [("EUR", "125.00 EUR"), ("JPY", "12500 JPY"), ("KWD", "12.500 KWD")] {
        let currency: Currency = currency.parse().unwrap();
        let mut said = String::new();
        for ((captured, refunded), (their_captured, their_refunded)) in
            each().flat_map(|us| each().map(move |them| (us, them)))
        {
            for booked in [true, false] {
                let us = Ours { currency, ..ours(0, captured, refunded, booked) };
                let them = Theirs { currency, ..theirs(0, their_captured, their_refunded) };
                for us in [None, Some(&us)] {
                    said += &compare(us, Some(&them), DateTime::UNIX_EPOCH + TimeDelta::days(1), LATER).what;
                    said += "\n";
                }
            }
        }
        assert!(said.contains(words), "{said}");
        assert!(
            currency.places() == 0 || numbers(&said).all(|number| !amounts[1..].contains(&number)),
            "{said}"
        );
    }
}

#[test]
fn money_in_another_currency_is_said_in_both_and_counted_in_the_gateways() {
    let yen = "JPY".parse().unwrap();
    let them = Theirs { currency: yen, ..theirs(0, 3_600, 0) };
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let found = compare(Some(&ours(0, 3_600, 0, true)), Some(&them), now, LATER);
    assert_eq!(found.what, "the gateway has 3600 JPY, our books have 36.00 EUR");
    assert_eq!((found.class, found.ours, found.theirs), (Class::AmountDiffers, 0, 3_600));
}
