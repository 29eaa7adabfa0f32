//! Stores a fact in the inbox by one statement, which can be the whole transaction before a webhook is answered.

use super::{columns, whole_seconds};
use crate::{Service, ServiceError, clock};
use sha2::{Digest, Sha256};
use steps::{
    gateway::{BadEvent, EventId, Fact, FactKind, Trace},
    store::inbox::{self, FactColumns, InboxKey, Stored},
};

/// The inbox's kind for a body that can't be read.
const UNREADABLE: &str = "unreadable";

/// A fact that is in the inbox.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its key.
    pub key: InboxKey,
    /// The fact itself.
    pub fact: Fact,
    /// Whether it is new and of a kind that we act on.
    pub to_act_on: bool,
}

/// Stores a fact with the bytes that it was read from.
///
/// # Errors
/// The database failed.
pub async fn receive(service: &Service, fact: Fact, body: &[u8]) -> Result<Received, ServiceError> {
    let columns = columns(&fact);
    let of_our_mode = is_of_our_mode(service, &fact);
    if !of_our_mode {
        tracing::error!(event = %fact.event_id, live = fact.live, "an event of the gateway's other mode (test or live) is ignored");
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
            tracing::error!(event = %fact.event_id, "another body came under an id that was already used; it is kept apart");
        }
    }
    Ok(Received { key, fact, to_act_on: acted_on && stored == Stored::New })
}

/// Stores a body that was signed correctly, or read back, but that we can't read as an event (broken or doubled keys, an
/// impossible value). It is kept for a person and never acted on. Its sender's id can't be trusted, so it gets a new one.
///
/// # Errors
/// The database failed.
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
        tracing::error!(event = %fact.event_id, error = %why, "the gateway sent something that is not an event; it is kept for a person");
    }
    Ok(Received { key, fact, to_act_on: false })
}

/// Whether a fact is of our mode, which our key tells. Test events must not change real money, nor real events
/// test money.
fn is_of_our_mode(service: &Service, fact: &Fact) -> bool {
    use secrecy::ExposeSecret;
    let Some(key) = &service.config.gateway.key else { return true };
    match key.expose_secret() {
        // `sk_live_…`, `rk_test_…`, `bank_test_…`: the second part tells the mode.
        key if key.split('_').nth(1) == Some("live") => fact.live,
        key if key.split('_').nth(1) == Some("test") => !fact.live,
        _ => true,
    }
}
