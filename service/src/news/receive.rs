//! Into the inbox: one statement, so that it can be the whole transaction before a webhook's answer.

use super::{columns, whole_seconds};
use crate::{Service, ServiceError, clock};
use sha2::{Digest, Sha256};
use steps::{
    gateway::{BadEvent, EventId, Fact, FactKind, Trace},
    store::inbox::{self, FactColumns, InboxKey, Stored},
};

/// The kind in the inbox of what can't be read.
const UNREADABLE: &str = "unreadable";

/// A fact that is in the inbox.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where it is.
    pub key: InboxKey,
    /// What it says.
    pub fact: Fact,
    /// Whether it is new, and something that we act on.
    pub to_act_on: bool,
}

/// Stores a fact with the bytes that told it.
///
/// # Errors
/// The database's.
pub async fn receive(service: &Service, fact: Fact, body: &[u8]) -> Result<Received, ServiceError> {
    let columns = columns(&fact);
    let of_our_mode = is_of_our_mode(service, &fact);
    if !of_our_mode {
        tracing::error!(event = %fact.event_id, live = fact.live, "an event of the gateway's other mode is ignored");
    }
    let row = inbox::Received {
        provider: &fact.provider,
        event_id: fact.event_id.as_str(),
        body,
        fact: columns.filter(|_| of_our_mode),
    };
    let (key, acted_on) = (row.key(), row.fact.is_some());
    let mut connection = service.connection().await?;
    let now = clock::now(&mut connection).await?;
    let stored = inbox::insert(&mut connection, &row, now).await?;
    match stored {
        Stored::New | Stored::Duplicate => {}
        Stored::Differs => {
            tracing::error!(event = %fact.event_id, "another body came under an id that was used; it is kept apart");
        }
    }
    Ok(Received { key, fact, to_act_on: acted_on && stored == Stored::New })
}

/// Stores a body that was rightly signed, or read back, and is no event that we can read (broken or doubled keys, a value
/// that can't be): never acted on, kept for a person to see. Its sender's id can't be trusted, so it has one of its own.
///
/// # Errors
/// The database's.
pub async fn park(
    service: &Service,
    provider: &str,
    body: &[u8],
    why: &BadEvent,
) -> Result<Received, ServiceError> {
    let event_id = format!("unreadable:{}", hex::encode(Sha256::digest(body)));
    let mut connection = service.connection().await?;
    let now = clock::now(&mut connection).await?;
    let fact = Fact {
        provider: provider.to_owned(),
        event_id: EventId::new(event_id),
        kind: FactKind::Ignored(why.to_string()),
        intent: None,
        trace: Trace::default(),
        money: None,
        at: whole_seconds(now),
        live: false,
    };
    let columns = FactColumns {
        kind: UNREADABLE.to_owned(),
        payment: None,
        reference: None,
        money: None,
        at: fact.at,
        whole: serde_json::to_value(&fact).map_err(ServiceError::internal)?,
    };
    let row = inbox::Received { provider, event_id: fact.event_id.as_str(), body, fact: Some(columns) };
    let key = row.key();
    if inbox::insert(&mut connection, &row, now).await? == Stored::New {
        tracing::error!(event = %fact.event_id, error = %why, "what the gateway sent is not an event; it is kept for a person");
    }
    Ok(Received { key, fact, to_act_on: false })
}

/// Test events must not move real money's state, nor real ones a test's. The key says which of both we are.
fn is_of_our_mode(service: &Service, fact: &Fact) -> bool {
    use secrecy::ExposeSecret;
    let Some(key) = &service.config.gateway.key else { return true };
    match key.expose_secret() {
        // `sk_live_…`, `rk_test_…`, `bank_test_…`: the second word says it.
        key if key.split('_').nth(1) == Some("live") => fact.live,
        key if key.split('_').nth(1) == Some("test") => !fact.live,
        _ => true,
    }
}
