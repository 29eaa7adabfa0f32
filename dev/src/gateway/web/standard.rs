//! The standard protocol over the same books: its requests become those that the rest understands, and every answer is
//! translated on the way out. `docs/payment-gateways.md` describes it.

use super::{
    super::{
        error_reply::ErrorReply,
        script::Operation,
        simulator::Simulator,
        standard::{self, decimal},
    },
    exchange, reads, reply,
    shared::Shared,
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

const REPLAYED: HeaderName = HeaderName::from_static("request-replayed");
/// The largest answer that is translated; what is larger is so by script.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) fn router(simulator: &Arc<Simulator>) -> Router<Arc<Simulator>> {
    Router::new()
        .route("/v2/charges", get(charges).post(create))
        .route("/v2/charges/{id}", get(charge))
        .route("/v2/charges/{id}/{verb}", post(act))
        .route("/v2/news", get(news))
        .layer(from_fn_with_state(Arc::clone(simulator), translate_answers))
}

async fn create(State(simulator): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let form = parse(&body).and_then(|order| {
        let currency = text(&order, "currency")?;
        let mut form = vec![
            ("amount".to_owned(), minor(&order, &currency)?),
            ("currency".to_owned(), currency.to_lowercase()),
            ("payment_method".to_owned(), text(&order, "source")?),
            (
                "capture_method".to_owned(),
                if order["hold"] == true { "manual" } else { "automatic" }.to_owned(),
            ),
        ];
        reference(&order, &mut form);
        Ok(form)
    });
    write(simulator, Operation::Create, None, headers, form).await
}

async fn act(
    State(simulator): Shared,
    Path((id, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let currency = simulator.read(|books| books.intents.get(&id).map(|intent| intent.currency.clone()));
    let currency = currency.unwrap_or_default().to_uppercase();
    let order = parse(&body);
    let (operation, form) = match verb.as_str() {
        "go" => {
            let back = |order: Value| {
                order["return_to"].as_str().map(|url| ("return_url".to_owned(), url.to_owned()))
            };
            (Operation::Confirm, order.map(|order| back(order).into_iter().collect()))
        }
        "take" => {
            let amount = order.and_then(|order| minor(&order, &currency));
            (Operation::Capture, amount.map(|amount| vec![("amount_to_capture".to_owned(), amount)]))
        }
        "drop" => {
            let why =
                |order: Value| if order["why"] == "customer" { "requested_by_customer" } else { "abandoned" };
            let form = order.map(|order| vec![("cancellation_reason".to_owned(), why(order).to_owned())]);
            (Operation::Cancel, form)
        }
        "refunds" => {
            let form = order.and_then(|order| {
                let mut form = vec![
                    ("payment_intent".to_owned(), id.clone()),
                    ("amount".to_owned(), minor(&order, &currency)?),
                ];
                reference(&order, &mut form);
                Ok(form)
            });
            return write(simulator, Operation::Refund, None, headers, form).await;
        }
        _ => return reply::error(&ErrorReply::unknown_path("POST", &verb)),
    };
    write(simulator, operation, Some(id), headers, form).await
}

async fn write(
    simulator: Arc<Simulator>,
    operation: Operation,
    id: Option<String>,
    mut headers: HeaderMap,
    form: Result<Vec<(String, String)>, ErrorReply>,
) -> Response {
    let mut form = match form {
        Ok(form) => form,
        Err(error) => return reply::error(&error),
    };
    if operation != Operation::Refund {
        form.push(("expand[]".to_owned(), "latest_charge".to_owned()));
    }
    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    if let Some(key) = headers.remove("request-id") {
        headers.insert("idempotency-key", key);
    }
    exchange::write(simulator, operation, id, headers, encoded.into()).await
}

async fn charge(state: Shared, id: Path<String>, headers: HeaderMap) -> Response {
    reads::intent(state, id, headers, RawQuery(Some("expand[]=latest_charge".to_owned()))).await
}

/// By our ids, or by a window of time.
async fn charges(state: Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let given = query_parameters(query);
    let ours = [("payment", "payment_id"), ("saga", "saga_id")];
    match ours.into_iter().find_map(|(name, ours)| Some((ours, given.get(name)?))) {
        Some((ours, id)) => {
            let found = [
                ("expand[]", Some("data.latest_charge".to_owned())),
                ("query", Some(format!("metadata['{ours}']:'{id}'"))),
                ("limit", given.get("limit").cloned()),
                ("page", given.get("before").cloned()),
            ];
            reads::search(state, headers, encode(found)).await
        }
        None => {
            let listed = [
                ("expand[]", Some("data.latest_charge".to_owned())),
                ("created[gte]", time(&given, "from")),
                ("created[lt]", time(&given, "to")),
                ("limit", given.get("limit").cloned()),
                ("starting_after", given.get("before").cloned()),
            ];
            reads::list(state, headers, encode(listed)).await
        }
    }
}

async fn news(state: Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let given = query_parameters(query);
    let wanted = [
        ("created[gte]", time(&given, "since")),
        ("limit", given.get("limit").cloned()),
        ("starting_after", given.get("before").cloned()),
    ];
    reads::messages(state, headers, encode(wanted)).await
}

fn query_parameters(query: Option<String>) -> BTreeMap<String, String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Unix seconds of a time in RFC 3339.
fn time(given: &BTreeMap<String, String>, name: &str) -> Option<String> {
    Some(given.get(name)?.parse::<DateTime<Utc>>().ok()?.timestamp().to_string())
}

fn encode(parameters: impl IntoIterator<Item = (&'static str, Option<String>)>) -> RawQuery {
    let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    RawQuery(Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()))
}

/// Translates an answer into the standard protocol. What isn't JSON is so by script, and stays.
async fn translate_answers(State(simulator): Shared, request: Request, next: Next) -> Response {
    let created = request.method() == Method::POST && request.uri().path().ends_with("s");
    let mut response = next.run(request).await;
    if response.extensions_mut().remove::<reply::Translatable>().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, ANSWER_BYTES_MAX).await else { return reply::abandoned() };
    if parts.headers.remove("idempotent-replayed").is_some() {
        parts.headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
        return Response::from_parts(parts, Body::from(body));
    };
    let translated = simulator.read(|books| standard::answer(books, parts.status.as_u16(), answer));
    parts.status = StatusCode::from_u16(translated.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if created && parts.status == StatusCode::OK {
        parts.status = StatusCode::CREATED;
    }
    if let Some((name, id)) = translated.header
        && let Ok(id) = HeaderValue::from_str(&id)
    {
        parts.headers.insert(name, id);
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(translated.body.to_string()))
}

fn parse(body: &[u8]) -> Result<Value, ErrorReply> {
    serde_json::from_slice(body).map_err(|_| ErrorReply::parameter("body", "json", "The body is not JSON."))
}

fn text(order: &Value, field: &str) -> Result<String, ErrorReply> {
    let missing = || ErrorReply::parameter(field, "missing", "A field is missing.");
    order[field].as_str().map(str::to_owned).ok_or_else(missing)
}

fn minor(order: &Value, currency: &str) -> Result<String, ErrorReply> {
    let invalid = || ErrorReply::parameter("amount", "amount", "Not an amount of this currency.");
    let amount = decimal::read(&text(order, "amount")?, currency).ok_or_else(invalid)?;
    Ok(amount.to_string())
}

fn reference(order: &Value, form: &mut Vec<(String, String)>) {
    for (name, id) in order["reference"].as_object().into_iter().flatten() {
        if let Some(id) = id.as_str() {
            form.push((format!("metadata[{name}_id]"), id.to_owned()));
        }
    }
}
