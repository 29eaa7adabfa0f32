//! The body of an operator's action.

use super::super::super::{
    extract::{Expected, Fields, FromFields, Read},
    problem::FieldError,
};
use chrono::{DateTime, Utc};
use orchestrator::operator::Action;
use serde_json::Value;
use service::operators::wish::{self as operators, Parameters};
use std::str::FromStr;
use utoipa::ToSchema;

/// The longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What is to be done, and why.
pub struct NewAction {
    /// The action with its parameters.
    pub action: Action,
    /// Empty if the caller gave none.
    pub reason: String,
    /// The hash of the plan that this must come to.
    pub plan: Option<String>,
}

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = NewAction)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct NewActionBody {
    /// One of those that the saga lists under `allowed`.
    #[schema(example = "retry_now")]
    action: String,
    /// Why; it is kept in the audit. A preview needs none.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// `hash` of the preview: if the action would do something else by now, nothing is done.
    plan: Option<String>,
    /// `set_output`: of the step's type. `mark_resolved`: of the workflow's.
    output: Option<Value>,
    /// `compensate`: where the earliest step to be undone began.
    down_to: Option<i32>,
    /// `rewind`: where the first request to be made anew began.
    to: Option<i32>,
    /// `extend`: no wait ends before.
    until: Option<DateTime<Utc>>,
}

/// Bounded words, not blank.
pub struct Reason(pub String);

impl FromStr for Reason {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= REASON_CHARS_MAX;
        if fits { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl Expected for Reason {
    const EXPECTED: &'static str = "text of 1 to 500 characters";
}

/// Text that is checked where it is used.
pub struct Word(pub String);

impl FromStr for Word {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(Self(text.to_owned()))
    }
}

impl Expected for Word {
    const EXPECTED: &'static str = "text";
}

/// Any JSON.
struct Anything(Value);

impl Read for Anything {
    fn read(value: Value, _: &str, _: &mut Vec<FieldError>) -> Option<Self> {
        Some(Self(value))
    }
}

/// The index of an entry.
struct Place(i32);

impl Read for Place {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let place = value.as_i64().and_then(|place| i32::try_from(place).ok()).filter(|place| *place >= 0);
        if place.is_none() {
            let detail = "must be the position of an entry, a whole number from 0".into();
            errors.push(FieldError { pointer: pointer.into(), detail });
        }
        place.map(Self)
    }
}

/// A moment.
struct Time(DateTime<Utc>);

impl FromStr for Time {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        DateTime::parse_from_rfc3339(text).map(|time| Self(time.to_utc())).map_err(drop)
    }
}

impl Expected for Time {
    const EXPECTED: &'static str = "a time (RFC 3339)";
}

impl FromFields for NewAction {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (reason, plan) = (fields.optional::<Reason>("reason"), fields.optional::<Word>("plan"));
        let action = action(fields);
        let reason = reason?.map_or_else(String::new, |reason| reason.0);
        Some(Self { action: action?, reason, plan: plan?.map(|plan| plan.0) })
    }
}

/// The action that the fields name, with its parameters.
pub fn action(fields: &mut Fields) -> Option<Action> {
    let name = fields.required::<Word>("action");
    // `null` is an output too.
    let output = fields.has("output").then(|| fields.required::<Anything>("output")).flatten();
    let (down_to, to) = (fields.optional::<Place>("down_to"), fields.optional::<Place>("to"));
    let until = fields.optional::<Time>("until");
    let given = Parameters {
        output: output.map(|output| output.0),
        down_to: down_to?.map(|place| place.0),
        to: to?.map(|place| place.0),
        until: until?.map(|time| time.0),
    };
    match operators::action(&name?.0, given) {
        Ok(action) => Some(action),
        Err(wrong) => {
            fields.wrong(wrong.field, wrong.detail);
            None
        }
    }
}
