//! `/livez`, `/readyz`, `/metrics`: health checks and metrics, without tokens.

use super::super::app::App;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use orchestrator::LaneStatus;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a check may take. Probes have bounds of their own, usually a second or more.
const CHECK_MAX: Duration = Duration::from_millis(800);

/// Whether this node can work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready`, `degraded` (works, but slower) or `not-ready`.
    status: &'static str,
    /// The single checks: `ok`, or what is wrong.
    checks: Checks,
}

/// The single checks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checks {
    /// Whether Postgres can be reached.
    database: &'static str,
    /// Whether all migrations of this binary have been applied.
    migrations: &'static str,
    /// Whether this node's lanes move; `none` if the node runs no sagas.
    lanes: &'static str,
    /// Whether Redis can be reached. Bookings go on without it.
    redis: &'static str,
    /// Whether this node is shutting down.
    draining: bool,
}

/// Whether the process lives. Nothing else is checked, because a restart would repair nothing else.
#[utoipa::path(
    get, operation_id = "livez", path = "/livez", tag = "health",
    responses((status = 200, description = "the process lives", body = String, content_type = "text/plain"))
)]
pub async fn live() -> &'static str {
    "ok"
}

/// Whether the node can work: the database is reachable and migrated, the lanes move, and the node is not draining.
/// Without Redis it is ready, but `degraded`.
#[utoipa::path(
    get, operation_id = "readyz", path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "the node can take requests", body = Readiness),
        (status = 503, description = "the node can't take requests now", body = Readiness),
    )
)]
pub async fn ready(State(app): State<App>) -> Response {
    let (database, migrations) = database(&app).await;
    let redis = if app.service.redis_answers(CHECK_MAX).await { "ok" } else { "unreachable" };
    let draining = app.service.is_draining();
    let lanes = lanes(&app);
    let works = database == "ok" && migrations == "ok" && lanes != STANDS_STILL && !draining;
    let status = match (works, redis) {
        (false, _) => "not-ready",
        (true, "ok") => "ready",
        (true, _) => "degraded",
    };
    let code = if works { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Readiness { status, checks: Checks { database, migrations, lanes, redis, draining } };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// A lane that hangs is replaced within seconds. Until then other nodes should take new sagas.
const STANDS_STILL: &str = "a lane hangs";

fn lanes(app: &App) -> &'static str {
    let lanes = app.service.client.lanes();
    match lanes.iter().all(LaneStatus::works) {
        true if lanes.is_empty() => "none",
        true => "ok",
        false => STANDS_STILL,
    }
}

async fn database(app: &App) -> (&'static str, &'static str) {
    match tokio::time::timeout(CHECK_MAX, service::are_current(&app.service.pool)).await {
        Ok(Ok(true)) => ("ok", "ok"),
        Ok(Ok(false)) => ("ok", "missing: run `usher migrate`"),
        Ok(Err(_)) | Err(_) => ("unreachable", "unknown"),
    }
}

/// Prometheus metrics.
#[utoipa::path(
    get, operation_id = "metrics", path = "/metrics", tag = "health",
    responses((status = 200, description = "the text format", body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.service.metrics.render())
}
