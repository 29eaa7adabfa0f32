//! Error replies that show an intent as it is. `error_reply` itself knows no books.

use super::{
    intent::{Decline, Intent},
    render,
};
use crate::gateway::error_reply::ErrorReply;
use serde_json::json;

impl ErrorReply {
    pub fn declined(decline: &Decline, intent: &Intent) -> Self {
        let error = Self::new(402, "card_error", Some(&decline.code), "Your card was declined.");
        error.with("decline_code", json!(decline.decline_code)).about(intent).kept()
    }

    /// Shows the intent as it is.
    pub fn about(self, intent: &Intent) -> Self {
        self.with("payment_intent", render::intent(intent, false))
    }
}
