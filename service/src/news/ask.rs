//! Asks the gateway ourselves, when a webhook is late or lost. The answer goes into the inbox like a webhook.

use super::{Acted, act, receive, whole_seconds};
use crate::{Service, ServiceError};
use orchestrator::{Reached, SagaId};
use std::time::Duration;
use steps::{
    Outcome, Pay, Secured,
    gateway::{EventId, Fact, FactKind, Intent, IntentStatus},
};
use tokio::time::timeout;
use workflows::Booking;

/// How long the gateway may take to answer.
const ASK_MAX: Duration = Duration::from_secs(2);

/// Asks once what became of a pending payment, and tells its saga if there is something to tell.
///
/// It does not ask about a payment whose first request has no answer yet: the engine resolves that. It must run in a task
/// of its own, as [`act`] must.
///
/// # Errors
/// The database or the engine failed. A gateway that doesn't answer is not an error: it is asked again later.
pub async fn ask(service: &Service, saga: SagaId) -> Result<Acted, ServiceError> {
    let charge = match service.client.handle::<Booking>(saga).reached::<Pay>(Duration::ZERO).await? {
        Reached::Done(charge) if matches!(charge.outcome, Outcome::Pending { .. }) => charge,
        _ => return Ok(Acted::Later),
    };
    let intent = match timeout(ASK_MAX, service.gateway.read(&charge.intent)).await {
        Ok(Ok(intent)) => intent,
        Ok(Err(_)) | Err(_) => return Ok(Acted::Later),
    };
    let Some(fact) = fact(service.gateway.provider(), &intent) else { return Ok(Acted::Later) };
    let body = serde_json::to_vec(&intent).map_err(ServiceError::internal)?;
    let received = receive(service, fact, &body).await?;
    act(service, &received.key, &received.fact).await
}

/// An answer as a fact. Two equal answers are one fact, so its id is made from the answer.
fn fact(provider: &str, intent: &Intent) -> Option<Fact> {
    let secured = Secured::of(intent);
    let kind = match (&secured, intent.status) {
        (Some(secured), _) if secured.captured => FactKind::Captured,
        (Some(_), _) => FactKind::Authorised,
        (None, IntentStatus::Canceled) => FactKind::Cancelled,
        (None, IntentStatus::RequiresPaymentMethod) => FactKind::Declined,
        (None, _) => return None,
    };
    let word = super::kind(&kind)?;
    Some(Fact {
        provider: provider.to_owned(),
        event_id: EventId::new(format!("asked:{}:{word}", intent.id)),
        kind,
        intent: Some(intent.id.clone()),
        trace: intent.trace,
        money: Some(secured.map_or(intent.money, |secured| secured.money)),
        at: whole_seconds(intent.created),
        live: intent.live,
    })
}
