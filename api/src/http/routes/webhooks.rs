//! `POST /webhooks/{provider}`: stored before it is answered; acted on afterwards.
//!
//! Nothing is read of a body before its signature holds, and nothing that it says can make the answer bad: the
//! sender has done its part once we have stored it.

use super::super::{
    app::App,
    extract::unread,
    problem::{Problem, ProblemType},
};
use crate::news;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::HeaderMap,
};
use chrono::Utc;
use serde_json::{Value, json};
use std::time::Duration;
use steps::gateway::{
    signature::{self, BadSignature, Secret},
    standard,
    stripe::{PROVIDER, read_event},
};

/// The largest webhook that is read.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// When the sender should come back while the inbox is away.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Takes an event of the payment gateway's, signed as Stripe does or by Standard Webhooks.
#[utoipa::path(
    post, operation_id = "receive_webhook", path = "/webhooks/{provider}", tag = "webhooks",
    params(("provider" = String, Path, description = "the sender: `stripe`")),
    request_body(content = Value, description = "the event, exactly as signed"),
    responses((status = 200, description = "stored, now or before", body = Value))
)]
pub async fn receive(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    if provider != PROVIDER {
        return Err(Problem::not_found());
    }
    let body = body.map_err(|rejection| unread(&rejection))?;
    if let Err(bad) = verify(&app, &headers, &body) {
        // For us, and with no word to the sender.
        metrics::counter!(super::super::telemetry::WEBHOOKS_REFUSED, "why" => why(bad)).increment(1);
        return Err(Problem::new(ProblemType::SignatureInvalid, ProblemType::SignatureInvalid.title()));
    }
    let fact = read_event(&body).map_err(|error| {
        tracing::error!(%error, "a signed webhook is not an event");
        Problem::new(ProblemType::MalformedRequest, "the body is not an event")
    })?;
    let received = news::receive(&app, fact, &body).await.map_err(unavailable)?;
    if received.to_act_on {
        let worker = app.clone();
        // If this fails, or the node dies here, the sweep of the inbox does it.
        app.tasks.spawn(async move {
            if let Err(problem) = news::act(&worker, &received.key, &received.fact).await {
                tracing::warn!(event = %received.fact.event_id, ?problem, "news stays in the inbox for now");
            }
        });
    }
    Ok(Json(json!({})))
}

fn verify(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), BadSignature> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secrets: Vec<Secret> = app
        .config
        .gateway
        .webhook_secrets
        .iter()
        .map(|secret| Secret { value: secret.secret.clone(), until: secret.until })
        .collect();
    // The signature's time is the sender's, so it is held against a wall clock: ours.
    let now = Utc::now();
    if headers.contains_key("webhook-signature") {
        let headers = standard::Headers {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        return standard::verify(headers, body, &secrets, now);
    }
    signature::verify(header("stripe-signature"), body, &secrets, now)
}

fn why(bad: BadSignature) -> &'static str {
    match bad {
        BadSignature::Malformed => "malformed",
        BadSignature::Foreign => "foreign",
        BadSignature::Old => "old",
        BadSignature::Future => "future",
    }
}

/// Whatever kept us from storing it, the sender shall come again.
fn unavailable(problem: Problem) -> Problem {
    Problem::new(ProblemType::InboxUnavailable, "the event can't be stored now")
        .retry_after(RETRY_AFTER)
        .because(format!("{problem:?}"))
}
