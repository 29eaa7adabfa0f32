//! Into the inbox: one statement, so that it can be the whole transaction before a webhook's answer.

use super::columns;
use crate::http::{App, Problem, store};
use steps::{
    gateway::Fact,
    store::inbox::{self, InboxKey, Stored},
};

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
pub async fn receive(app: &App, fact: Fact, body: &[u8]) -> Result<Received, Problem> {
    let columns = columns(&fact);
    let of_our_mode = is_of_our_mode(app, &fact);
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
    let mut connection = app.connection().await?;
    let now = store::now(&mut connection).await?;
    let stored = inbox::insert(&mut connection, &row, now).await?;
    match stored {
        Stored::New | Stored::Duplicate => {}
        Stored::Differs => {
            tracing::error!(event = %fact.event_id, "another body came under an id that was used; it is kept apart");
        }
    }
    Ok(Received { key, fact, to_act_on: acted_on && stored == Stored::New })
}

/// Test events must not move real money's state, nor real ones a test's. The key says which of both we are.
fn is_of_our_mode(app: &App, fact: &Fact) -> bool {
    use secrecy::ExposeSecret;
    let Some(key) = &app.config.gateway.key else { return true };
    match key.expose_secret() {
        key if key.starts_with("sk_live_") || key.starts_with("rk_live_") => fact.live,
        key if key.starts_with("sk_test_") || key.starts_with("rk_test_") => !fact.live,
        _ => true,
    }
}
