//! What the gateway says now: a fact is news, and may be out of date.

use crate::Service;
use std::time::Duration;
use steps::gateway::{Answer, Intent, IntentId, Refund};
use tokio::time::timeout;

/// How long reading the gateway may take. Our callers wait that long.
const READ_MAX: Duration = Duration::from_secs(2);

/// An intent; `None` if it can't be read now.
pub(super) async fn read(service: &Service, intent: &IntentId) -> Option<Intent> {
    answered(intent, service.gateway.read(intent)).await
}

/// All refunds of an intent; `None` if they can't be read now.
pub(super) async fn refunds(service: &Service, intent: &IntentId) -> Option<Vec<Refund>> {
    answered(intent, service.gateway.refunds(intent)).await
}

async fn answered<T>(intent: &IntentId, answer: Answer<'_, T>) -> Option<T> {
    match timeout(READ_MAX, answer).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::warn!(%intent, %error, "the gateway could not be read; the news stays in the inbox");
            None
        }
        Err(_) => {
            tracing::warn!(%intent, "the gateway is slow; the news stays in the inbox");
            None
        }
    }
}
