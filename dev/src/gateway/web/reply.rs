//! Answers, good and bad on purpose.

use super::super::error_reply::ErrorReply;
use axum::{
    body::{Body, Bytes},
    http::{
        HeaderName, StatusCode,
        header::{CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use std::{convert::Infallible, time::Duration};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How much of an endless body is sent before the simulator itself has enough.
const HUGE_BYTES: usize = 64 * 1024 * 1024;
/// Between two bytes of a slow body.
const SLOW_PAUSE: Duration = Duration::from_millis(200);

/// Marks a response that is never sent: the connection is closed instead.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is closed by script")]
pub(in crate::gateway) struct Abandoned;

/// Marks an answer that may be translated into another protocol: all of it is there at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Translatable;

pub(super) fn json(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    response.extensions_mut().insert(Translatable);
    response
}

pub(super) fn error(error: &ErrorReply) -> Response {
    let mut response = json(error.status, error.body());
    if let Some(seconds) = error.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

pub(super) fn replayed(status: u16, body: String) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(REPLAYED, axum::http::HeaderValue::from_static("true"));
    response
}

pub(super) fn abandoned() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Abandoned);
    response
}

/// Answers nothing until the client gives up or the server ends.
pub(super) async fn never() -> Response {
    std::future::pending().await
}

pub(super) fn garbage() -> Response {
    json(200, "<html>It works!</html>".to_owned())
}

pub(super) fn huge() -> Response {
    let chunk = Bytes::from(vec![b' '; 16 * 1024]);
    let count = HUGE_BYTES / chunk.len();
    let chunks = stream::repeat(Ok::<_, Infallible>(chunk)).take(count);
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(chunks)).into_response()
}

pub(super) fn slow(body: String) -> Response {
    let bytes = stream::iter(body.into_bytes()).then(|byte| async move {
        tokio::time::sleep(SLOW_PAUSE).await;
        Ok::<_, Infallible>(Bytes::from(vec![byte]))
    });
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(bytes)).into_response()
}

pub(super) fn redirect() -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/elsewhere")]).into_response()
}
