//! Filters of sagas, in the words that flags, queries, bodies and addresses share.

use super::{Invalid, words};
use operator::{Filter, Operator, OperatorError};
use orchestrator::SagaId;

/// The words of a filter as somebody wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterWords {
    /// A state.
    pub status: Option<String>,
    /// A workflow's name.
    pub workflow: Option<String>,
    /// A step's or signal's name.
    pub step: Option<String>,
    /// The fingerprint of a group.
    pub cause: Option<String>,
    /// A work-list.
    pub trouble: Option<String>,
    /// A span such as `15m`: nothing was written to the saga for that long.
    pub older_than: Option<String>,
    /// A word to search for.
    pub q: Option<String>,
}

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A word of the filter is not valid.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The search failed.
    #[error("searching")]
    Operator(#[from] OperatorError),
}

impl FilterWords {
    /// The words by their names in JSON and in addresses.
    pub fn fields(&self) -> [(&'static str, Option<String>); 7] {
        let Self { status, workflow, step, cause, trouble, older_than, q } = self.clone();
        [
            ("q", q),
            ("trouble", trouble),
            ("status", status),
            ("workflow", workflow),
            ("step", step),
            ("cause", cause),
            ("older_than", older_than),
        ]
    }

    /// The filter that the words mean, except for the word to search for.
    ///
    /// # Errors
    /// The first word that is not valid.
    pub fn parsed(&self) -> Result<Filter, Invalid> {
        Ok(Filter {
            status: read("status", &self.status, words::state)?,
            workflow: self.workflow.clone(),
            step: self.step.clone(),
            cause: read("cause", &self.cause, words::fingerprint)?,
            trouble: read("trouble", &self.trouble, words::trouble)?,
            older_than_s: read("older_than", &self.older_than, words::older_than)?,
            ids: Vec::new(),
        })
    }

    /// The filter; `None` if no saga can match, because the search found nothing.
    ///
    /// # Errors
    /// A word is not valid, or the database failed.
    pub async fn filter(&self, operator: &Operator) -> Result<Option<Filter>, FilterError> {
        Ok(narrow(operator, self.parsed()?, self.q.as_deref()).await?)
    }
}

/// The filter, restricted to the sagas that a word finds. `None` if it finds none: an empty list of ids would mean any saga.
///
/// # Errors
/// The database failed.
pub async fn narrow(
    operator: &Operator,
    filter: Filter,
    word: Option<&str>,
) -> Result<Option<Filter>, OperatorError> {
    let Some(word) = word else { return Ok(Some(filter)) };
    let ids: Vec<SagaId> = operator.search(word).await?;
    Ok((!ids.is_empty()).then_some(Filter { ids, ..filter }))
}

fn read<T>(
    field: &'static str,
    text: &Option<String>,
    parser: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Invalid> {
    let parsed = text.as_deref().map(parser).transpose();
    parsed.map_err(|detail| Invalid::new(field, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use operator::Trouble;
    use orchestrator::State;

    #[test]
    fn each_word_is_read_and_the_first_slip_is_named() {
        let given = |text: &str| Some(text.to_owned());
        let words = FilterWords {
            status: given("stuck"),
            trouble: given("in-doubt"),
            older_than: given("15m"),
            ..FilterWords::default()
        };
        let filter = words.parsed().unwrap();
        assert_eq!((filter.status, filter.trouble), (Some(State::Stuck), Some(Trouble::InDoubt)));
        assert_eq!(filter.older_than_s, Some(900));
        let slips = [
            FilterWords { status: given("sad"), ..FilterWords::default() },
            FilterWords { cause: given("abc"), ..FilterWords::default() },
            FilterWords { trouble: given("stuk"), ..FilterWords::default() },
            FilterWords { older_than: given("soon"), ..FilterWords::default() },
        ];
        let fields = slips.map(|words| words.parsed().unwrap_err().field);
        assert_eq!(fields, ["status", "cause", "trouble", "older_than"]);
    }
}
