//! What the simulator does other than a good gateway would: rules for chosen requests and webhooks, and chaos.
//!
//! For each request, and for each event that is told, the first rule that matches and has times left is used
//! and counts down; without one, chaos draws.

mod acts;
mod chaos;

pub(super) use acts::{Acts, After, Before, ConfirmAct, Lie, RefundAct, Then, WebhookAct};
pub(super) use chaos::Chaos;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most rules at a time.
const RULES_MAX: usize = 1000;

/// A rule, as `POST /control/rules` takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// For what; empty = for every POST to the gateway.
    #[serde(default, rename = "match")]
    pub wanted: Match,
    /// How often; none = until it is deleted.
    #[serde(default)]
    pub times: Option<u32>,
    /// What to do.
    #[serde(rename = "do")]
    pub acts: Acts,
}

/// Everything that is given must match.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Match {
    /// Which operations; empty = every POST (not reads, not webhooks).
    pub on: Vec<Operation>,
    pub payment_id: Option<String>,
    pub saga_id: Option<String>,
    pub reservation_id: Option<String>,
    pub intent: Option<String>,
    pub method: Option<String>,
    /// The type of an event, for `webhook`.
    pub event: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    Create,
    Confirm,
    Capture,
    Cancel,
    Refund,
    Read,
    List,
    Search,
    ReadRefund,
    ListRefunds,
    ReadEvent,
    Events,
    Webhook,
}

/// What a rule is matched against.
#[derive(Clone, Debug)]
pub(super) struct Occasion<'a> {
    pub operation: Operation,
    pub intent: Option<&'a str>,
    pub method: Option<&'a str>,
    pub event: Option<&'a str>,
    pub metadata: &'a BTreeMap<String, String>,
}

/// A rule in force.
#[derive(Debug, Serialize)]
pub(super) struct Numbered {
    pub id: u64,
    #[serde(flatten)]
    pub rule: Rule,
}

pub(super) struct Script {
    rules: Vec<Numbered>,
    last_id: u64,
    chaos: Chaos,
}

impl Script {
    pub fn new(chaos: Chaos) -> Self {
        Self { rules: vec![], last_id: 0, chaos }
    }

    /// What to do on this occasion.
    pub fn acts(&mut self, occasion: &Occasion<'_>) -> Acts {
        let found = self.rules.iter_mut().find(|numbered| numbered.rule.wanted.fits(occasion));
        let Some(Numbered { id, rule }) = found else { return self.chaos.draw(occasion.operation) };
        let (id, acts) = (*id, rule.acts.clone());
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                self.remove(id);
            }
        }
        acts
    }

    /// The rule's id, or what is wrong with it.
    pub fn add(&mut self, rule: Rule) -> Result<u64, &'static str> {
        if self.rules.len() >= RULES_MAX {
            return Err("there are 1000 rules already: delete some");
        }
        if rule.times == Some(0) {
            return Err("`times` is at least 1; leave it out for a rule that stays");
        }
        rule.acts.check()?;
        self.last_id += 1;
        self.rules.push(Numbered { id: self.last_id, rule });
        Ok(self.last_id)
    }

    pub fn rules(&self) -> &[Numbered] {
        &self.rules
    }

    /// True if there was one.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|numbered| numbered.id != id);
        self.rules.len() < before
    }

    pub fn clear(&mut self) {
        self.rules.clear();
    }

    pub fn chaos(&mut self) -> &mut Chaos {
        &mut self.chaos
    }

    pub fn set_chaos(&mut self, chaos: Chaos) {
        self.chaos = chaos;
    }
}

impl Match {
    fn fits(&self, occasion: &Occasion<'_>) -> bool {
        let on = if self.on.is_empty() {
            occasion.operation.is_write()
        } else {
            self.on.contains(&occasion.operation)
        };
        let equal = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        let ours = |name: &str| occasion.metadata.get(name).map(String::as_str);
        on && equal(&self.payment_id, ours("payment_id"))
            && equal(&self.saga_id, ours("saga_id"))
            && equal(&self.reservation_id, ours("reservation_id"))
            && equal(&self.intent, occasion.intent)
            && equal(&self.method, occasion.method)
            && equal(&self.event, occasion.event)
    }
}

impl Operation {
    fn is_write(self) -> bool {
        match self {
            Self::Create | Self::Confirm | Self::Capture | Self::Cancel | Self::Refund => true,
            Self::Read
            | Self::List
            | Self::Search
            | Self::ReadRefund
            | Self::ListRefunds
            | Self::ReadEvent
            | Self::Events
            | Self::Webhook => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn script(rules: &[serde_json::Value]) -> Script {
        let mut script = Script::new(Chaos::new(0.0, 0));
        for rule in rules {
            script.add(serde_json::from_value(rule.clone()).unwrap()).unwrap();
        }
        script
    }

    #[test]
    fn the_first_fitting_rule_with_times_left_is_used() {
        let mut script = script(&[
            json!({"match": {"payment_id": "p1", "on": ["confirm"]}, "times": 1, "do": {"after": "hang"}}),
            json!({"do": {"delay_ms": 5}}),
        ]);
        let metadata = BTreeMap::from([("payment_id".to_owned(), "p1".to_owned())]);
        let mut acts = |operation| {
            script.acts(&Occasion { operation, intent: None, method: None, event: None, metadata: &metadata })
        };
        assert_eq!(acts(Operation::Create).delay_ms, 5);
        assert_eq!(acts(Operation::Confirm).after, Some(After::Hang));
        assert_eq!(acts(Operation::Confirm).delay_ms, 5);
        assert_eq!(acts(Operation::Read), Acts::default());
        assert_eq!(acts(Operation::Webhook), Acts::default());
    }

    #[test]
    fn a_rule_that_can_do_nothing_is_refused() {
        let parsed = |rule| serde_json::from_value::<Rule>(rule);
        assert!(parsed(json!({"do": {"explode": true}})).is_err());
        assert!(parsed(json!({"match": {"payment": "p1"}, "do": {}})).is_err());
        let mut script = Script::new(Chaos::new(0.0, 0));
        assert!(script.add(parsed(json!({"times": 0, "do": {}})).unwrap()).is_err());
        assert!(script.add(parsed(json!({"do": {"delay_ms": 86_400_000}})).unwrap()).is_err());
    }
}
