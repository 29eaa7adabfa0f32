//! The one worker: settles what is due and sends webhooks, until the shutdown.
//!
//! What is due stands in the books, so a restart goes on where the process was killed. A delivery that was under
//! way then is sent again: at least once, in no order, as with the real one.

use super::{
    books::{
        Books, Task,
        news::{Delivery, DeliveryState},
    },
    config::{Config, Speak},
    simulator::{Simulator, change_intent, now_ms, settle},
};
use chrono::Utc;
use reqwest::Client;
use std::{sync::Arc, time::Duration};
use steps::gateway::{signature, standard_webhooks};
use tokio::task::JoinSet;

/// Deliveries under way at a time: a hundred copies of one webhook shall come at once.
const DELIVERIES_MAX: usize = 128;
/// The longest sleep: a clock that was set back is noticed after this.
const SLEEP_MAX: Duration = Duration::from_secs(5);

/// One try of one delivery.
struct Parcel {
    event: String,
    index: usize,
    shown_id: String,
    body: String,
    delivery: Delivery,
}

/// Works until the shutdown; deliveries under way then are given up and sent again after a restart.
pub(super) async fn run(simulator: Arc<Simulator>, client: Client) {
    let mut sending = JoinSet::new();
    loop {
        simulator.change_quietly(settle_due);
        while sending.len() < DELIVERIES_MAX
            && let Some(parcel) = simulator.change_quietly(next_parcel)
        {
            let (simulator, client) = (Arc::clone(&simulator), client.clone());
            sending.spawn(async move { deliver(&simulator, &client, parcel).await });
        }
        let wait = simulator.read(|books| wait(books, sending.len() < DELIVERIES_MAX));
        tokio::select! {
            () = simulator.wake.notified() => {}
            Some(_) = sending.join_next() => {}
            () = tokio::time::sleep(wait) => {}
            () = simulator.shutdown.cancelled() => return,
        }
    }
}

/// How long to wait until something is due that there is room for.
fn wait(books: &Books, may_send: bool) -> Duration {
    let mail = books.mail.next_ms().filter(|_| may_send);
    let next_ms = books.agenda.next_ms().into_iter().chain(mail).min();
    let ms = next_ms.map_or(i64::MAX, |at_ms| at_ms.saturating_sub(now_ms()));
    Duration::from_millis(ms.max(0) as u64).min(SLEEP_MAX)
}

fn settle_due(books: &mut Books) {
    while let Some(task) = books.agenda.pop_due(now_ms()) {
        // Refused only if someone ended it meanwhile, and then there is nothing to do.
        match task {
            Task::Settle(id) => {
                if let Some(due) = books.intents.get(&id).and_then(|intent| intent.due.clone()) {
                    let _ = change_intent(books, &id, |intent| settle(intent, due.ending));
                }
            }
            Task::Refund(id) => {
                if let Some(due) = books.refunds.get(&id).and_then(|refund| refund.due.clone()) {
                    let _ = books.end_refund(&id, due.status);
                }
            }
        }
    }
}

fn next_parcel(books: &mut Books) -> Option<Parcel> {
    let (event, index) = books.mail.pop_due(now_ms())?;
    let found = books.events.get_mut(&event)?;
    let shown_id = found.shown_id.clone().unwrap_or_else(|| event.clone());
    let delivery = found.deliveries.get_mut(index)?;
    delivery.sending = true;
    Some(Parcel { body: found.body.clone(), delivery: delivery.clone(), event, index, shown_id })
}

async fn deliver(simulator: &Simulator, client: &Client, parcel: Parcel) {
    let mut request = client.post(&parcel.delivery.url).header("content-type", "application/json");
    for (name, value) in signed(&simulator.config, &parcel) {
        request = request.header(name, value);
    }
    let Parcel { event, index, body, delivery, .. } = parcel;
    let accepted = match request.body(body).send().await {
        Ok(response) => response.status().is_success(),
        Err(error) => {
            tracing::debug!(event, url = delivery.url, error = %error.without_url(), "a webhook was not taken");
            false
        }
    };
    simulator.change(|books| {
        let Some(mut found) = books.events.get(&event).cloned() else { return };
        let Some(delivery) = found.deliveries.get_mut(index) else { return };
        delivery.sending = false;
        delivery.tries += 1;
        delivery.state = match accepted {
            true => DeliveryState::Delivered,
            // A forged event is tried only once.
            false if delivery.forged.is_some() => DeliveryState::GivenUp,
            false if delivery.tries >= Config::TRIES_MAX => DeliveryState::GivenUp,
            false => DeliveryState::Due { at_ms: now_ms() + backoff_ms(&simulator.config, delivery.tries) },
        };
        books.put_event(found);
    });
}

fn backoff_ms(config: &Config, tries: u32) -> i64 {
    let doubled = config.webhook_retry.saturating_mul(1 << (tries - 1).min(16));
    doubled.min(Config::RETRY_MAX).as_millis() as i64
}

/// The headers that prove it; none for a forgery without a signature.
fn signed(config: &Config, parcel: &Parcel) -> Vec<(&'static str, String)> {
    let (body, forged) = (parcel.body.as_bytes(), parcel.delivery.forged.as_ref());
    let at = Utc::now() + chrono::TimeDelta::seconds(forged.map_or(0, |forgery| forgery.skew_s));
    let secrets: Vec<&str> = match forged {
        None => config.webhook_secrets.iter().map(String::as_str).collect(),
        Some(forgery) => forgery.secret.iter().map(String::as_str).collect(),
    };
    let made = || match config.speak {
        Speak::Stripe => Some(signature::sign(body, &secrets, at)),
        Speak::Standard => {
            // A forger's secret may be none of this scheme; ours were checked at the start.
            let signatures =
                secrets.iter().map(|secret| standard_webhooks::sign(&parcel.shown_id, body, secret, at));
            Some(
                signatures
                    .collect::<Result<Vec<_>, _>>()
                    .unwrap_or_else(|_| vec!["v1,AAAA".to_owned()])
                    .join(" "),
            )
        }
    };
    let header = forged.and_then(|forgery| forgery.header.clone());
    let Some(signature) = header.or_else(|| if secrets.is_empty() { None } else { made() }) else {
        return vec![];
    };
    match config.speak {
        Speak::Stripe => vec![("stripe-signature", signature)],
        Speak::Standard => vec![
            ("webhook-id", parcel.shown_id.clone()),
            ("webhook-timestamp", at.timestamp().to_string()),
            ("webhook-signature", signature),
        ],
    }
}
