//! Addresses of pages: what stands in the address bar is all that a page depends on, so each can be sent to a colleague.

use super::pages::Asked;
use orchestrator::{
    SagaId,
    operator::{BatchId, Filter, ItemResult, ProposalId, Trouble},
};
use uuid::Uuid;

/// A page that can be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// The numbers.
    Home,
    /// Sagas that have something in common.
    WorkList(Wanted),
    /// One saga, and what was just done to it.
    Saga { saga: SagaId, did: Option<String> },
    /// The form of an action.
    Action { saga: SagaId, action: String },
    /// The form of an action on many.
    Bulk(Wanted, Asked),
    /// All batches.
    Batches { after: Option<BatchId> },
    /// One batch: which of its sagas, after which number.
    Batch { id: BatchId, result: Option<ItemResult>, after: Option<i32> },
    /// All proposals.
    Proposals { after: Option<ProposalId> },
    /// One of them.
    Proposal(ProposalId),
    /// What was done.
    Audit(AuditWanted),
}

/// Which sagas, and which page of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// As lists, commands and batches have it.
    pub filter: Filter,
    /// A word to search by.
    pub q: Option<String>,
    /// The last saga of the page before.
    pub after: Option<SagaId>,
    /// A field that was given and says nothing: nothing is listed rather than everything.
    pub wrong: Option<String>,
}

impl Wanted {
    /// Of what stands behind the `?`, or in a form.
    pub fn of(query: &Query) -> Self {
        let mut wrong = None;
        let filter = Filter {
            status: query.told("status", &mut wrong),
            workflow: query.text("workflow"),
            step: query.text("step"),
            cause: query.text("cause"),
            trouble: query.told("trouble", &mut wrong),
            older_than_s: query.told("older_than_s", &mut wrong),
            ids: Vec::new(),
        };
        Self { filter, q: query.text("q"), after: query.told("after", &mut wrong), wrong }
    }

    /// The same from the first page on, as an address.
    pub fn path(&self) -> String {
        format!("/console/sagas{}", query(&self.fields()))
    }

    /// What the address says, field by field.
    pub fn fields(&self) -> Vec<(&'static str, Option<String>)> {
        let Filter { status, workflow, step, cause, trouble, older_than_s, ids: _ } = &self.filter;
        vec![
            ("q", self.q.clone()),
            ("trouble", trouble.map(|trouble| trouble.to_string())),
            ("status", status.map(|status| status.to_string())),
            ("workflow", workflow.clone()),
            ("step", step.clone()),
            ("cause", cause.clone()),
            ("older_than_s", older_than_s.map(|seconds| seconds.to_string())),
        ]
    }

    /// The same on another work-list; the cause stays behind, since it is of the old one.
    pub fn on(&self, trouble: Option<Trouble>) -> Self {
        let filter = Filter { trouble, cause: None, ..self.filter.clone() };
        Self { filter, after: None, ..self.clone() }
    }
}

/// Which rows of the audit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditWanted {
    pub saga: Option<SagaId>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub after: Option<Uuid>,
}

impl Address {
    /// Of a path with its query; `None` if there is no such page.
    pub fn of(path_and_query: &str) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = Query::of(query);
        let inside = path.strip_prefix("/console")?.trim_matches('/');
        Some(match inside.split('/').collect::<Vec<_>>()[..] {
            [""] => Self::Home,
            ["sagas"] => Self::WorkList(Wanted::of(&query)),
            ["sagas", saga] => Self::Saga { saga: saga.parse().ok()?, did: query.text("did") },
            ["sagas", saga, "actions", action] => {
                Self::Action { saga: saga.parse().ok()?, action: action.to_owned() }
            }
            ["bulk"] => Self::Bulk(Wanted::of(&query), Asked::of(&query)),
            ["batches"] => Self::Batches { after: query.parsed("after") },
            ["batches", id] => Self::Batch {
                id: id.parse().ok()?,
                result: query.parsed("result"),
                after: query.parsed("after"),
            },
            ["proposals"] => Self::Proposals { after: query.parsed("after") },
            ["proposals", id] => Self::Proposal(id.parse().ok()?),
            ["audit"] => Self::Audit(AuditWanted {
                saga: query.parsed("saga"),
                actor: query.text("actor"),
                action: query.text("action"),
                after: query.parsed("after"),
            }),
            _ => return None,
        })
    }
}

/// What stands behind the `?`. Fields that are left empty in a form are not given.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Of the text between `?` and `#`.
    pub fn of(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Self(pairs.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// The last one of that name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned())
    }

    /// The same as what it stands for, and in `wrong` what stands for nothing.
    fn told<T: std::str::FromStr>(&self, name: &str, wrong: &mut Option<String>) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            *wrong = Some(format!("`{name}={text}`"));
        }
        parsed
    }

    /// The same as what it stands for, if it stands for anything.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

/// A query of those fields that say something; empty or with its `?`.
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
    use super::*;

    #[test]
    fn an_address_is_read_whole_or_not_at_all() {
        let saga = SagaId::from_uuid(Uuid::now_v7());
        assert_eq!(Address::of("/console"), Some(Address::Home));
        assert_eq!(Address::of("/console/"), Some(Address::Home));
        assert_eq!(
            Address::of(&format!("/console/sagas/{saga}?did=")),
            Some(Address::Saga { saga, did: None })
        );
        assert_eq!(
            Address::of(&format!("/console/sagas/{saga}/actions/pause")),
            Some(Address::Action { saga, action: "pause".into() })
        );
        for nowhere in
            ["", "/", "/consolers", "/console/sagas/x", "/console/nowhere", "/console/sagas/x/actions/pause"]
        {
            assert_eq!(Address::of(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_filter_goes_through_its_address_and_back() {
        let address = "/console/sagas?q=Ada&trouble=in_doubt&status=waiting&workflow=booking&step=pay&cause=ab&older_than_s=60";
        let Some(Address::WorkList(wanted)) = Address::of(address) else { panic!("a work-list") };
        assert_eq!(wanted.path(), address);
        assert_eq!(wanted.filter.trouble, Some(Trouble::InDoubt));
        assert_eq!(
            wanted.on(None).path(),
            "/console/sagas?q=Ada&status=waiting&workflow=booking&step=pay&older_than_s=60"
        );
        let Some(Address::WorkList(slip)) = Address::of("/console/sagas?trouble=stuk&step=") else {
            panic!("a work-list")
        };
        assert_eq!(slip.wrong.as_deref(), Some("`trouble=stuk`"));
        assert_eq!(slip.filter, Filter::default());
    }

    #[test]
    fn a_query_is_escaped() {
        assert_eq!(query(&[("a", Some("b&c=d".into())), ("e", None)]), "?a=b%26c%3Dd");
        assert_eq!(query(&[("e", None)]), "");
    }
}
