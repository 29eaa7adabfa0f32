//! The table of what operators can do to a saga. Command line, JSON API and console are made from it, so that the three
//! know the same actions under the same words.
//!
//! An action's *name* (`set_output`) is what programs write: journals, audits, JSON and addresses. Its *word* is the name
//! with hyphens (`set-output`), which people type. Its *label*, on buttons, is the name with spaces. Every door understands
//! all of them, and the words of earlier versions.

use super::{Invalid, invalid::not_one_of};
use operator::ActionKind;

/// A row of the table of actions.
#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    /// The action.
    pub kind: ActionKind,
    /// The word that people type.
    pub word: &'static str,
    /// The words of earlier versions.
    pub old_words: &'static [&'static str],
    /// The label of its button.
    pub label: &'static str,
    /// What it does, in one sentence without a full stop.
    pub does: &'static str,
    /// When to use it, or what to know before. Empty if `does` says enough.
    pub advice: &'static str,
    /// Its parameters.
    pub takes: &'static [Takes],
}

/// A parameter of an action.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// The parameter.
    pub parameter: Parameter,
    /// Whether the action needs it.
    pub is_required: bool,
    /// What its value means for this action.
    pub about: &'static str,
}

/// The parameters that actions may have besides a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Any JSON value of at most [`OUTPUT_BYTES_MAX`](super::OUTPUT_BYTES_MAX).
    Output,
    /// The position of an entry, a whole number from 0.
    DownTo,
    /// The position of an entry, a whole number from 0.
    To,
    /// A time (RFC 3339), by the database's clock.
    Until,
}

impl Parameter {
    /// All parameters.
    pub const ALL: [Self; 4] = [Self::Output, Self::DownTo, Self::To, Self::Until];

    /// Its name in JSON and in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::DownTo => "down_to",
            Self::To => "to",
            Self::Until => "until",
        }
    }

    /// Its flag, for actions where it is optional.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::DownTo => "down-to",
            Self::To => "to",
            Self::Until => "until",
        }
    }
}

const fn required(parameter: Parameter, about: &'static str) -> Takes {
    Takes { parameter, is_required: true, about }
}

const fn optional(parameter: Parameter, about: &'static str) -> Takes {
    Takes { parameter, is_required: false, about }
}

/// The row of an action.
pub fn row(kind: ActionKind) -> ActionRow {
    let (word, old_words, label): (_, &[&str], _) = names(kind);
    let (does, advice, takes): (_, _, &[Takes]) = match kind {
        ActionKind::RetryNow => (
            "Tries again at once, with a fresh budget of attempts",
            "Use it when what failed has been repaired.",
            &[],
        ),
        ActionKind::Probe => (
            "Asks the other side what became of a call in doubt, and goes on from its answer",
            "Nothing is repeated blindly. Use it when an outcome is unknown.",
            &[],
        ),
        ActionKind::Pause => (
            "Stops the saga until somebody resumes it",
            "A call that is out may end, and its result is recorded.",
            &[],
        ),
        ActionKind::Resume => ("Lets the saga go on after a pause", "", &[]),
        ActionKind::Cancel => ("Unwinds the saga, as if the customer had asked for it", "", &[]),
        ActionKind::SetOutput => (
            "Gives an output to the step that the workflow asks for, as if the step had been done, and goes on",
            "Use it when you know what the output would have been.",
            const { &[required(Parameter::Output, "JSON of the step's type")] },
        ),
        ActionKind::Skip => (
            "Takes a step whose output means nothing as done",
            "Use it when its effect is already there, or no longer matters.",
            &[],
        ),
        ActionKind::WriteOff => (
            "Takes the compensation that is owed as settled, and unwinds the steps before it",
            "Use it when the compensation was settled by hand.",
            &[],
        ),
        ActionKind::MarkResolved => (
            "Completes a saga that can't go on after its pivot, with this result",
            "Callers get the result.",
            const { &[required(Parameter::Output, "JSON of the workflow's type")] },
        ),
        ActionKind::Compensate => (
            "Unwinds the saga: all the way, or down to a step, where it pauses",
            "The saga can't go forward again.",
            const {
                &[optional(
                    Parameter::DownTo,
                    "The position of the earliest step to be undone; without it all steps are undone",
                )]
            },
        ),
        ActionKind::Rewind => (
            "Undoes a step and everything that began later, and goes forward again from there, under new keys",
            "",
            const { &[required(Parameter::To, "The position of the first step to be done again")] },
        ),
        ActionKind::Extend => (
            "Moves the deadline of a wait for a signal to a later time, and holds what is reserved until then",
            "",
            const { &[required(Parameter::Until, "A time (RFC 3339), at most a day from now")] },
        ),
        ActionKind::ReleaseLease => (
            "Takes the lease away from a node that does nothing with it",
            "The call is made again under its key; an answer that the node still brings is ignored. Use it when the call has been \
             out for longer than any call may be.",
            &[],
        ),
    };
    ActionRow { kind, word, old_words, label, does, advice, takes }
}

/// An action's names: the word that is typed, older words, and the button's label.
fn names(kind: ActionKind) -> (&'static str, &'static [&'static str], &'static str) {
    match kind {
        ActionKind::RetryNow => ("retry-now", &["retry"], "Retry now"),
        ActionKind::Probe => ("probe", &[], "Probe"),
        ActionKind::Pause => ("pause", &[], "Pause"),
        ActionKind::Resume => ("resume", &[], "Resume"),
        ActionKind::Cancel => ("cancel", &[], "Cancel"),
        ActionKind::SetOutput => ("set-output", &[], "Set output"),
        ActionKind::Skip => ("skip", &[], "Skip"),
        ActionKind::WriteOff => ("write-off", &[], "Write off"),
        ActionKind::MarkResolved => ("mark-resolved", &["resolve"], "Mark resolved"),
        ActionKind::Compensate => ("compensate", &[], "Compensate"),
        ActionKind::Rewind => ("rewind", &[], "Rewind"),
        ActionKind::Extend => ("extend", &[], "Extend"),
        ActionKind::ReleaseLease => ("release-lease", &[], "Release lease"),
    }
}

/// All rows, in the order in which they are shown.
pub fn rows() -> impl Iterator<Item = ActionRow> {
    ActionKind::ALL.into_iter().map(row)
}

/// The row that a word means: a name, a word, or a word of an earlier version.
///
/// # Errors
/// There is no such action; the detail lists all actions.
pub fn row_of(word: &str) -> Result<ActionRow, Invalid> {
    let typed = word.trim().replace(['_', ' '], "-");
    let found = rows().find(|row| row.word == typed || row.old_words.contains(&typed.as_str()));
    found.ok_or_else(|| Invalid::new("action", not_one_of(rows().map(|row| row.word), word)))
}

/// The name in the audit that a word means. The audit has more than actions, such as `propose` and `batch_start`.
pub fn audited_as(word: String) -> String {
    row_of(&word).map_or(word, |row| row.kind.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_called_the_same_at_all_doors() {
        for row in rows() {
            let name = row.kind.name();
            assert_eq!(row.word, name.replace('_', "-"));
            assert_eq!(row.label.to_lowercase(), name.replace('_', " "));
            for word in [name, row.word, row.label.to_lowercase().as_str()].iter().chain(row.old_words) {
                assert_eq!(row_of(word).unwrap().kind, row.kind, "{word}");
            }
            assert!(!row.does.is_empty() && !row.does.ends_with('.'), "{row:?}");
        }
        let slip = row_of("explode").unwrap_err().to_string();
        assert!(slip.contains("retry-now, probe, pause") && slip.ends_with("and is \"explode\""), "{slip}");
        assert_eq!(audited_as("resolve".into()), "mark_resolved");
        assert_eq!(audited_as("batch_start".into()), "batch_start");
    }
}
