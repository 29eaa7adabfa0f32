//! One POST, as Stripe takes it: authorised, scripted, under its idempotency key, and answered.

use super::{
    super::{
        error_reply::ErrorReply,
        script::{Acts, After, Before, Lie, Occasion, Operation},
        simulator::{Simulator, apply_lie},
    },
    claim::Claimed,
    order::Order,
    params::Params,
    reply, writes,
};
use axum::{
    body::Bytes,
    http::{HeaderMap, header::AUTHORIZATION},
    response::Response,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

/// The longest key, as on Stripe.
const KEY_BYTES_MAX: usize = 255;

pub(super) async fn write(
    simulator: Arc<Simulator>,
    operation: Operation,
    id: Option<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    let understood = authorise(&simulator, &headers).and_then(|()| {
        let params = Params::parse(&form, writes::known_parameters(operation))?;
        Ok((params, key(&headers)?.map(str::to_owned)))
    });
    let (params, key) = match understood {
        Ok(understood) => understood,
        Err(error) => return reply::error(&error),
    };
    let acts = acts(&simulator, &Order { operation, id: id.as_deref(), params: &params });
    match acts.before {
        Some(Before::Late { after_ms }) => {
            let (simulator, later) = (Arc::clone(&simulator), simulator);
            later.later(after_ms, async move {
                let order = Order { operation, id: id.as_deref(), params: &params };
                let acts = Acts { before: None, ..acts };
                drop(answer(&simulator, order, key.as_deref(), &acts).await);
            });
            reply::abandoned()
        }
        Some(Before::Echo) => reply::error(&ErrorReply::echo(&form, &headers)),
        _ => {
            let order = Order { operation, id: id.as_deref(), params: &params };
            answer(&simulator, order, key.as_deref(), &acts).await
        }
    }
}

/// Checks that the request shows our key, as bearer token or as basic user.
pub(super) fn authorise(simulator: &Simulator, headers: &HeaderMap) -> Result<(), ErrorReply> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| {
        let (scheme, value) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(value.trim())
    });
    let wanted = simulator.config.api_key.as_bytes();
    match given {
        Some(given) if bool::from(given.as_bytes().ct_eq(wanted)) => Ok(()),
        _ => Err(ErrorReply::unauthorised()),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, ErrorReply> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(Some(key)),
        _ => Err(ErrorReply::parameter(
            "idempotency_key",
            "parameter_invalid",
            "A key has 1 to 255 characters.",
        )),
    }
}

fn acts(simulator: &Simulator, order: &Order<'_>) -> Acts {
    let (metadata, method) = simulator.read(|books| writes::about(books, order));
    simulator.acts(&Occasion {
        operation: order.operation,
        intent: order.id.or(order.params.get("payment_intent")),
        method: method.as_deref(),
        event: None,
        metadata: &metadata,
    })
}

async fn answer(simulator: &Arc<Simulator>, order: Order<'_>, key: Option<&str>, acts: &Acts) -> Response {
    match &acts.before {
        Some(Before::Drop) => return reply::abandoned(),
        Some(Before::KeyInUse) => return reply::error(&ErrorReply::key_in_use()),
        Some(Before::KeyReused) => return reply::error(&ErrorReply::key_reused()),
        Some(Before::Hang) => return reply::never().await,
        Some(Before::Busy { retry_after_s }) => {
            return reply::error(&ErrorReply::busy(*retry_after_s, "Too many requests (simulated)."));
        }
        Some(Before::Fail { status, kept: false }) => return reply::error(&ErrorReply::server(*status)),
        Some(Before::Missing) => return reply::error(&ErrorReply::missing("object", "…")),
        Some(
            Before::Fail { kept: true, .. } | Before::Refuse { .. } | Before::Late { .. } | Before::Echo,
        )
        | None => {}
    }
    let path = format!("{:?} {}", order.operation, order.id.unwrap_or_default());
    let key = key.filter(|_| !acts.bare);
    let claimed = match Claimed::new(simulator, key, order.params.fingerprint(&path)) {
        Ok(claimed) => claimed,
        Err(answer) => return *answer,
    };
    tokio::time::sleep(Duration::from_millis(acts.delay_ms)).await;
    let (status, body) = claimed.finish(acts.after.as_ref(), |books| match &acts.before {
        Some(Before::Fail { status, .. }) => Err(ErrorReply::server(*status).kept()),
        Some(Before::Refuse { code }) => Err(writes::refusal(books, &order, code)),
        _ => {
            if acts.twice {
                // Nobody hears the first answer.
                let _ = writes::perform(simulator, books, &order, acts);
            }
            writes::perform(simulator, books, &order, acts)
        }
    });
    // A decline is no refusal of the request: it shows the intent in either protocol.
    let is_refused = (400..500).contains(&status) && status != 402;
    let body = if acts.bare && is_refused { ErrorReply::bare(status).body() } else { body };
    if let (Some(after_ms), Some(id), Operation::Confirm) = (acts.again_after_ms, order.id, order.operation) {
        let (owner, id) = (Arc::clone(simulator), id.to_owned());
        simulator.later(after_ms, async move {
            // A canceled or unknown one can't be paid again, and that is all right.
            let _ = owner.pay_again(&id);
        });
    }
    tokio::time::sleep(Duration::from_millis(acts.answer_delay_ms)).await;
    send(acts.after.as_ref(), status, show(body, acts.lie.as_ref())).await
}

/// The answer as the script wants it seen.
pub(super) async fn send(after: Option<&After>, status: u16, body: String) -> Response {
    match after {
        None => reply::json(status, body),
        Some(After::Hang) => reply::never().await,
        Some(After::Close) => reply::abandoned(),
        Some(After::Fail { status, .. }) => reply::error(&ErrorReply::server(*status)),
        Some(After::Garbage) => reply::garbage(),
        Some(After::Huge) => reply::huge(),
        Some(After::Slow) => reply::slow(body),
        Some(After::Redirect) => reply::redirect(),
    }
}

pub(super) fn show(body: String, lie: Option<&Lie>) -> String {
    match (lie, serde_json::from_str::<Value>(&body)) {
        (Some(_), Ok(object)) => apply_lie(object, lie).to_string(),
        _ => body,
    }
}
