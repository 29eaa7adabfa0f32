//! A message in the form that receivers get: a CloudEvent (1.0.2, structured mode).

use chrono::{DateTime, SecondsFormat, Utc};
use orchestrator::{
    SagaId,
    outbox::{Message, MessageKey},
};
use serde::Serialize;
use serde_json::value::RawValue;

/// The media type of a CloudEvent in JSON.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The source of the events.
const SOURCE: &str = "/usher";

/// A CloudEvent. The attributes' names are the specification's; `sagaid` and `sequence` are extensions.
#[derive(Debug, Serialize)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    /// The id, the same in every delivery of this message to every subscription.
    pub id: String,
    source: &'static str,
    /// The type, such as `booking.confirmed`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// What it is about: the booking for a `booking.…`, and so on; otherwise the saga.
    pub subject: String,
    /// When it was decided.
    pub time: String,
    datacontenttype: &'static str,
    /// The saga's id. The messages of one saga are in order.
    pub sagaid: SagaId,
    /// The place in that order, as text: a later message has a greater one.
    pub sequence: String,
    /// The data of the message.
    pub data: &'a RawValue,
}

impl<'a> CloudEvent<'a> {
    /// Makes the event of a message in the outbox.
    pub fn of(message: &'a Message) -> Self {
        Self::new(message.key, &message.kind, message.decided_at, &message.payload)
    }

    fn new(key: MessageKey, kind: &'a str, decided_at: DateTime<Utc>, data: &'a RawValue) -> Self {
        let MessageKey { saga, position, ordinal } = key;
        Self {
            specversion: "1.0",
            id: message_id(key),
            source: SOURCE,
            kind,
            subject: subject(kind, data).unwrap_or_else(|| saga.to_string()),
            time: decided_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: "application/json",
            sagaid: saga,
            sequence: format!("{position:08}.{ordinal:04}"),
            data,
        }
    }
}

/// The message's id, also used as `webhook-id`. Standard Webhooks allows no dot in it.
pub fn message_id(key: MessageKey) -> String {
    format!("msg_{}_{}_{}", key.saga.uuid().simple(), key.position, key.ordinal)
}

/// The id in the data that belongs to the type: `booking_id` for `booking.confirmed`.
fn subject(kind: &str, data: &RawValue) -> Option<String> {
    let about = kind.split('.').next()?;
    let data: serde_json::Value = serde_json::from_str(data.get()).ok()?;
    Some(data.get(format!("{about}_id"))?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_cloud_event() {
        let saga: SagaId = "0199c0de-0000-7000-8000-000000000123".parse().unwrap();
        let data = RawValue::from_string(r#"{"booking_id":"b-1","amount":12500}"#.into()).unwrap();
        let key = MessageKey { saga, position: 7, ordinal: 1 };
        let event = CloudEvent::new(key, "booking.confirmed", DateTime::UNIX_EPOCH, &data);
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({
                "specversion": "1.0",
                "id": "msg_0199c0de000070008000000000000123_7_1",
                "source": "/usher",
                "type": "booking.confirmed",
                "subject": "b-1",
                "time": "1970-01-01T00:00:00.000000Z",
                "datacontenttype": "application/json",
                "sagaid": "0199c0de-0000-7000-8000-000000000123",
                "sequence": "00000007.0001",
                "data": {"booking_id": "b-1", "amount": 12500},
            })
        );
    }

    #[test]
    fn what_names_nothing_is_about_its_saga() {
        let saga = SagaId::new_in(orchestrator::Bucket::of_key("a"));
        let data = RawValue::from_string("null".into()).unwrap();
        let key = MessageKey { saga, position: 0, ordinal: 0 };
        assert_eq!(CloudEvent::new(key, "told", DateTime::UNIX_EPOCH, &data).subject, saga.to_string());
    }
}
