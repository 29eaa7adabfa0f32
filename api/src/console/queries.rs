//! The query of an address, or the fields of a form: which sagas, which rows of the audit, which part of a batch.
//!
//! A mistake is kept with its explanation. Then nothing is listed, rather than everything.

use operator::{Filter, ItemResult, Trouble};
use orchestrator::SagaId;
use service::operators::{FilterWords, Invalid, audited_as, words};
use uuid::Uuid;

/// Which sagas, and which page of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SagaQuery {
    /// The words as they were written.
    pub words: FilterWords,
    /// The filter that the words mean, except for the word to search for.
    pub filter: Filter,
    /// The last saga of the previous page.
    pub after: Option<SagaId>,
    /// What can't be understood.
    pub invalid: Option<Invalid>,
}

impl SagaQuery {
    /// Reads the query of an address, or the fields of a form.
    pub fn of(query: &Query) -> Self {
        let words = FilterWords {
            status: query.text("status"),
            workflow: query.text("workflow"),
            step: query.text("step"),
            cause: query.text("cause"),
            trouble: query.text("trouble"),
            older_than: query.text("older_than").or_else(|| older_than_s(query)),
            q: query.text("q"),
        };
        Self::read(words, query.id("after"))
    }

    /// The query with these words, from the first page on.
    pub fn of_words(words: FilterWords) -> Self {
        Self::read(words, Ok(None))
    }

    fn read(words: FilterWords, after: Result<Option<SagaId>, Invalid>) -> Self {
        let read = words.parsed().and_then(|filter| Ok((filter, after?)));
        match read {
            Ok((filter, after)) => Self { words, filter, after, invalid: None },
            Err(invalid) => Self { words, invalid: Some(invalid), ..Self::default() },
        }
    }

    /// The address of the same sagas, from the first page on.
    pub fn path(&self) -> String {
        format!("/console/sagas{}", query(&self.words.fields()))
    }

    /// The same on another work-list, without the cause, which belongs to the old list.
    pub fn on(&self, trouble: Option<Trouble>) -> Self {
        let trouble = trouble.map(|trouble| trouble.to_string());
        Self::of_words(FilterWords { trouble, cause: None, ..self.words.clone() })
    }
}

/// The span as older addresses have it, in seconds.
fn older_than_s(query: &Query) -> Option<String> {
    query.text("older_than_s").map(|seconds| format!("{seconds}s"))
}

/// Which rows of the audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditQuery {
    pub saga: Option<SagaId>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub after: Option<Uuid>,
    /// What can't be understood.
    pub invalid: Option<Invalid>,
}

impl AuditQuery {
    pub fn of(query: &Query) -> Self {
        let (actor, action) = (query.text("actor"), query.text("action").map(audited_as));
        let (saga, after, invalid) = match (query.id("saga"), query.id("after")) {
            (Ok(saga), Ok(after)) => (saga, after, None),
            (Err(invalid), _) | (Ok(_), Err(invalid)) => (None, None, Some(invalid)),
        };
        Self { saga, actor, action, after, invalid }
    }
}

/// Which sagas of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemQuery {
    /// Only items with this result.
    pub result: Option<ItemResult>,
    /// The number of the last item of the previous page.
    pub after: Option<i32>,
    /// What can't be understood.
    pub invalid: Option<Invalid>,
}

impl ItemQuery {
    pub fn of(query: &Query) -> Self {
        let result = query.text("result").map(|word| words::result(&word)).transpose();
        match result {
            Ok(result) => Self { result, after: query.parsed("after"), invalid: None },
            Err(detail) => Self { invalid: Some(Invalid::new("result", detail)), ..Self::default() },
        }
    }
}

/// The fields of a query. A field that is left empty in a form counts as not given.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the text between `?` and `#`.
    pub fn of(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// The last value with that name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned())
    }

    /// The value as an id.
    fn id<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Invalid> {
        let id = |text: String| {
            text.parse::<T>()
                .map_err(|_| Invalid::new(name, format!("must be an id, a UUID, and is \"{text}\"")))
        };
        self.text(name).map(id).transpose()
    }

    /// The value that the text stands for, if it stands for one.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

/// A query of the fields that have a value: empty, or with its `?`.
pub fn query(fields: &[(&str, Option<String>)]) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    let text = pairs.finish();
    if text.is_empty() { text } else { format!("?{text}") }
}

#[cfg(test)]
mod tests {
    use super::{super::address::Address, *};

    #[test]
    fn a_filter_goes_through_its_address_and_back() {
        let cause = "0".repeat(64);
        let address = format!(
            "/console/sagas?q=Ada&trouble=in_doubt&status=waiting&workflow=booking&step=pay&cause={cause}&older_than=15m"
        );
        let Some(Address::WorkList(query)) = Address::of(&address) else { panic!("a work-list") };
        assert_eq!(query.path(), address);
        assert_eq!(query.filter.trouble, Some(Trouble::InDoubt));
        assert_eq!(
            query.on(None).path(),
            "/console/sagas?q=Ada&status=waiting&workflow=booking&step=pay&older_than=15m"
        );
        let Some(Address::WorkList(old)) = Address::of("/console/sagas?older_than_s=60") else {
            panic!("a work-list")
        };
        assert_eq!(
            (old.filter.older_than_s, old.path().as_str()),
            (Some(60), "/console/sagas?older_than=60s")
        );
        for (slip, field) in [
            ("trouble=stuk&step=", "trouble"),
            ("status=sad", "status"),
            ("cause=ab", "cause"),
            ("older_than=soon", "older_than"),
            ("after=x", "after"),
        ] {
            let Some(Address::WorkList(slip)) = Address::of(&format!("/console/sagas?{slip}")) else {
                panic!("a work-list")
            };
            assert_eq!(slip.invalid.map(|invalid| invalid.field), Some(field));
            assert_eq!(slip.filter, Filter::default());
        }
    }

    #[test]
    fn a_query_is_escaped() {
        assert_eq!(query(&[("a", Some("b&c=d".into())), ("e", None)]), "?a=b%26c%3Dd");
        assert_eq!(query(&[("e", None)]), "");
    }
}
