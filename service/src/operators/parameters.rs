//! The parameters of an action, read from JSON or from text, and the action that they make.

use super::{ActionRow, Invalid, OUTPUT_BYTES_MAX, Parameter, invalid::not};
use chrono::{DateTime, Utc};
use operator::{Action, ActionKind};
use orchestrator::journal::Json;
use serde_json::{Value, value::to_raw_value};

/// The parameters that were given. Each action takes some of them, and must not get the others.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    output: Option<Value>,
    down_to: Option<i32>,
    to: Option<i32>,
    until: Option<DateTime<Utc>>,
}

/// A parameter as it was sent.
#[derive(Clone, Debug)]
pub enum Argument {
    /// As JSON, in a body.
    Json(Value),
    /// As text, on the command line or in a form.
    Text(String),
}

impl Parameters {
    /// Reads one parameter.
    ///
    /// # Errors
    /// The value is not what the parameter must be.
    pub fn read(&mut self, parameter: Parameter, argument: Argument) -> Result<(), Invalid> {
        let read = match parameter {
            Parameter::Output => json(argument).map(|json| self.output = Some(json)),
            Parameter::DownTo => position(argument).map(|position| self.down_to = Some(position)),
            Parameter::To => position(argument).map(|position| self.to = Some(position)),
            Parameter::Until => time(argument).map(|time| self.until = Some(time)),
        };
        read.map_err(|detail| Invalid::new(parameter.name(), detail))
    }

    fn has(&self, parameter: Parameter) -> bool {
        match parameter {
            Parameter::Output => self.output.is_some(),
            Parameter::DownTo => self.down_to.is_some(),
            Parameter::To => self.to.is_some(),
            Parameter::Until => self.until.is_some(),
        }
    }
}

/// The action of this row with these parameters.
///
/// # Errors
/// The first parameter that is missing, or that this action does not take.
pub fn action(row: ActionRow, given: Parameters) -> Result<Action, Invalid> {
    let takes = |parameter| row.takes.iter().any(|takes| takes.parameter == parameter);
    if let Some(other) = Parameter::ALL.into_iter().find(|other| given.has(*other) && !takes(*other)) {
        return Err(Invalid::new(other.name(), format!("is not a parameter of `{}`", row.word)));
    }
    let Parameters { output, down_to, to, until } = given;
    Ok(match row.kind {
        ActionKind::RetryNow => Action::RetryNow,
        ActionKind::Probe => Action::Probe,
        ActionKind::Pause => Action::Pause,
        ActionKind::Resume => Action::Resume,
        ActionKind::Cancel => Action::Cancel,
        ActionKind::SetOutput => Action::SetOutput { output: raw(output)? },
        ActionKind::Skip => Action::Skip,
        ActionKind::WriteOff => Action::WriteOff,
        ActionKind::MarkResolved => Action::MarkResolved { output: raw(output)? },
        ActionKind::Compensate => Action::Compensate { down_to: down_to.map(Into::into) },
        ActionKind::Rewind => Action::Rewind { to: given_as(Parameter::To, to)?.into() },
        ActionKind::Extend => Action::Extend { until: given_as(Parameter::Until, until)? },
        ActionKind::ReleaseLease => Action::ReleaseLease,
    })
}

fn given_as<T>(parameter: Parameter, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(parameter.name(), "is missing"))
}

fn raw(output: Option<Value>) -> Result<Json, Invalid> {
    let output = given_as(Parameter::Output, output)?;
    let raw = to_raw_value(&output).map_err(|error| error.to_string());
    raw.map(Into::into).map_err(|detail| Invalid::new(Parameter::Output.name(), detail))
}

fn json(argument: Argument) -> Result<Value, String> {
    let value = match argument {
        Argument::Json(value) => value,
        Argument::Text(text) => {
            serde_json::from_str(&text).map_err(|error| format!("must be JSON, and is not: {error}"))?
        }
    };
    let bytes = value.to_string().len();
    if bytes > OUTPUT_BYTES_MAX {
        return Err(format!("must have at most {OUTPUT_BYTES_MAX} bytes of JSON, and has {bytes}"));
    }
    Ok(value)
}

fn position(argument: Argument) -> Result<i32, String> {
    let (position, given) = match argument {
        Argument::Json(value) => {
            (value.as_i64().and_then(|position| i32::try_from(position).ok()), value.to_string())
        }
        Argument::Text(text) => (text.trim().parse::<i32>().ok(), text),
    };
    let position = position.filter(|position| *position >= 0);
    position.ok_or_else(|| not("the position of an entry, a whole number from 0", &given))
}

fn time(argument: Argument) -> Result<DateTime<Utc>, String> {
    let text = match argument {
        Argument::Json(Value::String(text)) | Argument::Text(text) => text,
        Argument::Json(other) => other.to_string(),
    };
    let time = DateTime::parse_from_rfc3339(text.trim()).map(|time| time.to_utc());
    time.map_err(|_| not("a time (RFC 3339) such as 2026-03-01T19:00:00Z", &text))
}

#[cfg(test)]
mod tests {
    use super::{super::actions, *};
    use serde_json::json;

    fn text(parameter: Parameter) -> Argument {
        Argument::Text(match parameter {
            Parameter::Output => r#"{"a":1}"#.into(),
            Parameter::DownTo | Parameter::To => "3".into(),
            Parameter::Until => "2026-03-01T19:00:00Z".into(),
        })
    }

    #[test]
    fn every_action_takes_its_own_parameters_and_no_others() {
        for row in actions::rows() {
            let mut all = Parameters::default();
            for takes in row.takes {
                all.read(takes.parameter, text(takes.parameter)).unwrap();
            }
            assert_eq!(action(row, all.clone()).unwrap().kind(), row.kind);
            let missing = action(row, Parameters::default()).err().map(|invalid| invalid.field);
            let required = row.takes.iter().find(|takes| takes.is_required);
            assert_eq!(missing, required.map(|takes| takes.parameter.name()), "{row:?}");
            for other in Parameter::ALL {
                if row.takes.iter().all(|takes| takes.parameter != other) {
                    let mut more = all.clone();
                    more.read(other, text(other)).unwrap();
                    assert_eq!(action(row, more).unwrap_err().field, other.name(), "{row:?}");
                }
            }
        }
    }

    #[test]
    fn an_argument_means_the_same_in_json_and_in_text() {
        let read = |parameter, argument| Parameters::default().read(parameter, argument);
        assert!(read(Parameter::To, Argument::Json(json!(3))).is_ok());
        for wrong in [json!(-1), json!("3"), json!(3_000_000_000_i64)] {
            assert!(read(Parameter::To, Argument::Json(wrong)).is_err());
        }
        for (parameter, wrong) in [
            (Parameter::To, "-1"),
            (Parameter::DownTo, "one"),
            (Parameter::Until, "soon"),
            (Parameter::Output, "{"),
        ] {
            assert_eq!(read(parameter, Argument::Text(wrong.into())).unwrap_err().field, parameter.name());
        }
        assert!(read(Parameter::Output, Argument::Json(Value::Null)).is_ok(), "null is an output too");
        let largest = json!("x".repeat(OUTPUT_BYTES_MAX - 2));
        assert!(read(Parameter::Output, Argument::Json(largest)).is_ok());
        let larger = json!("x".repeat(OUTPUT_BYTES_MAX - 1));
        assert!(read(Parameter::Output, Argument::Json(larger)).unwrap_err().detail.contains("at most"));
    }
}
