//! Faults at random, from a seed, so that a run can be repeated.
//!
//! Only faults are drawn that pass by themselves, because a run must come to an end without a person. So it draws no
//! lies, no authorisations that lapse, no refunds in the dashboard and no disputes. A customer who pays in another
//! tab is not the gateway's misbehaviour, and is ordered by rule.

use super::{Acts, After, Before, ConfirmAct, Operation, RefundAct, Then, WebhookAct};
use crate::gateway::books::intent::Decline;
use rand::{Rng, SeedableRng, rngs::StdRng};

pub(in crate::gateway) struct Chaos {
    /// The share of all requests and events that go wrong, from 0 to 1.
    probability: f64,
    random: StdRng,
}

impl Chaos {
    pub fn new(probability: f64, seed: u64) -> Self {
        Self { probability: probability.clamp(0.0, 1.0), random: StdRng::seed_from_u64(seed) }
    }

    pub(super) fn draw(&mut self, operation: Operation) -> Acts {
        if !self.random.random_bool(self.probability) {
            return Acts::default();
        }
        let of_business = self.random.random_bool(0.4);
        match operation {
            Operation::Webhook => Acts { webhook: Some(self.webhook()), ..Acts::default() },
            Operation::Confirm if of_business => Acts { confirm: Some(self.confirm()), ..Acts::default() },
            Operation::Refund if of_business => Acts { refund: Some(self.refund()), ..Acts::default() },
            Operation::Search | Operation::ListRefunds if of_business => {
                Acts { blind: true, ..Acts::default() }
            }
            _ => self.transport(),
        }
    }

    /// A fault between the client and the effect, or between the effect and the client.
    fn transport(&mut self) -> Acts {
        let mut acts = Acts::default();
        match self.random.random_range(0..24) {
            0..=2 => acts.delay_ms = self.random.random_range(10..500),
            3..=5 => acts.before = Some(Before::Drop),
            6 | 7 => acts.before = Some(Before::Late { after_ms: self.random.random_range(10..3000) }),
            8 | 9 => acts.before = Some(Before::Busy { retry_after_s: 1 }),
            10 | 11 => acts.before = Some(Before::Fail { status: 503, kept: false }),
            12 => acts.before = Some(Before::Fail { status: 500, kept: true }),
            13 => acts.before = Some(Before::KeyInUse),
            14 | 15 => acts.after = Some(After::Fail { status: 502, kept: false }),
            16 => acts.after = Some(After::Fail { status: 500, kept: true }),
            17 => acts.after = Some(After::Garbage),
            18 => acts.after = Some(After::Huge),
            19 => acts.after = Some(After::Redirect),
            // Each costs the client its whole deadline.
            20 => acts.after = Some(if self.random.random_bool(0.5) { After::Hang } else { After::Slow }),
            _ => acts.after = Some(After::Close),
        }
        acts
    }

    fn confirm(&mut self) -> ConfirmAct {
        let after_ms = self.random.random_range(10..1000);
        let decline = Decline::new("card_declined", Some("generic_decline"));
        match self.random.random_range(0..6) {
            0 | 1 => ConfirmAct::Decline(decline),
            2 => ConfirmAct::Process { after_ms, then: Then::Settle },
            3 => ConfirmAct::Process { after_ms, then: Then::Fail },
            4 => ConfirmAct::ActThen { after_ms, then: Then::Settle },
            _ => ConfirmAct::ActThen { after_ms, then: Then::Fail },
        }
    }

    fn refund(&mut self) -> RefundAct {
        let after_ms = self.random.random_range(10..1000);
        match self.random.random_range(0..3) {
            0 => RefundAct::PendThen { after_ms, then: Then::Settle },
            1 => RefundAct::PendThen { after_ms, then: Then::Fail },
            _ => RefundAct::SucceedThenFail { after_ms },
        }
    }

    fn webhook(&mut self) -> WebhookAct {
        match self.random.random_range(0..12) {
            0..=2 => WebhookAct { lose: true, ..WebhookAct::default() },
            3..=5 => WebhookAct { copies: 3, jitter_ms: 500, ..WebhookAct::default() },
            6 => WebhookAct { copies: 100, ..WebhookAct::default() },
            7 | 8 => WebhookAct { delay_ms: 2000, ..WebhookAct::default() },
            9 => WebhookAct { forged: 3, ..WebhookAct::default() },
            _ => WebhookAct { jitter_ms: 1000, ..WebhookAct::default() },
        }
    }

    /// A number below `bound`; for jitter.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.random.random_range(0..bound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_trouble() {
        let draws = |seed| {
            let mut chaos = Chaos::new(0.5, seed);
            (0..50).map(|_| chaos.draw(Operation::Confirm)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        assert!(draws(7).iter().any(|acts| *acts == Acts::default()));
        let mut off = Chaos::new(0.0, 0);
        assert!((0..50).all(|_| off.draw(Operation::Confirm) == Acts::default()));
    }
}
