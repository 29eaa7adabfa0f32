//! Decides the result of a saga that was acted on. Pure: its row in, verdict out.

use crate::record::ItemResult;
use chrono::TimeDelta;
use orchestrator::{
    State,
    tools::{Action, Look},
};

/// A result, and the reason.
pub(super) type Verdict = (ItemResult, Option<String>);

/// Whether this action has its result at once, so that there is nothing to wait for.
pub(super) fn settles_at_once(action: &Action) -> bool {
    matches!(action, Action::Pause | Action::Resume | Action::Extend { .. })
}

/// The verdict after this time; `None` if the batch must wait longer.
pub(super) fn judge(look: Option<&Look>, waited: TimeDelta, bound: TimeDelta) -> Option<Verdict> {
    // Finished sagas are removed after a time, so this one has been over for long.
    let Some(look) = look else { return Some((ItemResult::Mended, None)) };
    let over_time = waited >= bound;
    match look.state {
        State::Completed | State::Unwound => Some((ItemResult::Mended, None)),
        State::Stuck => Some((ItemResult::StuckAgain, look.cause.clone())),
        State::Waiting if !look.retrying && !look.paused => Some((ItemResult::Mended, None)),
        State::Running | State::Waiting | State::Unwinding if !over_time => None,
        State::Running | State::Waiting | State::Unwinding if look.paused => {
            Some((ItemResult::Acted, Some("somebody paused it".into())))
        }
        State::Running | State::Waiting | State::Unwinding if look.retrying => {
            Some((ItemResult::Acted, Some("it is still being retried".into())))
        }
        // It is still running, and nothing has failed.
        State::Running | State::Waiting | State::Unwinding => Some((ItemResult::Mended, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: TimeDelta = TimeDelta::seconds(1);
    const BOUND: TimeDelta = TimeDelta::seconds(60);

    fn verdict(state: State, retrying: bool, paused: bool, waited: TimeDelta) -> Option<ItemResult> {
        let look = Look { state, retrying, paused, cause: None };
        judge(Some(&look), waited, BOUND).map(|(result, _)| result)
    }

    #[test]
    fn a_saga_that_went_on_or_got_stuck_is_judged_at_once_and_one_on_its_way_when_the_time_is_over() {
        use ItemResult::{Acted, Mended, StuckAgain};
        let cases = [
            (State::Completed, false, false, SOON, Some(Mended)),
            (State::Unwound, false, false, SOON, Some(Mended)),
            (State::Stuck, false, false, SOON, Some(StuckAgain)),
            (State::Waiting, false, false, SOON, Some(Mended)),
            (State::Waiting, true, false, SOON, None),
            (State::Running, false, false, SOON, None),
            (State::Unwinding, true, false, SOON, None),
            (State::Waiting, true, false, BOUND, Some(Acted)),
            (State::Unwinding, false, true, BOUND, Some(Acted)),
            (State::Running, false, false, BOUND, Some(Mended)),
        ];
        for (state, retrying, paused, waited, expected) in cases {
            let found = verdict(state, retrying, paused, waited);
            assert_eq!(found, expected, "{state}, retrying {retrying}, paused {paused}, after {waited}");
        }
        assert_eq!(judge(None, SOON, BOUND), Some((Mended, None)), "it is gone: it was at rest");
    }
}
