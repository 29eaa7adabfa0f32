//! Stripe's error answers: `{"error": {type, code, message, param, decline_code, payment_intent}}`.

use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub(super) struct ErrorReply {
    pub status: u16,
    pub retry_after_s: Option<u32>,
    /// Stripe keeps an answer under its key once the request began to be worked on.
    pub is_kept: bool,
    error: Map<String, Value>,
}

impl ErrorReply {
    /// A parameter is missing or wrong.
    pub fn parameter(param: &str, code: &str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", Some(code), message).with("param", json!(param))
    }

    /// The object named in a parameter, or in the path, is not there.
    pub fn missing(what: &str, id: &str) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self::new(404, "invalid_request_error", Some("resource_missing"), &message).with("param", json!("id"))
    }

    /// The object's state forbids it.
    pub fn state(code: &str, message: &str) -> Self {
        Self::new(400, "invalid_request_error", Some(code), message).kept()
    }

    /// A refusal that says nothing but its status.
    pub fn bare(status: u16) -> Self {
        Self::new(status, "invalid_request_error", None, "Bad request")
    }

    pub fn unauthorised() -> Self {
        Self::new(401, "invalid_request_error", None, "Invalid API Key provided.")
    }

    pub fn unknown_path(method: &str, path: &str) -> Self {
        Self::new(
            404,
            "invalid_request_error",
            None,
            &format!("Unrecognized request URL ({method}: {path})."),
        )
    }

    pub fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first \
                       used with. Try using a key other than the one you sent if you meant another request.";
        Self::new(400, "idempotency_error", None, message)
    }

    pub fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this Idempotent Key.";
        Self::new(409, "idempotency_error", Some("idempotency_key_in_use"), message)
    }

    pub fn busy(retry_after_s: u32, message: &str) -> Self {
        let error = Self::new(429, "invalid_request_error", Some("rate_limit"), message);
        Self { retry_after_s: Some(retry_after_s), ..error }
    }

    /// Everything that was sent, and a card number, as a careless gateway would show it.
    pub fn echo(form: &[u8], headers: &HeaderMap) -> Self {
        let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let message = format!("Bad request: {key} {} 4242 4242 4242 4242", String::from_utf8_lossy(form));
        Self::parameter("card[number]", "4242424242424242", &message)
    }

    /// `status` is a 5xx.
    pub fn server(status: u16) -> Self {
        Self::new(
            status,
            "api_error",
            None,
            "An error occurred with our connection to ourselves (simulated).",
        )
    }

    /// Kept under its key, as if the request had been worked on.
    pub fn kept(self) -> Self {
        Self { is_kept: true, ..self }
    }

    pub fn body(&self) -> String {
        json!({"error": self.error}).to_string()
    }

    pub(super) fn new(status: u16, kind: &str, code: Option<&str>, message: &str) -> Self {
        let mut error = Map::new();
        error.insert("type".to_owned(), json!(kind));
        error.insert("message".to_owned(), json!(message));
        if let Some(code) = code {
            error.insert("code".to_owned(), json!(code));
        }
        Self { status, retry_after_s: None, is_kept: false, error }
    }

    pub(super) fn with(mut self, field: &str, value: Value) -> Self {
        self.error.insert(field.to_owned(), value);
        self
    }
}
