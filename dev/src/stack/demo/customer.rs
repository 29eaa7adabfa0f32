//! A customer's program: it speaks HTTP, gives every request a key, and sends it again under the same key when it
//! gets no answer. It prints what it does.

use super::super::commands::DemoVenue;
use super::super::stage::Stage;
use anyhow::{Context, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use steps::Money;
use uuid::Uuid;

/// How long a request without an answer is repeated: a node is back within seconds.
const ANSWER_MAX: Duration = Duration::from_secs(45);
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How often seats are chosen again because somebody else was faster.
const CHOICES_MAX: usize = 10;

/// One customer, from the beginning of one story.
pub(crate) struct Customer {
    http: reqwest::Client,
    url: String,
    token: String,
    since: Instant,
}

/// Seats that were free a moment ago.
pub(crate) struct Choice {
    pub event_id: String,
    pub seats: Vec<Seat>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Seat {
    pub seat_id: String,
    pub section: String,
    pub row: String,
    pub number: i16,
}

/// What the API answers to a reservation, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reserved {
    pub reservation_id: String,
    pub saga_id: String,
    pub amount: Money,
    pub expires_in_ms: i64,
}

impl Customer {
    pub fn new(stage: &Stage) -> Self {
        Self::with_token(stage, &stage.tokens.customer)
    }

    /// A customer other than the usual one.
    pub fn with_token(stage: &Stage, token: &str) -> Self {
        let (url, token) = (stage.commands.node_url(), token.to_owned());
        Self { http: stage.http.clone(), url, token, since: Instant::now() }
    }

    /// Tells what happens, and when.
    pub fn say(&self, what: &str) {
        println!("   {:>6.2} s  {what}", self.since.elapsed().as_secs_f64());
    }

    /// Chooses free seats that are next to each other.
    pub async fn choose(&self, venue: DemoVenue, count: usize) -> anyhow::Result<Choice> {
        let events = self.read("/events").await?;
        let events = events["items"].as_array().context("`/events` has no items")?;
        let event = events.iter().find(|event| event["name"] == venue.name);
        let event_id = event.and_then(|event| event["event_id"].as_str());
        let event_id = event_id.with_context(|| format!("there is no event `{}`", venue.name))?.to_owned();

        let map = self.read(&format!("/events/{event_id}/seats")).await?;
        let seats: Vec<Seat> = serde_json::from_value(map["seats"].clone()).context("reading the seats")?;
        let free = |seat: &Seat| map["status"].get(&seat.seat_id).is_none();
        let same_row = |some: &[Seat]| {
            some.iter().all(|seat| (&seat.section, &seat.row) == (&some[0].section, &some[0].row))
        };
        let found = seats.windows(count).find(|some| some.iter().all(free) && same_row(some));
        let seats = found.context("the event is sold out: `./run --reset` frees all seats")?.to_vec();
        Ok(Choice { event_id, seats })
    }

    /// Chooses seats and reserves them. The map may be a moment old, so whoever finds them taken looks again.
    pub async fn reserve(&self, venue: DemoVenue, count: usize) -> anyhow::Result<(Choice, Reserved)> {
        for _ in 0..CHOICES_MAX {
            let choice = self.choose(venue, count).await?;
            if let Some(reserved) = self.reserve_these(&choice).await? {
                return Ok((choice, reserved));
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        bail!("none of {CHOICES_MAX} choices of seats was available");
    }

    async fn reserve_these(&self, choice: &Choice) -> anyhow::Result<Option<Reserved>> {
        let wish = json!({"event_id": choice.event_id, "seat_ids": choice.seat_ids()});
        let (status, answer) = self.ask("/reservations", &wish, None).await?;
        if status == StatusCode::CONFLICT && answer["code"] == "seat-unavailable" {
            return Ok(None);
        }
        if status != StatusCode::CREATED {
            bail!("reserving was refused with {status}: {answer}");
        }
        let reserved: Reserved = serde_json::from_value(answer).context("reading the reservation")?;
        let places: Vec<_> = choice.seats.iter().map(Seat::place).collect();
        self.say(&format!(
            "POST /reservations  {} for {} → 201 {}",
            places.join(" and "),
            reserved.amount,
            reserved.reservation_id
        ));
        Ok(Some(reserved))
    }

    pub async fn pay(&self, reserved: &Reserved, method: &str) -> anyhow::Result<()> {
        let wish = json!({"reservation_id": reserved.reservation_id, "method": method});
        let (status, answer) = self.ask("/payments", &wish, None).await?;
        self.say(&format!("POST /payments      {method} → {} {}", status.as_u16(), gist(&answer)));
        if !status.is_success() {
            bail!("paying was refused with {status}: {answer}");
        }
        Ok(())
    }

    /// Cancels the reservation.
    pub async fn give_back(&self, reserved: &Reserved) -> anyhow::Result<()> {
        let path = format!("/reservations/{}", reserved.reservation_id);
        let request = self.http.delete(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let status = request.timeout(ANSWER_MAX).send().await?.status();
        self.say(&format!("DELETE {path} → {}", status.as_u16()));
        if !status.is_success() {
            bail!("cancelling the reservation was refused with {status}");
        }
        Ok(())
    }

    /// Asks for the booking, and waits for it.
    pub async fn book(&self, reserved: &Reserved) -> anyhow::Result<StatusCode> {
        let wish = json!({"reservation_id": reserved.reservation_id});
        let asked = Instant::now();
        loop {
            let (status, answer) = self.ask("/bookings", &wish, Some("wait=10")).await?;
            if status != StatusCode::ACCEPTED || asked.elapsed() > ANSWER_MAX {
                self.say(&format!("POST /bookings      → {} {}", status.as_u16(), gist(&answer)));
                return Ok(status);
            }
        }
    }

    /// Waits until the reservation has this status.
    pub async fn until(&self, reserved: &Reserved, status: &str) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            let reservation = self.read(&format!("/reservations/{}", reserved.reservation_id)).await?;
            if reservation["status"] == status {
                self.say(&format!("GET /reservations/{} → {status}", reserved.reservation_id));
                return Ok(());
            }
            if asked.elapsed() > ANSWER_MAX {
                bail!("the reservation is not {status} but {} after {ANSWER_MAX:?}", reservation["status"]);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    async fn read(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = request.timeout(ANSWER_MAX).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// POSTs a request under one key until there is an answer: no connection, 503 and "still running" are none.
    async fn ask(
        &self,
        path: &str,
        wish: &Value,
        prefer: Option<&str>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let key = format!("\"{}\"", Uuid::now_v7());
        let asked = Instant::now();
        loop {
            let mut request = self.http.request(Method::POST, format!("{}{path}", self.url));
            request = request.bearer_auth(&self.token).header("Idempotency-Key", &key).json(wish);
            if let Some(prefer) = prefer {
                request = request.header("Prefer", prefer);
            }
            let failure = match request.timeout(ANSWER_MAX).send().await {
                Ok(answer) => {
                    let status = answer.status();
                    let body: Value = answer.json().await.unwrap_or_default();
                    let running = body["code"] == "idempotency-key-in-progress";
                    if status != StatusCode::SERVICE_UNAVAILABLE && !running {
                        return Ok((status, body));
                    }
                    None
                }
                Err(error) => Some(error),
            };
            match failure {
                Some(error) if asked.elapsed() > ANSWER_MAX => {
                    return Err(error).context(format!("asking {path}"));
                }
                None if asked.elapsed() > ANSWER_MAX => bail!("{path} was overloaded for {ANSWER_MAX:?}"),
                Some(_) | None => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    }
}

impl Choice {
    pub fn seat_ids(&self) -> Vec<String> {
        self.seats.iter().map(|seat| seat.seat_id.clone()).collect()
    }
}

impl Seat {
    fn place(&self) -> String {
        format!("{} {}-{}", self.section, self.row, self.number)
    }
}

/// The part of an answer that fits into a line.
fn gist(answer: &Value) -> String {
    let words = ["status", "code", "detail"].iter().filter_map(|name| answer[*name].as_str());
    words.collect::<Vec<_>>().join(", ")
}
