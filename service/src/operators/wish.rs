//! An operator's wish, as words: an action's name and its parameters, of which each action takes its own.

use chrono::{DateTime, Utc};
use orchestrator::operator::Action;
use serde_json::{Value, value::to_raw_value};

/// What an action may be given. Each takes some of these, and must not be given the others.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// `set_output`, `mark_resolved`: the output, of the step's or the workflow's type.
    pub output: Option<Value>,
    /// `compensate`: the position of the earliest step to be undone.
    pub down_to: Option<i32>,
    /// `rewind`: the position where the request began.
    pub to: Option<i32>,
    /// `extend`: by the database's clock.
    pub until: Option<DateTime<Utc>>,
}

/// What is wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which of its fields.
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// The action of that name with these parameters.
///
/// # Errors
/// An unknown name, or the first parameter that is missing or is not this action's.
pub fn action(name: &str, mut given: Parameters) -> Result<Action, Wrong> {
    let action = match name {
        "retry_now" => Action::RetryNow,
        "probe" => Action::Probe,
        "pause" => Action::Pause,
        "resume" => Action::Resume,
        "cancel" => Action::Cancel,
        "skip" => Action::Skip,
        "write_off" => Action::WriteOff,
        "release_lease" => Action::ReleaseLease,
        "set_output" => Action::SetOutput { output: raw(needed("output", given.output.take())?)? },
        "mark_resolved" => Action::MarkResolved { output: raw(needed("output", given.output.take())?)? },
        "compensate" => Action::Compensate { down_to: given.down_to.take().map(Into::into) },
        "rewind" => Action::Rewind { to: needed("to", given.to.take())?.into() },
        "extend" => Action::Extend { until: needed("until", given.until.take())? },
        _ => return Err(wrong("action", "must be the name of an action".into())),
    };
    let left = [
        ("output", given.output.is_some()),
        ("down_to", given.down_to.is_some()),
        ("to", given.to.is_some()),
        ("until", given.until.is_some()),
    ];
    match left.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(wrong(field, format!("is no parameter of `{name}`"))),
        None => Ok(action),
    }
}

fn needed<T>(field: &'static str, value: Option<T>) -> Result<T, Wrong> {
    value.ok_or_else(|| wrong(field, "is missing".into()))
}

fn raw(value: Value) -> Result<orchestrator::journal::Json, Wrong> {
    to_raw_value(&value).map(Into::into).map_err(|error| wrong("output", error.to_string()))
}

fn wrong(field: &'static str, detail: String) -> Wrong {
    Wrong { field, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_action_takes_its_own_parameters_and_no_others() {
        let output = || Parameters { output: Some(json!({"a": 1})), ..Parameters::default() };
        let to = |to| Parameters { to: Some(to), ..Parameters::default() };
        let field = |name, given| action(name, given).err().map(|wrong| wrong.field);
        assert!(
            matches!(action("set_output", output()), Ok(Action::SetOutput { output }) if output.get() == r#"{"a":1}"#)
        );
        assert!(matches!(action("rewind", to(3)), Ok(Action::Rewind { to }) if to.index() == 3));
        assert!(matches!(
            action("compensate", Parameters::default()),
            Ok(Action::Compensate { down_to: None })
        ));
        assert_eq!(field("set_output", Parameters::default()), Some("output"));
        assert_eq!(field("rewind", Parameters::default()), Some("to"));
        assert_eq!(field("extend", to(3)), Some("until"));
        assert_eq!(field("pause", to(3)), Some("to"));
        assert_eq!(field("retry_now", output()), Some("output"));
        assert_eq!(field("explode", Parameters::default()), Some("action"));
    }
}
