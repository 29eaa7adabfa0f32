//! The schemas of operators' words in the OpenAPI document, made from the tables that the words are read by.

use operator::{ItemResult, Trouble};
use orchestrator::State;
use service::operators::{self, Parameter, REASON_CHARS_MAX, words};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

/// An action's name.
pub fn action() -> Object {
    let names: Vec<&str> = operators::action_rows().map(|row| row.kind.name()).collect();
    let lines = operators::action_rows().map(|row| format!("`{}`: {}.", row.kind.name(), row.does));
    let lines: Vec<String> = lines.collect();
    let about = "The action's name. The words of the command line, such as `retry-now`, are understood too.";
    text().enum_values(Some(names)).description(Some(format!("{about}\n\n{}", lines.join("\n")))).build()
}

/// The reason of an action.
pub fn reason() -> Object {
    reason_that("The reason. It is kept in the audit.")
}

/// The reason of an action that may be a preview.
pub fn reason_of_preview() -> Object {
    reason_that("The reason. It is kept in the audit. A preview needs no reason.")
}

fn reason_that(about: &str) -> Object {
    text().min_length(Some(1)).max_length(Some(REASON_CHARS_MAX)).description(Some(about)).build()
}

/// The parameter `output`.
pub fn output() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(about(Parameter::Output))).build()
}

/// The parameter `down_to`.
pub fn down_to() -> Object {
    position(Parameter::DownTo)
}

/// The parameter `to`.
pub fn to() -> Object {
    position(Parameter::To)
}

/// The parameter `until`.
pub fn until() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    text().format(Some(format)).description(Some(about(Parameter::Until))).build()
}

fn position(parameter: Parameter) -> Object {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    number.description(Some(about(parameter))).build()
}

/// The actions that take a parameter, with its meaning for each.
fn about(parameter: Parameter) -> String {
    let takes = |row: operators::ActionRow| {
        let takes = row.takes.iter().find(|takes| takes.parameter == parameter)?;
        Some(format!("`{}`: {}.", row.kind.name(), takes.about))
    };
    operators::action_rows().filter_map(takes).collect::<Vec<_>>().join(" ")
}

/// A state of sagas.
pub fn state() -> Object {
    one_of(words::STATES.map(State::as_str), "Only sagas in this state.")
}

/// A work-list.
pub fn trouble() -> Object {
    one_of(Trouble::ALL.map(Trouble::as_str), "Only sagas on this work-list.")
}

/// A result of a batch's saga.
pub fn result() -> Object {
    one_of(words::RESULTS.map(ItemResult::as_str), "Only items with this result.")
}

fn one_of<const N: usize>(words: [&'static str; N], about: &str) -> Object {
    text().enum_values(Some(words)).description(Some(about)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
