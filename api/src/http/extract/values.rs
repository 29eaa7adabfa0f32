//! The types of the fields in our bodies.

use super::{
    super::problem::FieldError,
    fields::{Expected, Fields, FromFields, Read},
};
use serde_json::Value;
use steps::{Currency, EventId, Money, PaymentId, ReservationId, SeatId, UserId, gateway::PaymentMethod};

impl Expected for SeatId {
    const EXPECTED: &'static str = "a seat's id, a UUID";
}
impl Expected for EventId {
    const EXPECTED: &'static str = "an event's id, a UUID";
}
impl Expected for UserId {
    const EXPECTED: &'static str = "a user's id, a UUID";
}
impl Expected for ReservationId {
    const EXPECTED: &'static str = "a reservation's id, a UUID";
}
impl Expected for PaymentId {
    const EXPECTED: &'static str = "a payment's id, a UUID";
}
impl Expected for Currency {
    const EXPECTED: &'static str = "a currency's code (ISO 4217)";
}

/// Errors keep the method's own words, because it recognises a card number.
impl Read for PaymentMethod {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let parsed = match value.as_str() {
            Some(text) => text.parse::<Self>().map_err(|error| error.to_string()),
            None => Err("must be the token that the gateway gave for the customer's payment method".into()),
        };
        parsed.map_err(|detail| errors.push(FieldError { pointer: pointer.into(), detail })).ok()
    }
}

/// `{"amount": 12500, "currency": "EUR"}`.
impl Read for Money {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let Value::Object(members) = value else {
            errors.push(FieldError {
                pointer: pointer.into(),
                detail: "must be an object with `amount` and `currency`".into(),
            });
            return None;
        };
        let members = members.into_iter().collect();
        Fields::nested(members, pointer, errors)
    }
}

impl FromFields for Money {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (amount, currency) = (fields.required::<Minor>("amount"), fields.required("currency"));
        Some(Self { amount: amount?.0, currency: currency? })
    }
}

/// An amount in minor units, above zero.
struct Minor(i64);

impl Read for Minor {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let amount = value.as_i64().filter(|amount| *amount > 0);
        if amount.is_none() {
            let detail = "must be a whole number of minor units above zero".into();
            errors.push(FieldError { pointer: pointer.into(), detail });
        }
        amount.map(Self)
    }
}
