//! The simulator itself: books and script under their locks, and what is done to them.

use super::{
    books::{
        Books,
        intent::{About, Ending, EventsToSend, Fate, Intent},
        news::{Delivery, DeliveryState, Event, Forgery, News},
    },
    config::{Config, Speak},
    error_reply::ErrorReply,
    methods,
    script::{Acts, Chaos, Lie, Occasion, Operation, Script},
    standard::message,
};
use chrono::Utc;
use serde_json::{Value, json};
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub(super) struct Simulator {
    pub config: Config,
    /// Its own URL, for the pages that customers are sent to.
    pub url: String,
    /// Wakes whoever works off the agenda. It is notified after the lock is released.
    pub wake: Notify,
    /// Cancelled when the server shall end, also by a failure of the books.
    pub shutdown: CancellationToken,
    /// What happens later without a client that waits: awaited at the end, and gone with the process.
    later: TaskTracker,
    books: Mutex<Books>,
    script: Mutex<Script>,
    failure: Mutex<Option<io::Error>>,
}

impl Simulator {
    pub fn new(config: Config, url: String, shutdown: CancellationToken) -> io::Result<Self> {
        let books = Books::open(config.books.as_deref(), config.key_ttl)?;
        let script = Script::new(Chaos::new(config.chaos, config.seed));
        Ok(Self {
            config,
            url,
            wake: Notify::new(),
            shutdown,
            later: TaskTracker::new(),
            books: Mutex::new(books),
            script: Mutex::new(script),
            failure: Mutex::new(None),
        })
    }

    /// Looks into the books.
    pub fn read<T>(&self, look: impl FnOnce(&Books) -> T) -> T {
        look(&self.open())
    }

    /// Changes the books: all of it, with the events that follow, is in the file before anybody hears of it.
    /// Books that can't be written end the simulator, for it could no longer keep its word.
    pub fn change<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        let value = self.change_quietly(change);
        self.wake.notify_one();
        value
    }

    /// As [`Simulator::change`], without waking the worker: for the worker.
    pub fn change_quietly<T>(&self, change: impl FnOnce(&mut Books) -> T) -> T {
        let mut books = self.open();
        let value = change(&mut books);
        for news in books.take_news() {
            if let Some(event) = self.publish(&books, &news) {
                books.put_event(event);
            }
        }
        if let Err(error) = books.commit() {
            tracing::error!(error = %error, "writing the gateway's books failed; stopping");
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.shutdown.cancel();
        }
        value
    }

    /// Changes one intent by `transition`, and tells what follows.
    pub fn change_intent<T>(
        &self,
        id: &str,
        transition: impl FnOnce(&mut Intent) -> Result<(EventsToSend, T), ErrorReply>,
    ) -> Result<(Intent, T), ErrorReply> {
        self.change(|books| change_intent(books, id, transition))
    }

    /// The customer pays once more in another tab: an intent of its own under the same metadata, secured at once.
    pub fn pay_again(&self, id: &str) -> Result<Intent, ErrorReply> {
        self.change(|books| {
            let first = books.intents.get(id).ok_or_else(|| ErrorReply::missing("payment_intent", id))?;
            let again = first.copy(new_id("pi"), now_ms() / 1000);
            let copy = again.id.clone();
            books.put_intent(again);
            Ok(change_intent(books, &copy, |intent| Ok((intent.confirm(Fate::End(Ending::Secure))?, ())))?.0)
        })
    }

    pub fn with_script<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn acts(&self, occasion: &Occasion<'_>) -> Acts {
        self.with_script(|script| script.acts(occasion))
    }

    /// Does something after a while, unless the simulator ends before.
    pub fn later(&self, after_ms: u64, work: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.later.spawn(async move {
            let due = async {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                work.await;
            };
            shutdown.run_until_cancelled(due).await;
        });
    }

    /// Waits for what was to happen later; the simulator must be ending.
    pub async fn end_later(&self) {
        self.later.close();
        self.later.wait().await;
    }

    /// Why it had to stop, if it had to.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn open(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the event and plans its deliveries as the script says; `None` for what this protocol doesn't tell.
    fn publish(&self, books: &Books, news: &News) -> Option<Event> {
        let occasion = Occasion {
            operation: Operation::Webhook,
            intent: news.intent.as_deref(),
            method: news.method.as_deref(),
            event: Some(&news.kind),
            metadata: &news.metadata,
        };
        let acts = self.acts(&occasion);
        let told = News { object: apply_lie(news.object.clone(), acts.lie.as_ref()), ..news.clone() };
        let id = new_id("evt");
        let plan = acts.webhook.unwrap_or_default();
        let copies = if plan.lose { 0 } else { plan.copies };
        let mut deliveries = vec![];
        for url in &self.config.webhook_urls {
            for _ in 0..copies {
                let jitter_ms = self.with_script(|script| script.chaos().below(plan.jitter_ms));
                let at_ms = now_ms() + (plan.delay_ms + jitter_ms) as i64;
                let state = if plan.hold { DeliveryState::Held } else { DeliveryState::Due { at_ms } };
                deliveries.push(Delivery::new(url, state));
            }
            let forgery = Forgery { secret: Some("whsec_forged".to_owned()), ..Forgery::default() };
            let forged = Delivery {
                forged: Some(forgery),
                ..Delivery::new(url, DeliveryState::Due { at_ms: now_ms() })
            };
            deliveries.extend(std::iter::repeat_n(forged, plan.forged as usize));
        }
        let created_s = now_ms() / 1000;
        let body = match self.config.speak {
            Speak::Stripe => told.body(&id, created_s),
            Speak::Standard => message(books, &told, created_s)?,
        };
        Some(Event { body, shown_id: None, id, created_s, kind: news.kind.clone(), deliveries })
    }
}

/// As [`Simulator::change_intent`], within a change.
pub(super) fn change_intent<T>(
    books: &mut Books,
    id: &str,
    transition: impl FnOnce(&mut Intent) -> Result<(EventsToSend, T), ErrorReply>,
) -> Result<(Intent, T), ErrorReply> {
    let mut intent = books.intents.get(id).ok_or_else(|| ErrorReply::missing("payment_intent", id))?.clone();
    let method = intent.method.clone();
    let captured_before = intent.amount_received;
    let (mut events, value) = transition(&mut intent)?;
    let disputed = method.as_deref().and_then(methods::find).is_some_and(|method| method.is_disputed);
    if disputed && captured_before == 0 && intent.amount_received > 0 {
        events.extend(intent.dispute(new_id("dp"), None)?);
    }
    for (kind, about) in events {
        let news = News::of_intent(kind, about, &intent);
        books.add_news(News { method: method.clone(), ..news });
    }
    books.put_intent(intent.clone());
    Ok((intent, value))
}

/// Ends what is pending.
pub(super) fn settle(intent: &mut Intent, ending: Ending) -> Result<(EventsToSend, ()), ErrorReply> {
    Ok((intent.settle(ending)?, ()))
}

/// The object as a liar shows it.
pub(super) fn apply_lie(mut object: Value, lie: Option<&Lie>) -> Value {
    let (Some(lie), Value::Object(fields)) = (lie, &mut object) else { return object };
    if let Some(Value::Array(items)) = fields.get_mut("data") {
        let told = std::mem::take(items).into_iter().map(|item| apply_lie(item, Some(lie)));
        *items = told.collect();
        return object;
    }
    if let Some(amount) = lie.amount {
        for name in ["amount", "amount_capturable", "amount_received"] {
            if fields.get(name).and_then(Value::as_i64).is_some_and(|true_amount| true_amount != 0) {
                fields.insert(name.to_owned(), json!(amount));
            }
        }
    }
    if lie.without_amounts {
        fields.remove("amount_capturable");
        fields.remove("amount_received");
    }
    if let Some(currency) = &lie.currency {
        fields.insert("currency".to_owned(), json!(currency));
    }
    if let Some(id) = &lie.payment_id {
        fields["metadata"]["payment_id"] = json!(id);
    }
    if let Some(status) = &lie.status {
        fields.insert("status".to_owned(), json!(status));
    }
    if let Some(id) = &lie.id {
        fields.insert("id".to_owned(), json!(id));
    }
    object
}

/// `prefix_` and a random id of Stripe's look.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}

pub(super) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// A fact about one intent that nobody's transition caused; for `About` objects only.
pub(super) fn news_about(kind: &str, intent: &Intent) -> News {
    let about = match kind {
        kind if kind.starts_with("charge.dispute.") => About::Dispute,
        kind if kind.starts_with("charge.") => About::Charge,
        _ => About::Intent,
    };
    News::of_intent(kind, about, intent)
}
