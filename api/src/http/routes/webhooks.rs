//! `POST /webhooks/{provider}`: stored before it is answered; acted on afterwards.
//!
//! A body is parsed only after its signature was found valid. Its content can't make the answer bad, because the
//! sender has done its part once we have stored it.

use super::super::{
    app::App,
    extract::unread,
    inbox_door::unavailable,
    problem::{Problem, ProblemType},
    telemetry,
};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Path, Request, State},
    http::{HeaderMap, header},
};
use chrono::Utc;
use serde_json::{Value, json};
use service::news;
use std::time::Duration;
use steps::gateway::signature::{BadSignature, Secret};
use tokio::time::timeout;

/// The largest webhook that is read.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// How long a body may take to arrive. A slow sender must not keep its permit for long.
const READ_MAX: Duration = Duration::from_secs(10);

/// How long storing may take: a database that hangs must not hold senders who could try again.
const STORE_MAX: Duration = Duration::from_secs(5);

/// Takes an event of the payment gateway, signed as its protocol requires.
#[utoipa::path(
    post, operation_id = "receive_webhook", path = "/webhooks/{provider}", tag = "webhooks",
    params(("provider" = String, Path, description = "the sender, as `gateway.kind` names it: `stripe` or `standard`")),
    request_body(content = Value, description = "the event, exactly as signed"),
    responses((status = 200, description = "stored, now or earlier", body = Value))
)]
pub async fn receive(
    State(app): State<App>,
    Path(provider): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    if provider != app.service.config.gateway.kind.as_str() {
        return Err(Problem::not_found());
    }
    let _place = app.inbox_door.enter()?;
    let headers = request.headers().clone();
    let body = read(request).await?;
    if let Err(bad) = verify(&app, &headers, &body) {
        // This is logged for us; the sender learns nothing.
        metrics::counter!(telemetry::WEBHOOKS_REFUSED, "why" => why(bad)).increment(1);
        return Err(Problem::new(ProblemType::SignatureInvalid, ProblemType::SignatureInvalid.title()));
    }
    let turn = app.inbox_door.turn().await?;
    let storing = async {
        match app.service.config.gateway.kind.read(text_of(&headers), &body) {
            Ok(fact) => news::receive(&app.service, fact, &body).await,
            Err(error) => news::park(&app.service, &provider, &body, &error).await,
        }
    };
    let received = match timeout(STORE_MAX, storing).await {
        Ok(stored) => stored.map_err(|problem| not_stored().because(format!("{problem:?}")))?,
        Err(_) => return Err(not_stored().because(format!("no answer from the database in {STORE_MAX:?}"))),
    };
    drop(turn);
    if received.to_act_on {
        app.inbox_door.act_soon(&app.service, received);
    }
    Ok(Json(json!({})))
}

fn not_stored() -> Problem {
    unavailable("the event can't be stored now")
}

/// The raw bytes, or a refusal: at once if the header says that the body is too large, otherwise at the bound.
async fn read(request: Request) -> Result<Bytes, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > BODY_BYTES_MAX as u64)
    {
        return Err(Problem::new(ProblemType::PayloadTooLarge, "the body is too large"));
    }
    match timeout(READ_MAX, Bytes::from_request(request, &())).await {
        Ok(body) => body.map_err(|rejection| unread(&rejection)),
        Err(_) => Err(Problem::new(ProblemType::MalformedRequest, "the body took too long to arrive")),
    }
}

fn verify(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), BadSignature> {
    let secrets: Vec<Secret> = app
        .service
        .config
        .gateway
        .webhook_secrets
        .iter()
        .map(|secret| Secret { value: secret.secret.clone(), until: secret.until })
        .collect();
    // The signature has the sender's time, so it is compared with a wall clock: ours.
    app.service.config.gateway.kind.verify(text_of(headers), body, &secrets, Utc::now())
}

/// A header's text; empty if it is missing or not text.
fn text_of<'a>(headers: &'a HeaderMap) -> impl Fn(&str) -> &'a str {
    |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn why(bad: BadSignature) -> &'static str {
    match bad {
        BadSignature::Malformed => "malformed",
        BadSignature::Foreign => "foreign",
        BadSignature::Old => "old",
        BadSignature::Future => "future",
    }
}
