//! The body of an operator's action.

use super::{
    super::super::{
        extract::{Expected, Fields, FromFields, Read},
        problem::FieldError,
    },
    schema,
};
use operator::Action;
use serde_json::Value;
use service::operators::{self, Argument, Parameter, Parameters};
use std::str::FromStr;
use utoipa::ToSchema;

/// An action and its reason.
pub struct NewAction {
    /// The action with its parameters.
    pub action: Action,
    /// The reason; empty if the caller gave none.
    pub reason: String,
    /// The hash of the plan that the caller has seen.
    pub plan: Option<String>,
}

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = NewAction)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct NewActionBody {
    #[schema(schema_with = schema::action)]
    action: String,
    #[schema(schema_with = schema::reason_of_preview)]
    reason: Option<String>,
    /// The `hash` of the preview. If the action would do something else now, nothing is done.
    plan: Option<String>,
    #[schema(schema_with = schema::output)]
    output: Option<Value>,
    #[schema(schema_with = schema::down_to)]
    down_to: Option<i32>,
    #[schema(schema_with = schema::to)]
    to: Option<i32>,
    #[schema(schema_with = schema::until)]
    until: Option<String>,
}

/// A reason that is neither blank nor too long.
pub struct Reason(pub String);

impl Read for Reason {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let read = match value.as_str() {
            Some(text) => operators::reason(text).map_err(|invalid| invalid.detail),
            None => Err("must be text".into()),
        };
        read.map_err(|detail| errors.push(FieldError { pointer: pointer.into(), detail })).ok().map(Self)
    }
}

/// A text that is checked where it is used.
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

/// Any JSON value.
struct Anything(Value);

impl Read for Anything {
    fn read(value: Value, _: &str, _: &mut Vec<FieldError>) -> Option<Self> {
        Some(Self(value))
    }
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
    let row = fields.required::<Word>("action").map(|word| operators::action_named(&word.0));
    let mut given = Parameters::default();
    let mut wrong = Vec::new();
    for parameter in Parameter::ALL {
        if let Some(value) = argument(fields, parameter) {
            wrong.extend(given.read(parameter, Argument::Json(value)).err());
        }
    }
    let action = match row {
        // A parameter that can't be read is not missing.
        Some(Ok(row)) if wrong.is_empty() => {
            operators::action(row, given).map_err(|invalid| wrong.push(invalid)).ok()
        }
        Some(Ok(_)) | None => None,
        Some(Err(invalid)) => {
            wrong.push(invalid);
            None
        }
    };
    wrong.into_iter().for_each(|invalid| fields.wrong(invalid.field, invalid.detail));
    action
}

/// The value of a parameter in a body. `null` is a valid output; for all other parameters it means that there is no value.
fn argument(fields: &mut Fields, parameter: Parameter) -> Option<Value> {
    let name = parameter.name();
    match parameter {
        Parameter::Output if !fields.has(name) => None,
        Parameter::Output => fields.required::<Anything>(name).map(|value| value.0),
        Parameter::DownTo | Parameter::To | Parameter::Until => {
            fields.optional::<Anything>(name).flatten().map(|value| value.0)
        }
    }
}
