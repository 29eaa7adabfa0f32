//! The keys of seats and reservations in Redis.

use crate::{EventId, ReservationId, SeatId};
use serde::{Deserialize, Serialize};

/// How keys are made: `<seat>`, `<reservation>` and `<event>` stand for the ids.
///
/// In a Redis Cluster all keys of one script must be in one slot, which only a hash tag assures: take
/// [`KeyTemplate::clustered`] there. Elsewhere the plain one is easier to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Templates", into = "Templates")]
pub struct KeyTemplate(Templates);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Templates {
    seat: String,
    reservation: String,
}

/// A template from which two seats would get one key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the key template `{template}` lacks `{placeholder}`")]
pub struct BadKeyTemplate {
    /// The template.
    pub template: String,
    /// The placeholder that is missing.
    pub placeholder: &'static str,
}

impl KeyTemplate {
    /// `lock:seat:<seat>` and `reservation:<reservation>`, after `prefix`.
    pub fn plain(prefix: &str) -> Self {
        Self(Templates {
            seat: format!("{prefix}lock:seat:<seat>"),
            reservation: format!("{prefix}reservation:<reservation>"),
        })
    }

    /// The same with the event as hash tag, so that all keys of an event are in one slot.
    pub fn clustered(prefix: &str) -> Self {
        Self(Templates {
            seat: format!("{prefix}lock:seat:{{<event>}}:<seat>"),
            reservation: format!("{prefix}reservation:{{<event>}}:<reservation>"),
        })
    }

    pub(super) fn seat(&self, event: EventId, seat: SeatId) -> String {
        self.0.seat.replace("<seat>", &seat.to_string()).replace("<event>", &event.to_string())
    }

    pub(super) fn reservation(&self, event: EventId, reservation: ReservationId) -> String {
        let template = self.0.reservation.replace("<reservation>", &reservation.to_string());
        template.replace("<event>", &event.to_string())
    }
}

impl Default for KeyTemplate {
    fn default() -> Self {
        Self::plain("")
    }
}

impl TryFrom<Templates> for KeyTemplate {
    type Error = BadKeyTemplate;

    fn try_from(templates: Templates) -> Result<Self, BadKeyTemplate> {
        let places = [(&templates.seat, "<seat>"), (&templates.reservation, "<reservation>")];
        for (template, placeholder) in places {
            if !template.contains(placeholder) {
                return Err(BadKeyTemplate { template: template.clone(), placeholder });
            }
        }
        Ok(Self(templates))
    }
}

impl From<KeyTemplate> for Templates {
    fn from(template: KeyTemplate) -> Self {
        template.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestrator::Bucket;

    #[test]
    fn a_template_without_its_placeholder_is_refused() {
        let refused =
            serde_json::from_str::<KeyTemplate>(r#"{"seat": "lock", "reservation": "r:<reservation>"}"#);
        assert!(refused.unwrap_err().to_string().contains("lacks `<seat>`"));
    }

    #[test]
    fn clustered_keys_of_one_event_share_their_hash_tag() {
        let bucket = Bucket::of_key("event");
        let (event, seat) = (EventId::new_in(bucket), SeatId::new_in(bucket));
        let keys = KeyTemplate::clustered("");
        assert_eq!(keys.seat(event, seat), format!("lock:seat:{{{event}}}:{seat}"));
        assert_eq!(KeyTemplate::default().seat(event, seat), format!("lock:seat:{seat}"));
    }
}
