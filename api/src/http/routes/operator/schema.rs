//! What the OpenAPI document says of operators' words, made from the tables that the words are read by.

use operator::{ItemResult, Trouble};
use orchestrator::State;
use service::operators::{self, Parameter, REASON_CHARS_MAX, words};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

/// An action's name.
pub fn action() -> Object {
    let names: Vec<&str> = operators::action_rows().map(|row| row.kind.name()).collect();
    let lines = operators::action_rows().map(|row| format!("`{}`: {}.", row.kind.name(), row.does));
    let lines: Vec<String> = lines.collect();
    let about = "What is done. The words of the command line, such as `retry-now`, are understood too.";
    text().enum_values(Some(names)).description(Some(format!("{about}\n\n{}", lines.join("\n")))).build()
}

/// Why something is done.
pub fn reason() -> Object {
    reason_that("Why; it is kept in the audit.")
}

/// Why something is done, or would be.
pub fn reason_of_preview() -> Object {
    reason_that("Why; it is kept in the audit. A preview needs none.")
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

/// Which actions take it, and what it is for each.
fn about(parameter: Parameter) -> String {
    let takes = |row: operators::ActionRow| {
        let takes = row.takes.iter().find(|takes| takes.parameter == parameter)?;
        Some(format!("`{}`: {}.", row.kind.name(), takes.about))
    };
    operators::action_rows().filter_map(takes).collect::<Vec<_>>().join(" ")
}

/// A state of sagas.
pub fn state() -> Object {
    one_of(words::STATES.map(State::as_str), "In this state.")
}

/// A work-list.
pub fn trouble() -> Object {
    one_of(Trouble::ALL.map(Trouble::as_str), "On this work-list.")
}

/// A result of a batch's saga.
pub fn result() -> Object {
    one_of(words::RESULTS.map(ItemResult::as_str), "Only those with this result.")
}

fn one_of<const N: usize>(words: [&'static str; N], about: &str) -> Object {
    text().enum_values(Some(words)).description(Some(about)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
