//! Waiting: `Prefer: wait=N` from the caller (RFC 7240), `Retry-After` from us.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use std::{convert::Infallible, time::Duration};

/// The longest that a request waits for a result: well below the 25 s that a node takes to leave.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// `Retry-After` for something unfinished.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The wait that the caller asked for, at most [`WAIT_MAX`]. `None`: no wait. An unreadable preference is ignored, as
/// the RFC requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Option<Duration>);

impl Wait {
    /// How long to wait. It is at least a moment, so that we look once.
    pub fn or_zero(self) -> Duration {
        self.0.unwrap_or(Duration::ZERO)
    }

    /// Says in the answer that the preference was honoured.
    pub fn applied(self, mut response: Response) -> Response {
        if let Some(wait) = self.0 {
            let value = HeaderValue::from_str(&format!("wait={}", wait.as_secs()));
            response.headers_mut().insert(PREFERENCE_APPLIED, value.expect("digits are ASCII"));
        }
        response
    }

    fn of(values: impl Iterator<Item = impl AsRef<str>>) -> Self {
        let seconds = values
            .flat_map(|value| {
                let preferences = value.as_ref().split(',').map(str::to_owned);
                preferences.collect::<Vec<_>>()
            })
            .find_map(|preference| {
                let (name, rest) = preference.split_once('=')?;
                let value = rest.split(';').next()?.trim().trim_matches('"').to_owned();
                name.trim().eq_ignore_ascii_case("wait").then_some(value)?.parse::<u64>().ok()
            });
        Self(seconds.map(|seconds| Duration::from_secs(seconds).min(WAIT_MAX)))
    }
}

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok())))
    }
}

/// The answer with `Retry-After`.
pub fn retry_after(mut response: Response, wait: Duration) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, seconds_up(wait).into());
    response
}

/// Whole seconds, rounded up and at least one: after `Retry-After: 0` all callers would return at once.
pub fn seconds_up(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefer_is_read_bounded_and_otherwise_ignored() {
        let seconds = |header: &str| Wait::of([header].into_iter()).0.map(|wait| wait.as_secs());
        assert_eq!(seconds("wait=10"), Some(10));
        assert_eq!(seconds("respond-async, Wait = \"5\" ; foo"), Some(5));
        assert_eq!(seconds("wait=86400"), Some(WAIT_MAX.as_secs()));
        assert_eq!(seconds("wait=soon"), None);
        assert_eq!(seconds("respond-async"), None);
    }

    #[test]
    fn retry_after_is_never_zero() {
        assert_eq!(seconds_up(Duration::ZERO), 1);
        assert_eq!(seconds_up(Duration::from_millis(1_001)), 2);
    }
}
