//! Problems that show an intent as it is. What a problem is knows no books.

use super::{
    intent::{Decline, Intent},
    render,
};
use crate::gateway::problem::Problem;
use serde_json::json;

impl Problem {
    pub fn declined(decline: &Decline, intent: &Intent) -> Self {
        let problem = Self::new(402, "card_error", Some(&decline.code), "Your card was declined.");
        problem.with("decline_code", json!(decline.decline_code)).about(intent).kept()
    }

    /// Shows the intent as it is.
    pub fn about(self, intent: &Intent) -> Self {
        self.with("payment_intent", render::intent(intent, false))
    }
}
