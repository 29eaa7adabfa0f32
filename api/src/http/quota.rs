//! How many requests a customer may make: a token bucket for each, in this node's memory.
//!
//! A node counts for itself, so that a quota costs no round trip. With n nodes a customer has up to n times the
//! quota. Services and operators are trusted and not counted.

use super::{
    problem::{Problem, ProblemType},
    wait::seconds_up,
};
use axum::http::{HeaderName, HeaderValue};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use service::config::Http;
use std::num::NonZeroU32;
use uuid::Uuid;

// draft-ietf-httpapi-ratelimit-headers-10
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Customers remembered at once. If there are more, those who haven't asked lately are forgotten. That harms nobody,
/// because their buckets were full again.
const CUSTOMERS_MAX: usize = 100_000;

/// Every customer's bucket.
pub struct Quotas {
    buckets: RateLimiter<Uuid, HashMapStateStore<Uuid>, DefaultClock, NoOpMiddleware>,
    clock: DefaultClock,
    policy: String,
}

impl Quotas {
    /// Buckets with the configured rate and burst.
    pub fn new(http: &Http) -> Self {
        let per_s = NonZeroU32::new(http.quota_per_s).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(http.quota_burst).unwrap_or(NonZeroU32::MIN);
        Self {
            buckets: RateLimiter::hashmap(Quota::per_second(per_s).allow_burst(burst)),
            clock: DefaultClock::default(),
            policy: format!("\"customer\";q={burst};w={}", burst.get().div_ceil(per_s.get())),
        }
    }

    /// Takes one request from a customer's bucket.
    ///
    /// # Errors
    /// 429 if it is empty, with the time until the next request passes.
    pub fn take(&self, customer: Uuid) -> Result<(), Problem> {
        if self.buckets.len() > CUSTOMERS_MAX {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(&customer).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Problem::new(ProblemType::QuotaExceeded, "too many requests came with this token")
                .retry_after(wait)
                .with_header(RATE_LIMIT_POLICY, text(&self.policy))
                .with_header(RATE_LIMIT, text(&format!("\"customer\";r=0;t={}", seconds_up(wait))))
        })
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("letters, digits and punctuation")
}
