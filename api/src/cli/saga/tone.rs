//! How a saga's state is coloured.

use crate::cli::out::Tone;
use orchestrator::State;

pub(super) fn of(state: State) -> Tone {
    match state {
        State::Stuck => Tone::Bad,
        State::Unwinding => Tone::Warn,
        State::Completed | State::Unwound => Tone::Good,
        State::Running | State::Waiting => Tone::Plain,
    }
}
