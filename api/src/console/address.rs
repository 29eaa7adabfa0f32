//! Addresses of pages. A page depends on nothing but its address, so each can be sent to a colleague.

use super::{
    batch_form::BatchForm,
    queries::{AuditQuery, ItemQuery, Query, SagaQuery},
};
use operator::{BatchId, ProposalId};
use orchestrator::SagaId;

/// A page that can be opened and kept live.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    /// The first page, with the numbers.
    Home,
    /// Sagas that match a filter.
    WorkList(SagaQuery),
    /// One saga, and the action that was just done to it.
    Saga { saga: SagaId, did: Option<String> },
    /// The form of an action.
    Action { saga: SagaId, action: String },
    /// The form of an action on many sagas.
    Bulk(SagaQuery, BatchForm),
    /// All batches.
    Batches { after: Option<BatchId> },
    /// One batch, and the filter of its sagas.
    Batch(BatchId, ItemQuery),
    /// All proposals.
    Proposals { after: Option<ProposalId> },
    /// One proposal.
    Proposal(ProposalId),
    /// The audit.
    Audit(AuditQuery),
}

impl Address {
    /// The page of a path with its query; `None` if there is no such page.
    pub fn of(path_and_query: &str) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = Query::of(query);
        let inside = path.strip_prefix("/console")?.trim_matches('/');
        Some(match inside.split('/').collect::<Vec<_>>()[..] {
            [""] => Self::Home,
            ["sagas"] => Self::WorkList(SagaQuery::of(&query)),
            ["sagas", saga] => Self::Saga { saga: saga.parse().ok()?, did: query.text("did") },
            ["sagas", saga, "actions", action] => {
                Self::Action { saga: saga.parse().ok()?, action: action.to_owned() }
            }
            ["bulk"] => Self::Bulk(SagaQuery::of(&query), BatchForm::of(&query)),
            ["batches"] => Self::Batches { after: query.parsed("after") },
            ["batches", id] => Self::Batch(id.parse().ok()?, ItemQuery::of(&query)),
            ["proposals"] => Self::Proposals { after: query.parsed("after") },
            ["proposals", id] => Self::Proposal(id.parse().ok()?),
            ["audit"] => Self::Audit(AuditQuery::of(&query)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

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
}
