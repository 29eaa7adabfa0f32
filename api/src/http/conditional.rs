//! Versions of what is read: `ETag`, `If-None-Match`, `If-Match` (RFC 9110).

use super::problem::{Problem, ProblemType};
use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of something that counts its versions.
    pub fn of_version(version: i64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag of something whose versions have names: ASCII without quotes.
    pub fn of_words(version: &str) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag of something that shows more than its version covers: a digest of these parts follows the version
    /// after a `~`. [`Conditions::version`] takes it back to the version.
    pub fn of_version_and_parts(version: &str, parts: &[&str]) -> Self {
        let Self(digest) = Self::of_parts(parts);
        Self(format!("\"{version}~{}\"", digest.trim_matches('"')))
    }

    /// The tag of something without a version: a digest of these parts.
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(format!("\"{}\"", hex::encode(&hash.finalize()[..12])))
    }

    /// The value of the header.
    pub fn value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("digits and letters in quotes")
    }
}

/// The conditions of a request.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    none_match: Option<String>,
    matches: Option<String>,
}

impl Conditions {
    /// Whether the caller already has this version.
    pub fn has(&self, tag: &ETag) -> bool {
        // Weak comparison (RFC 9110 § 13.1.2): a cache may have weakened what we sent.
        self.none_match.as_deref().is_some_and(|list| listed(list, tag, true))
    }

    /// Refuses an act on a version that the caller has not seen.
    ///
    /// # Errors
    /// 412 if there is an `If-Match` and it doesn't name `tag`.
    pub fn check(&self, tag: &ETag) -> Result<(), Problem> {
        match &self.matches {
            Some(list) if !listed(list, tag, false) => Err(Problem::new(
                ProblemType::PreconditionFailed,
                "`If-Match` does not name the present version",
            )
            .with_header(header::ETAG, tag.value())),
            _ => Ok(()),
        }
    }

    /// The version that the caller has seen, if it sent one: for acts that must not be done blindly.
    ///
    /// # Errors
    /// 412 for an `If-Match` that can't match: a weak tag (RFC 9110 § 13.1.1), several, or no tag at all.
    pub fn version(&self) -> Result<Option<&str>, Problem> {
        let Some(tag) = self.matches.as_deref() else { return Ok(None) };
        // `*` names no version, so it counts as no header.
        if tag.trim() == "*" {
            return Ok(None);
        }
        let quoted = tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let version = quoted.filter(|tag| !tag.contains('"')).and_then(|tag| tag.split('~').next());
        version.map(Some).ok_or_else(|| {
            Problem::new(
                ProblemType::PreconditionFailed,
                "`If-Match` must be the one strong tag that was seen",
            )
        })
    }

    /// The representation with its tag, or 304 without it.
    pub fn answer<T: Serialize>(&self, tag: &ETag, cache: &'static str, body: &T) -> Response {
        let headers = [(header::ETAG, tag.value()), (header::CACHE_CONTROL, HeaderValue::from_static(cache))];
        if self.has(tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, Json(body)).into_response()
    }
}

/// It belongs to one caller and may change at any time.
pub const PRIVATE: &str = "private, no-cache";
/// Everybody may see it, and it may change at any time.
pub const REVALIDATE: &str = "public, no-cache";
/// Everybody may see it, and it hardly ever changes.
pub const HOUR: &str = "public, max-age=3600";

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let all = |name| joined(&parts.headers, name);
        Ok(Self { none_match: all(header::IF_NONE_MATCH), matches: all(header::IF_MATCH) })
    }
}

fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Splits a list of tags. Our tags hold no comma, so a plain split is enough.
fn listed(list: &str, tag: &ETag, weak: bool) -> bool {
    list.split(',').map(str::trim).any(|one| {
        one == "*" || one == tag.0 || (weak && one.strip_prefix("W/").is_some_and(|strong| strong == tag.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_compares_weakly_and_if_match_strongly() {
        let tag = ETag::of_version(7);
        let none_match = |list: &str| Conditions { none_match: Some(list.into()), matches: None }.has(&tag);
        assert!(
            none_match("\"7\"") && none_match("W/\"7\"") && none_match("\"6\", \"7\"") && none_match("*")
        );
        assert!(!none_match("\"8\"") && !Conditions::default().has(&tag));
        let matches =
            |list: &str| Conditions { none_match: None, matches: Some(list.into()) }.check(&tag).is_ok();
        assert!(matches("\"7\"") && matches("*"));
        assert!(!matches("W/\"7\"") && !matches("\"8\""));
        assert!(Conditions::default().check(&tag).is_ok());
    }

    #[test]
    fn a_version_is_taken_back_out_of_its_tag() {
        let seen = |list: &str| Conditions { none_match: None, matches: Some(list.into()) };
        let tag = ETag::of_version_and_parts("3-7-stuck", &["more"]);
        assert_eq!(seen(&tag.0).version().unwrap(), Some("3-7-stuck"));
        assert_eq!(seen(&ETag::of_words("3-7-stuck").0).version().unwrap(), Some("3-7-stuck"));
        assert_eq!(seen("*").version().unwrap(), None);
        assert_eq!(Conditions::default().version().unwrap(), None);
        for never in ["W/\"3-7-stuck\"", "3-7-stuck", "\"a\", \"b\"", "", "\""] {
            assert!(seen(never).version().is_err(), "{never}");
        }
    }

    #[test]
    fn parts_can_not_run_into_each_other() {
        assert_ne!(ETag::of_parts(&["ab", "c"]), ETag::of_parts(&["a", "bc"]));
    }
}
