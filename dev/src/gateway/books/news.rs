//! Events that the gateway tells the world, and the state of each delivery.

use super::{
    intent::{About, Intent},
    refund::Refund,
    render,
    shelf::Keyed,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Something that happened, before anyone decided how to tell it.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct News {
    pub kind: String,
    pub object: Value,
    pub intent: Option<String>,
    pub method: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// An event as it can be read back, with its deliveries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Event {
    pub id: String,
    pub created_s: i64,
    pub kind: String,
    /// The id that the deliveries of a forgery show, if it is another.
    #[serde(default)]
    pub shown_id: Option<String>,
    /// The JSON that is sent and shown.
    pub body: String,
    pub deliveries: Vec<Delivery>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Delivery {
    pub url: String,
    pub state: DeliveryState,
    pub tries: u32,
    /// How to sign it, if it is a forgery.
    pub forged: Option<Forgery>,
    /// On its way right now; a restart forgets that and sends again.
    #[serde(skip)]
    pub sending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum DeliveryState {
    Due {
        at_ms: i64,
    },
    /// Until someone releases it.
    Held,
    Delivered,
    /// It was not taken, and isn't tried any more.
    GivenUp,
}

/// How a forged event is signed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::gateway) struct Forgery {
    /// The secret to sign with; none = no signature at all.
    pub secret: Option<String>,
    /// The whole header, instead of a signature.
    pub header: Option<String>,
    /// Added to the time that is signed.
    pub skew_s: i64,
}

impl Keyed for Event {
    fn id(&self) -> &str {
        &self.id
    }
}

impl News {
    pub fn of_intent(kind: &str, about: About, intent: &Intent) -> Self {
        let object = match (about, &intent.charge) {
            (About::Intent, _) => render::intent(intent, false),
            (About::Charge, Some(charge)) => render::charge(intent, charge),
            (About::Charge, None) => Value::Null,
            (About::Dispute, _) => render::dispute(intent),
        };
        Self {
            kind: kind.to_owned(),
            object,
            intent: Some(intent.id.clone()),
            method: intent.method.clone(),
            metadata: intent.metadata.clone(),
        }
    }

    pub fn of_refund(kind: &str, refund: &Refund) -> Self {
        Self {
            kind: kind.to_owned(),
            object: render::refund(refund),
            intent: Some(refund.intent.clone()),
            method: None,
            metadata: refund.metadata.clone(),
        }
    }

    /// The event's JSON. Stripe's timestamps are whole seconds.
    pub fn body(&self, id: &str, created_s: i64) -> String {
        let event = json!({
            "id": id,
            "object": "event",
            "api_version": "2024-06-20",
            "type": self.kind,
            "created": created_s,
            "livemode": false,
            "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null},
            "data": {"object": self.object},
        });
        event.to_string()
    }
}

impl Delivery {
    pub fn new(url: &str, state: DeliveryState) -> Self {
        Self { url: url.to_owned(), state, tries: 0, forged: None, sending: false }
    }

    /// When it is to be sent; `None` if it isn't.
    pub fn due_ms(&self) -> Option<i64> {
        match self.state {
            DeliveryState::Due { at_ms } if !self.sending => Some(at_ms),
            DeliveryState::Due { .. }
            | DeliveryState::Held
            | DeliveryState::Delivered
            | DeliveryState::GivenUp => None,
        }
    }
}
