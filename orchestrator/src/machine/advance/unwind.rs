//! Unwinding: undo what was begun, latest first, from the journal alone.

use crate::{
    journal::{Answer, Ask, Entry, What},
    machine::{
        call::Direction,
        env::Env,
        need::{Need, Recorded},
        run::{Pause, Run},
    },
    record::{State, StuckCause},
    registry::{AnyStep, ErasedStep, RecordedEvent},
};
use std::sync::Arc;

impl Run {
    pub(super) fn unwind(&mut self, env: &Env<'_>) -> Option<Need> {
        let history = self.core.history();
        let (rewinding, stops) = (history.rewinding_to(), history.stops_here());
        let (Some(cause), Some(ask)) = (history.undo_cause().cloned(), history.next_undo().cloned()) else {
            drop(history);
            match rewinding {
                Some(position) => self.append(Entry::RewoundTo { position }),
                None => self.park(State::Unwound, None),
            }
            return None;
        };
        drop(history);
        if stops {
            let why = "compensated as far as an operator wanted".to_owned();
            self.pause = Some(Pause::Begin { by: "engine".into(), why });
            self.park(State::Unwinding, None);
            return None;
        }
        let (step, value) = match recorded_step(&ask, env) {
            Ok(step) => step,
            Err(cause) => {
                self.mark_stuck(cause, env);
                return None;
            }
        };
        self.at = Some(step.name());
        if self.waits_for_retry(State::Unwinding, env) {
            return None;
        }
        let (of, made) = (ask.first, ask.output().cloned());
        if step.ours() {
            return Some(Need::Undo { step, value, of, made });
        }
        if !step.repeatable() && !ask.undo_started {
            let entry = Box::new(Recorded::Plain(Entry::UndoStarted { of }));
            return Some(Need::Record {
                step,
                value,
                of,
                event: Box::new(RecordedEvent::UndoStarted { cause }),
                entry,
            });
        }
        self.hand_out(step, value, Direction::Back { of, made }, of, false, env);
        None
    }
}

/// The step of a request, read back from the journal alone.
fn recorded_step(ask: &Ask, env: &Env<'_>) -> Result<(Arc<dyn ErasedStep>, AnyStep), StuckCause> {
    let undecodable = |what: String, error: String| StuckCause::Undecodable { what, error };
    let What::Step(name) = &ask.what else {
        return Err(undecodable(ask.what.to_string(), "only steps are undone".into()));
    };
    let step = env.registry.steps.get(name).cloned();
    let step =
        step.ok_or_else(|| undecodable(format!("step `{name}`"), "not known to this binary".into()))?;
    let missing = || undecodable(format!("input of step `{name}`"), "the journal has none".into());
    let value = step
        .decode(ask.input.as_ref().ok_or_else(missing)?)
        .map_err(|error| undecodable(format!("input of step `{name}`"), error.to_string()))?;
    debug_assert!(!matches!(ask.answer, Some(Answer::Rejected(_))), "a refused step is never undone");
    Ok((step, value))
}
