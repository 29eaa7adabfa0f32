//! Which sagas, in the words that URLs, bodies and flags share.

use super::Wrong;
use orchestrator::{
    SagaId,
    operator::{Filter, Operator, OperatorError},
};
use std::str::FromStr;

/// The words of a filter, not looked at yet.
#[derive(Clone, Debug, Default)]
pub struct FilterWords {
    /// A state.
    pub status: Option<String>,
    /// A workflow.
    pub workflow: Option<String>,
    /// A step or signal.
    pub step: Option<String>,
    /// A fingerprint.
    pub cause: Option<String>,
    /// A work-list.
    pub trouble: Option<String>,
    /// A span, such as `15m`: not written since.
    pub older_than: Option<String>,
    /// A word that is searched for.
    pub q: Option<String>,
}

/// Why there is no filter.
#[derive(Debug)]
pub enum Unfit {
    /// A word can't be understood.
    Wrong(Wrong),
    /// The search failed.
    Operator(OperatorError),
}

impl FilterWords {
    /// The filter; `None` if nothing can fit, because the search found nothing.
    ///
    /// # Errors
    /// A word that can't be understood; the database's.
    pub async fn filter(self, operator: &Operator) -> Result<Option<Filter>, Unfit> {
        let filter = Filter {
            status: parsed("status", self.status)?,
            workflow: self.workflow,
            step: self.step,
            cause: self.cause.map(fingerprint).transpose().map_err(Unfit::Wrong)?,
            trouble: parsed("trouble", self.trouble)?,
            older_than_s: self.older_than.map(|text| seconds(&text)).transpose().map_err(Unfit::Wrong)?,
            ids: Vec::new(),
        };
        narrowed(operator, filter, self.q.as_deref()).await.map_err(Unfit::Operator)
    }
}

/// The filter, for the sagas that a word means only. `None` if there are none: an empty list of ids would mean any saga.
///
/// # Errors
/// The database's.
pub async fn narrowed(
    operator: &Operator,
    filter: Filter,
    word: Option<&str>,
) -> Result<Option<Filter>, OperatorError> {
    let Some(word) = word else { return Ok(Some(filter)) };
    let ids: Vec<SagaId> = operator.search(word).await?;
    Ok((!ids.is_empty()).then_some(Filter { ids, ..filter }))
}

fn parsed<T: FromStr>(field: &'static str, text: Option<String>) -> Result<Option<T>, Unfit>
where
    T::Err: ToString,
{
    let parsed = text.map(|text| text.parse::<T>()).transpose();
    parsed.map_err(|error| Unfit::Wrong(Wrong { field, detail: error.to_string() }))
}

fn fingerprint(text: String) -> Result<String, Wrong> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(hex) {
        return Ok(text);
    }
    let detail = "must be the fingerprint of a group, 64 hexadecimal digits".into();
    Err(Wrong { field: "cause", detail })
}

fn seconds(text: &str) -> Result<i64, Wrong> {
    let wrong = |detail: &str| Wrong { field: "older_than", detail: detail.to_owned() };
    super::span(text).map(|span| span.num_seconds()).map_err(wrong)
}
