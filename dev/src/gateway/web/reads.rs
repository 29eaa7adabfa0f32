//! The GETs: one object, lists, the search, and the events that can be read back.

use super::{
    super::{
        books::{Books, news::Event, render},
        error_reply::ErrorReply,
        script::{Before, Occasion, Operation},
        simulator::Simulator,
    },
    exchange,
    params::Params,
    reply,
    shared::Shared,
};
use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, time::Duration};

/// Stripe's bounds of a page.
const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;

pub(super) async fn intent(
    State(simulator): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    read(&simulator, &headers, query, &["expand[]"], Operation::Read, Some(&id), |books, params| {
        let found = books.intents.get(&id).ok_or_else(|| ErrorReply::missing("payment_intent", &id))?;
        Ok(render::intent(found, params.expands("latest_charge")).to_string())
    })
    .await
}

pub(super) async fn list(
    State(simulator): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    const KNOWN: [&str; 7] =
        ["created[gte]", "created[gt]", "created[lt]", "created[lte]", "limit", "starting_after", "expand[]"];
    read(&simulator, &headers, query, &KNOWN, Operation::List, None, |books, params| {
        let created = Created::of(params)?;
        let all = books.intents.newest_first(params.get("starting_after"));
        let wanted = all.ok_or_else(|| no_cursor(params))?.filter(|intent| created.holds(intent.created_s));
        let expanded = params.expands("data.latest_charge");
        Ok(page("/v1/payment_intents", params, wanted.map(|intent| render::intent(intent, expanded)))?
            .to_string())
    })
    .await
}

/// Understands `metadata['name']:'value'`, joined by `AND`.
pub(super) async fn search(
    State(simulator): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let known = ["query", "limit", "page", "expand[]"];
    read(&simulator, &headers, query, &known, Operation::Search, None, |books, params| {
        let wanted = parse_search(params.required("query")?)?;
        let fits = |metadata: &BTreeMap<String, String>| {
            wanted.iter().all(|(name, value)| metadata.get(name).is_some_and(|found| found == value))
        };
        // The cursor of a search is the last id of its page.
        let all = books.intents.newest_first(params.get("page")).ok_or_else(|| no_cursor(params))?;
        let expanded = params.expands("data.latest_charge");
        let found =
            all.filter(|intent| fits(&intent.metadata)).map(|intent| render::intent(intent, expanded));
        let mut page = page("/v1/payment_intents/search", params, found)?;
        page["object"] = json!("search_result");
        let last = page["data"].as_array().and_then(|data| data.last()).map(|last| last["id"].clone());
        page["next_page"] = last.filter(|_| page["has_more"] == true).unwrap_or(Value::Null);
        Ok(page.to_string())
    })
    .await
}

pub(super) async fn refund(
    State(simulator): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    read(&simulator, &headers, query, &["expand[]"], Operation::ReadRefund, None, |books, _| {
        let found = books.refunds.get(&id).ok_or_else(|| ErrorReply::missing("refund", &id))?;
        Ok(render::refund(found).to_string())
    })
    .await
}

pub(super) async fn refunds(
    State(simulator): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let known = ["payment_intent", "limit", "starting_after", "expand[]"];
    read(&simulator, &headers, query, &known, Operation::ListRefunds, None, |books, params| {
        let all =
            books.refunds.newest_first(params.get("starting_after")).ok_or_else(|| no_cursor(params))?;
        let intent = params.get("payment_intent");
        let wanted = all.filter(|refund| intent.is_none_or(|intent| refund.intent == intent));
        Ok(page("/v1/refunds", params, wanted.map(render::refund))?.to_string())
    })
    .await
}

pub(super) async fn event(
    State(simulator): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    read(&simulator, &headers, query, &[], Operation::ReadEvent, None, |books, _| {
        let found = books.events.get(&id).ok_or_else(|| ErrorReply::missing("event", &id))?;
        Ok(found.body.clone())
    })
    .await
}

pub(super) async fn events(
    State(simulator): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    const KNOWN: [&str; 7] =
        ["created[gte]", "created[gt]", "created[lt]", "created[lte]", "limit", "starting_after", "types[]"];
    read(&simulator, &headers, query, &KNOWN, Operation::Events, None, |books, params| {
        let created = Created::of(params)?;
        let kinds: Vec<_> = params.all("types[]").collect();
        let wanted = |event: &&Event| {
            created.holds(event.created_s) && (kinds.is_empty() || kinds.contains(&event.kind.as_str()))
        };
        let all = books.events.newest_first(params.get("starting_after")).ok_or_else(|| no_cursor(params))?;
        let limit = limit(params)?;
        let mut found: Vec<_> = all.filter(wanted).take(limit + 1).collect();
        let has_more = found.len() > limit;
        found.truncate(limit);
        // As they were sent, byte for byte.
        let bodies = found.iter().map(|event| serde_json::from_str::<&RawValue>(&event.body));
        let data = bodies.collect::<Result<Vec<_>, _>>().map_err(|_| ErrorReply::server(500))?;
        let page = EventPage { object: "list", url: "/v1/events", has_more, data };
        serde_json::to_string(&page).map_err(|_| ErrorReply::server(500))
    })
    .await
}

/// The same events as messages with their ids beside them.
pub(super) async fn messages(
    State(simulator): Shared,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let known = ["created[gte]", "limit", "starting_after"];
    read(&simulator, &headers, query, &known, Operation::Events, None, |books, params| {
        let created = Created::of(params)?;
        let all = books.events.newest_first(params.get("starting_after")).ok_or_else(|| no_cursor(params))?;
        let limit = limit(params)?;
        let mut found: Vec<_> = all.filter(|event| created.holds(event.created_s)).take(limit + 1).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let message = |event: &Event| {
            let body = serde_json::from_str::<Value>(&event.body).map_err(|_| ErrorReply::server(500))?;
            Ok(json!({"id": event.id, "body": body}))
        };
        let news = found.into_iter().map(message).collect::<Result<Vec<_>, ErrorReply>>()?;
        Ok(json!({"news": news, "more": more}).to_string())
    })
    .await
}

#[derive(serde::Serialize)]
struct EventPage<'a> {
    object: &'static str,
    url: &'static str,
    has_more: bool,
    data: Vec<&'a RawValue>,
}

/// Authorised, scripted and answered.
async fn read(
    simulator: &Simulator,
    headers: &HeaderMap,
    query: Option<String>,
    known: &[&str],
    operation: Operation,
    intent: Option<&str>,
    look: impl FnOnce(&Books, &Params) -> Result<String, ErrorReply>,
) -> Response {
    let params = exchange::authorise(simulator, headers)
        .and_then(|()| Params::parse(query.unwrap_or_default().as_bytes(), known));
    let params = match params {
        Ok(params) => params,
        Err(error) => return reply::error(&error),
    };
    let metadata = simulator
        .read(|books| intent.and_then(|id| books.intents.get(id)).map(|found| found.metadata.clone()))
        .unwrap_or_default();
    let occasion = Occasion { operation, intent, method: None, event: None, metadata: &metadata };
    let acts = simulator.acts(&occasion);
    tokio::time::sleep(Duration::from_millis(acts.delay_ms)).await;
    match &acts.before {
        None => {}
        Some(Before::Drop | Before::Late { .. }) => return reply::abandoned(),
        Some(Before::KeyInUse) => return reply::error(&ErrorReply::key_in_use()),
        Some(Before::KeyReused) => return reply::error(&ErrorReply::key_reused()),
        Some(Before::Echo) => return reply::error(&ErrorReply::echo(b"", headers)),
        Some(Before::Hang) => return reply::never().await,
        Some(Before::Busy { retry_after_s }) => {
            return reply::error(&ErrorReply::busy(*retry_after_s, "Too many requests (simulated)."));
        }
        Some(Before::Fail { status, .. }) => return reply::error(&ErrorReply::server(*status)),
        Some(Before::Missing) => return reply::error(&ErrorReply::missing("object", "…")),
        Some(Before::Refuse { code }) => return reply::error(&ErrorReply::state(code, "Refused by script.")),
    }
    let seen = if acts.blind { nothing(operation) } else { simulator.read(|books| look(books, &params)) };
    match seen {
        Ok(body) => exchange::send(acts.after.as_ref(), 200, exchange::show(body, acts.lie.as_ref())).await,
        Err(error) => exchange::send(acts.after.as_ref(), error.status, error.body()).await,
    }
}

/// What a read answers that finds nothing.
fn nothing(operation: Operation) -> Result<String, ErrorReply> {
    match operation {
        Operation::Read | Operation::ReadRefund | Operation::ReadEvent => {
            Err(ErrorReply::missing("object", "…"))
        }
        Operation::List
        | Operation::Search
        | Operation::ListRefunds
        | Operation::Events
        | Operation::Create
        | Operation::Confirm
        | Operation::Capture
        | Operation::Cancel
        | Operation::Refund
        | Operation::Webhook => Ok(json!({"object": "list", "data": [], "has_more": false}).to_string()),
    }
}

fn page(url: &str, params: &Params, wanted: impl Iterator<Item = Value>) -> Result<Value, ErrorReply> {
    let limit = limit(params)?;
    let mut data: Vec<Value> = wanted.take(limit + 1).collect();
    let has_more = data.len() > limit;
    data.truncate(limit);
    Ok(json!({"object": "list", "url": url, "has_more": has_more, "data": data}))
}

fn limit(params: &Params) -> Result<usize, ErrorReply> {
    let limit = params.integer("limit")?.map_or(Some(LIMIT_DEFAULT), |limit| usize::try_from(limit).ok());
    limit
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| ErrorReply::parameter("limit", "parameter_invalid_integer", "`limit` is 1 to 100."))
}

fn no_cursor(params: &Params) -> ErrorReply {
    let message = format!("No such object: '{}'", params.get("starting_after").unwrap_or_default());
    ErrorReply::parameter("starting_after", "resource_missing", &message)
}

fn parse_search(query: &str) -> Result<Vec<(String, String)>, ErrorReply> {
    let clause = |text: &str| {
        let (name, value) = text.trim().strip_prefix("metadata['")?.split_once("']:'")?;
        Some((name.to_owned(), value.strip_suffix('\'')?.to_owned()))
    };
    query.split(" AND ").map(clause).collect::<Option<_>>().ok_or_else(|| {
        let message = "This simulator understands metadata['name']:'value', joined by AND.";
        ErrorReply::parameter("query", "parameter_invalid", message)
    })
}

/// A span of creation times in unix seconds.
struct Created {
    from_s: i64,
    to_s: i64,
}

impl Created {
    fn of(params: &Params) -> Result<Self, ErrorReply> {
        let bound =
            |name: &str, shift: i64| Ok(params.integer(name)?.map(|at: i64| at.saturating_add(shift)));
        let from_s = bound("created[gte]", 0)?.or(bound("created[gt]", 1)?).unwrap_or(i64::MIN);
        let to_s = bound("created[lt]", 0)?.or(bound("created[lte]", 1)?).unwrap_or(i64::MAX);
        Ok(Self { from_s, to_s })
    }

    fn holds(&self, at_s: i64) -> bool {
        self.from_s <= at_s && at_s < self.to_s
    }
}
