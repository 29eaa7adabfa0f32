//! Out of the inbox: what a fact means, told to the saga once.

use super::truth::{self, Truth};
use crate::http::{App, Problem, store};
use orchestrator::{Client, SagaId};
use sqlx::Connection;
use std::time::Duration;
use steps::{
    PaymentId, Secured,
    gateway::{Fact, FactKind, Intent, IntentId},
    status::PaymentStatus,
    store::{
        gateway_references,
        inbox::{self, InboxKey},
        payments::{self, PaymentRow},
        reservations,
    },
};
use tokio::time::timeout;
use workflows::PaymentNews;

/// How long the gateway may take to be read. Whoever waits for us waits for this.
const READ_MAX: Duration = Duration::from_secs(2);

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It is done with, now or before.
    Done,
    /// Not yet: the payment isn't known, or the gateway can't be read. It stays in the inbox.
    Later,
    /// It contradicts what we know. It stays in the inbox for a person.
    Contradicts,
}

/// Acts on a fact in the inbox. Doing it twice, or on two nodes at once, does it once.
///
/// Must run in a task of its own: it holds a transaction for a moment.
///
/// # Errors
/// The database's or the engine's; the fact stays in the inbox.
pub async fn act(app: &App, key: &InboxKey, fact: &Fact) -> Result<Acted, Problem> {
    let Some(payment) = payment(app, fact).await? else { return Ok(Acted::Later) };
    let mut connection = app.connection().await?;
    let Some(row) = payments::find(&mut connection, payment).await? else { return Ok(Acted::Later) };
    let Some(reservation) = reservations::find(&mut connection, row.reservation).await? else {
        return Ok(Acted::Later);
    };
    drop(connection); // the gateway may take its time
    let verdict = match &fact.kind {
        FactKind::Authorised | FactKind::Captured | FactKind::Declined | FactKind::Cancelled => {
            of_money(app, fact, &row).await?
        }
        FactKind::Processing | FactKind::ActionRequired | FactKind::Ignored(_) => Verdict::Nothing,
        FactKind::ChargeRefunded | FactKind::Refund { .. } => of_refund(&row),
        FactKind::Dispute { id, .. } => {
            tracing::error!(%payment, dispute = id, "a payment is disputed");
            Verdict::Contradicts
        }
    };
    match verdict {
        Verdict::Tell(news) => {
            tell(app, key, payment, reservation.saga, fact, &news).await?;
            Ok(Acted::Done)
        }
        Verdict::Nothing => {
            let mut connection = app.connection().await?;
            let now = store::now(&mut connection).await?;
            inbox::mark_applied(&mut connection, key, payment, now).await?;
            Ok(Acted::Done)
        }
        Verdict::Later => Ok(Acted::Later),
        Verdict::Contradicts => Ok(Acted::Contradicts),
    }
}

/// What is to be done about a fact.
enum Verdict {
    Tell(PaymentNews),
    Nothing,
    Later,
    Contradicts,
}

/// By our id in the metadata, else by the gateway's name for the payment.
async fn payment(app: &App, fact: &Fact) -> Result<Option<PaymentId>, Problem> {
    let mut connection = app.connection().await?;
    let reference = fact.intent.as_ref().map(IntentId::as_str);
    match (fact.trace.payment_id.map(PaymentId::from_uuid), reference) {
        (Some(payment), Some(reference)) => {
            // Both in one place: later events may name only the gateway's.
            gateway_references::remember(&mut connection, &fact.provider, reference, payment).await?;
            Ok(Some(payment))
        }
        (Some(payment), None) => Ok(Some(payment)),
        (None, Some(reference)) => {
            Ok(gateway_references::find(&mut connection, &fact.provider, reference).await?)
        }
        (None, None) => Ok(None),
    }
}

async fn of_money(app: &App, fact: &Fact, row: &PaymentRow) -> Result<Verdict, Problem> {
    match row.status {
        // Known already: by the call's own answer, or by other news.
        PaymentStatus::Success | PaymentStatus::Refunded => return Ok(Verdict::Nothing),
        PaymentStatus::Initiated | PaymentStatus::Failed => {}
    }
    let Some(id) = &fact.intent else { return Ok(Verdict::Contradicts) };
    let Some(intent) = read(app, id).await else { return Ok(Verdict::Later) };
    if row.status == PaymentStatus::Failed {
        // An old event about an intent that we have cancelled since is nothing; money is not.
        return Ok(match Secured::of(&intent) {
            None => Verdict::Nothing,
            Some(secured) => {
                tracing::error!(payment = %row.payment, money = ?secured.money, "money came in late");
                Verdict::Contradicts
            }
        });
    }
    Ok(match truth::of(&intent, row) {
        Truth::News(news) => Verdict::Tell(news),
        Truth::Nothing => Verdict::Nothing,
        Truth::Lie(what) => {
            tracing::error!(payment = %row.payment, intent = %intent.id, what, "the gateway contradicts the order");
            Verdict::Contradicts
        }
    })
}

/// Refunds that we asked for are written down by the saga that asked.
fn of_refund(row: &PaymentRow) -> Verdict {
    match row.status {
        PaymentStatus::Refunded => Verdict::Nothing,
        PaymentStatus::Initiated | PaymentStatus::Success | PaymentStatus::Failed => Verdict::Later,
    }
}

async fn read(app: &App, intent: &IntentId) -> Option<Intent> {
    match timeout(READ_MAX, app.gateway.read(intent)).await {
        Ok(Ok(intent)) => Some(intent),
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

/// The saga first, then the inbox; in one transaction where both share a bucket, as they nearly always do.
async fn tell(
    app: &App,
    key: &InboxKey,
    payment: PaymentId,
    saga: SagaId,
    fact: &Fact,
    news: &PaymentNews,
) -> Result<(), Problem> {
    let sender = format!("{}:{}", fact.provider, fact.event_id);
    let mut connection = app.connection().await?;
    if key.bucket == saga.bucket() {
        let mut tx = Connection::begin(&mut *connection).await?;
        Client::signal_in(&mut tx, saga, &sender, news).await?;
        let now = store::now(&mut tx).await?;
        inbox::mark_applied(&mut tx, key, payment, now).await?;
        tx.commit().await?;
        drop(connection);
        app.client.nudge(saga).await;
    } else {
        app.client.signal(saga, &sender, news).await?;
        let now = store::now(&mut connection).await?;
        inbox::mark_applied(&mut connection, key, payment, now).await?;
    }
    Ok(())
}
