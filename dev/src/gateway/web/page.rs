//! The page that a customer is sent to for 3-D Secure, with its two buttons.

use super::{
    super::{
        books::intent::{Decline, Ending, Intent, Status},
        error_reply::ErrorReply,
        simulator::settle,
    },
    reply,
    shared::Shared,
};
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use steps::amount_in_words;

/// What the bank says when the customer doesn't prove who they are.
pub(super) fn denied() -> Decline {
    Decline::new("payment_intent_authentication_failure", None)
}

pub(super) async fn show(State(simulator): Shared, Path(id): Path<String>) -> Response {
    match simulator.read(|books| books.intents.get(&id).cloned()) {
        Some(intent) => Html(html(&intent)).into_response(),
        None => reply::error(&ErrorReply::missing("payment_intent", &id)),
    }
}

pub(super) async fn answer(State(simulator): Shared, Path((id, verb)): Path<(String, String)>) -> Response {
    let ending = match verb.as_str() {
        "approve" => Ending::Secure,
        "deny" => Ending::Decline(denied()),
        other => return reply::error(&ErrorReply::unknown_path("POST", other)),
    };
    let answered = simulator.change_intent(&id, |intent| {
        let back = intent.action.as_ref().and_then(|action| action.return_url.clone());
        match intent.status {
            Status::RequiresAction => Ok((settle(intent, ending)?.0, back)),
            _ => Err(intent.unexpected_state("authenticate")),
        }
    });
    match answered {
        Ok((_, Some(url))) => Redirect::to(&url).into_response(),
        Ok((intent, None)) => Html(html(&intent)).into_response(),
        Err(error) => reply::error(&error),
    }
}

/// Ids, states and currencies are ours or checked, so nothing needs escaping.
fn html(intent: &Intent) -> String {
    let Intent { id, status, .. } = intent;
    let money = amount_in_words(intent.amount, &intent.currency);
    let buttons = match status {
        Status::RequiresAction => format!(
            "<form method=post action=/control/authenticate/{id}/approve><button>Approve</button></form>\
             <form method=post action=/control/authenticate/{id}/deny><button>Deny</button></form>"
        ),
        _ => String::new(),
    };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Simulated bank</title>\
         <h1>Simulated bank</h1><p>Payment <code>{id}</code> of {money}: {}.</p>{buttons}",
        status.as_str()
    )
}
