//! How a batch goes on after a round. Pure: counts in, decision out.

use crate::record::Tally;

/// The size of the round after the canary.
const RAMP_FIRST: i32 = 10;
/// The largest round: it is what can go wrong before anybody notices.
const ROUND_MAX: i32 = 320;

/// What the batch does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Take this many more. `ramp` is 0 for a canary.
    Round { ramp: i32, size: i32 },
    /// End: every item is done.
    Done,
    /// Stop: it does more harm than good.
    Stop(String),
}

/// What the decision needs of a batch.
pub(super) struct Course {
    pub ramp: i32,
    pub canary: i32,
    pub stop_at_error_rate: f64,
    /// Items that no round had yet.
    pub left: i32,
}

impl Course {
    /// Decides after a round. An empty round is the beginning of a batch, or of one that is resumed after it stopped.
    pub fn after(&self, tally: Tally) -> Next {
        if self.left == 0 {
            return Next::Done;
        }
        if tally.total() == 0 {
            return Next::Round { ramp: 0, size: self.canary };
        }
        if let Some(why) = self.too_bad(tally) {
            return Next::Stop(why);
        }
        let ramp = match self.ramp {
            0 => RAMP_FIRST.max(self.canary),
            ramp => (ramp * 2).clamp(RAMP_FIRST, ROUND_MAX),
        };
        Next::Round { ramp, size: ramp }
    }

    /// A refusal does not count: nothing was done to that saga, so it says nothing about the action. Most often somebody
    /// was faster, and that must not stop the others. But a canary in which no saga went on, for whatever reason, is no
    /// reason to go on.
    fn too_bad(&self, tally: Tally) -> Option<String> {
        let (bad, counted) = (tally.stuck_again + tally.failed, tally.total() - tally.refused);
        if f64::from(bad) > self.stop_at_error_rate * f64::from(counted) {
            let share = 100.0 * f64::from(bad) / f64::from(counted);
            let (again, failed, most) = (tally.stuck_again, tally.failed, 100.0 * self.stop_at_error_rate);
            return Some(format!(
                "{share:.0} % of the last {counted} came to a bad end ({again} stuck again, {failed} failed), more than {most:.0} %"
            ));
        }
        (self.ramp == 0 && tally.mended == 0).then(|| {
            format!(
                "none of the first {} was seen to go on: {} refused, {} without a verdict in time",
                tally.total(),
                tally.refused,
                tally.acted,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Tally = Tally { acted: 0, mended: 0, stuck_again: 0, refused: 0, failed: 0 };

    fn course(ramp: i32, left: i32) -> Course {
        Course { ramp, canary: 5, stop_at_error_rate: 0.2, left }
    }

    fn stops(ramp: i32, tally: Tally) -> bool {
        matches!(course(ramp, 100).after(tally), Next::Stop(_))
    }

    #[test]
    fn rounds_grow_up_to_the_largest_one() {
        let mut ramp = 0;
        let mut sizes = Vec::new();
        let mut tally = NONE;
        for _ in 0..9 {
            let Next::Round { ramp: next, size } = course(ramp, 1000).after(tally) else {
                panic!("it stops")
            };
            sizes.push(size);
            (ramp, tally) = (next, Tally { mended: size, ..NONE });
        }
        assert_eq!(sizes, [5, 10, 20, 40, 80, 160, 320, 320, 320]);
    }

    #[test]
    fn it_stops_above_the_rate_and_not_at_it() {
        assert!(!stops(0, Tally { mended: 4, stuck_again: 1, ..NONE }));
        assert!(stops(0, Tally { mended: 3, stuck_again: 1, failed: 1, ..NONE }));
        assert!(stops(40, Tally { mended: 31, failed: 9, ..NONE }));
    }

    #[test]
    fn refusals_count_in_no_share_but_are_no_good_sign_in_a_canary() {
        assert!(!stops(10, Tally { refused: 10, ..NONE }));
        assert!(!stops(0, Tally { refused: 4, mended: 1, ..NONE }));
        assert!(stops(0, Tally { refused: 5, ..NONE }));
        assert!(stops(0, Tally { acted: 5, ..NONE }), "nobody saw any of them go on");
        assert!(stops(10, Tally { refused: 9, failed: 1, ..NONE }), "all that counts was bad");
    }

    #[test]
    fn a_batch_without_anything_left_is_done_however_its_last_round_ended() {
        assert_eq!(course(0, 0).after(Tally { failed: 5, ..NONE }), Next::Done);
        assert_eq!(course(0, 0).after(NONE), Next::Done);
    }
}
