//! How much money one person may move.

use orchestrator::Stake;

/// The bounds on what operators may do alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// An action that moves more than this, in minor units, needs a second person. `None`: no action does.
    pub second_person_above_minor: Option<i64>,
}

impl Limits {
    /// Whether moving this needs a second person.
    pub fn exceeded_by(&self, stakes: &[Stake]) -> bool {
        self.second_person_above_minor.is_some_and(|limit| sum_minor(stakes) > i128::from(limit.max(0)))
    }
}

/// All money as one number. Adding several currencies makes no real amount, but a limit should ask too often rather than
/// too seldom: splitting a sum over currencies must not get around it.
fn sum_minor(stakes: &[Stake]) -> i128 {
    let minor = |stake: &Stake| match stake {
        Stake::Money { minor, .. } => i128::from(*minor).abs(),
        Stake::Things { .. } => 0,
    };
    stakes.iter().map(minor).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> Stake {
        Stake::Money { minor, currency: currency.into() }
    }

    #[test]
    fn what_is_above_the_limit_needs_a_second_person_and_what_is_at_it_does_not() {
        let limits = Limits { second_person_above_minor: Some(100) };
        let cases: [(&[Stake], bool); 5] = [
            (&[], false),
            (&[money(100, "EUR")], false),
            (&[money(101, "EUR")], true),
            (&[money(60, "EUR"), money(60, "USD")], true),
            (&[money(-200, "EUR")], true),
        ];
        for (stakes, exceeded) in cases {
            assert_eq!(limits.exceeded_by(stakes), exceeded, "{stakes:?}");
            assert!(!Limits::default().exceeded_by(stakes));
        }
    }
}
