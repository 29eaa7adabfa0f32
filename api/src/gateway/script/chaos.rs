//! Trouble at random: from a seed, so that a run can be had again.

use super::{Acts, After, Before, ConfirmAct, Operation, Then, WebhookAct};
use crate::gateway::books::intent::Decline;
use rand::{Rng, SeedableRng, rngs::StdRng};

pub(in crate::gateway) struct Chaos {
    /// Of every request and every event, 0 to 1.
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
        match operation {
            Operation::Webhook => Acts { webhook: Some(self.webhook()), ..Acts::default() },
            Operation::Confirm if self.random.random_bool(0.4) => {
                Acts { confirm: Some(self.confirm()), ..Acts::default() }
            }
            _ => self.transport(),
        }
    }

    /// Nothing here is kept under a key: that would make a saga wait for a person, by chance.
    fn transport(&mut self) -> Acts {
        let mut acts = Acts::default();
        match self.random.random_range(0..7) {
            0 => acts.delay_ms = self.random.random_range(10..500),
            1 => acts.before = Some(Before::Drop),
            2 => acts.before = Some(Before::Busy { retry_after_s: 1 }),
            3 => acts.before = Some(Before::Fail { status: 503, kept: false }),
            4 => acts.after = Some(After::Fail { status: 502, kept: false }),
            5 => acts.after = Some(After::Garbage),
            _ => acts.after = Some(After::Close),
        }
        acts
    }

    fn confirm(&mut self) -> ConfirmAct {
        let after_ms = self.random.random_range(10..1000);
        match self.random.random_range(0..3) {
            0 => ConfirmAct::Decline(Decline::new("card_declined", Some("generic_decline"))),
            1 => ConfirmAct::Process { after_ms, then: Then::Settle },
            _ => ConfirmAct::Process { after_ms, then: Then::Fail },
        }
    }

    fn webhook(&mut self) -> WebhookAct {
        match self.random.random_range(0..4) {
            0 => WebhookAct { lose: true, ..WebhookAct::default() },
            1 => WebhookAct { copies: 3, jitter_ms: 500, ..WebhookAct::default() },
            2 => WebhookAct { delay_ms: 2000, ..WebhookAct::default() },
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
