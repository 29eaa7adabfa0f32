//! Lists by cursor: `?limit=50&after=…` gives `items`, `next` and a `Link` to the next page.

use super::{extract::bad_parameter, problem::Problem};
use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

/// Items of a page, if the caller doesn't say how many.
const LIMIT_DEFAULT: u32 = 50;
/// The most items of a page: a page is one short statement.
const LIMIT_MAX: u32 = 200;

/// The query parameters that choose a page.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// How many items the page has at most, from 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    after: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The page's items.
    pub items: Vec<T>,
    /// The value of `after` for the next page; null on the last page.
    pub next: Option<String>,
}

impl PageParams {
    /// The parameters of a list that has parameters of its own.
    pub fn new(limit: Option<u32>, after: Option<String>) -> Self {
        Self { limit, after }
    }

    /// The number of items.
    ///
    /// # Errors
    /// 400 outside 1 to 200.
    pub fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(bad_parameter("limit", "must be from 1 to 200"));
        }
        Ok(limit as usize)
    }

    /// The key after which the page begins.
    ///
    /// # Errors
    /// 400 for a cursor that isn't ours.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(after) = &self.after else { return Ok(None) };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(after).ok();
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        key.map(Some).ok_or_else(|| bad_parameter("after", "must be the `next` of another page"))
    }
}

impl<T> Page<T> {
    /// A page of at most `limit` items of `found`, which holds one more if there is a next page.
    pub fn of<K: Serialize>(mut found: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| {
            BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&key(last)).expect("keys are ids and times"))
        });
        Self { items: found, next }
    }

    /// The page with its items converted.
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }

    /// The `Link` header to the next page of `path` with the same query.
    fn link(&self, path: &str, query: &[(&str, Option<String>)], limit: usize) -> Option<HeaderValue> {
        let next = self.next.as_ref()?;
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        pairs.append_pair("limit", &limit.to_string()).append_pair("after", next);
        HeaderValue::from_str(&format!("<{path}?{}>; rel=\"next\"", pairs.finish())).ok()
    }

    /// The page as an answer.
    pub fn answer(&self, path: &str, limit: usize) -> Response
    where
        T: Serialize,
    {
        self.answer_to(path, &[], limit)
    }

    /// The page as an answer; the link to the next page keeps this query.
    pub fn answer_to(&self, path: &str, query: &[(&str, Option<String>)], limit: usize) -> Response
    where
        T: Serialize,
    {
        let mut response = Json(self).into_response();
        if let Some(link) = self.link(path, query, limit) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}
