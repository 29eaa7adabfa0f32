//! Holds every answer to the OpenAPI document: path, method, status, media type, schema.

use super::client::Answer;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::OnceLock;

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(api::http::document()).unwrap())
}

/// Panics if the document doesn't promise this answer.
pub fn hold(method: &Method, path: &str, answer: &Answer) {
    assert!(
        !answer.header("x-request-id").is_empty() && answer.header("traceparent").starts_with("00-"),
        "{answer:?}"
    );
    if answer.status.as_u16() >= 400 && answer.header("content-type") == "application/problem+json" {
        hold_problem(answer);
    }
    let Some((template, item)) = path_item(path) else { return };
    let Some(operation) = item.get(method.as_str().to_lowercase()) else { return };
    let place = format!("{method} {template} → {}", answer.status.as_u16());
    let promised = &operation["responses"][answer.status.as_u16().to_string()];
    assert!(promised.is_object(), "{place} is not in the OpenAPI document: {answer:?}");
    let Some(content) = promised["content"].as_object() else {
        assert!(answer.text.is_empty(), "{place} should have no body: {answer:?}");
        return;
    };
    if answer.header("content-type") == "application/problem+json" {
        let (code, told) =
            (answer.json()["code"].to_string().replace('"', "`"), promised["description"].to_string());
        assert!(told.contains(&code), "{place}: {code} is not among the promised {told}");
    }
    let kind = answer.header("content-type").split(';').next().unwrap();
    let schema = &content.get(kind).unwrap_or_else(|| panic!("{place}: `{kind}` is not promised"))["schema"];
    if kind.ends_with("json") {
        validate(&place, schema, &answer.json());
    }
}

/// Checks what RFC 9457 and our own rules say of every problem, also on paths that the document doesn't have.
fn hold_problem(answer: &Answer) {
    let problem = answer.json();
    validate("a problem", &json!({"$ref": "#/components/schemas/Problem"}), &problem);
    assert_eq!(problem["status"], answer.status.as_u16());
    assert_eq!(problem["type"], format!("/problems/{}", problem["code"].as_str().unwrap()));
    assert_eq!(problem["instance"], format!("/requests/{}", answer.header("x-request-id")));
    assert_eq!(answer.header("traceparent").split('-').nth(1), problem["trace_id"].as_str());
}

fn validate(place: &str, schema: &Value, instance: &Value) {
    // The schema has references to the document's other components.
    let mut root = json!({"components": document()["components"]});
    root["$ref"] = json!("#/wanted");
    root["wanted"] = schema.clone();
    let validator = jsonschema::draft202012::new(&root).unwrap_or_else(|error| panic!("{place}: {error}"));
    let errors: Vec<String> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{place} breaks its schema: {errors:#?} in {instance:#}");
}

/// The document's template for a path.
fn path_item(path: &str) -> Option<(&'static String, &'static Value)> {
    let path: Vec<&str> = path.split('?').next()?.split('/').collect();
    document()["paths"].as_object()?.iter().find(|(template, _)| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == path.len()
            && template.iter().zip(&path).all(|(wanted, given)| wanted == given || wanted.starts_with('{'))
    })
}
