//! What the POSTs do to the books.

use super::{
    super::{
        books::{
            Books,
            intent::{Action, Capture, Counts, Decline, Due, Ending, EventsToSend, Fate, Intent, Status},
            news::News,
            refund::{RefundDue, RefundFate, RefundRequest, RefundStatus},
            render,
        },
        error_reply::ErrorReply,
        methods::{self, Confirm},
        script::{Acts, ConfirmAct, Operation, RefundAct, Then},
        simulator::{Simulator, change_intent, new_id, now_ms},
    },
    order::Order,
    params::Params,
};
use std::{collections::BTreeMap, time::Duration};

/// The largest amount, as on Stripe.
const AMOUNT_MAX: i64 = 99_999_999;
const REASONS: [&str; 4] = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];

/// The parameters that an operation takes.
pub(super) fn known_parameters(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Create => &[
            "amount",
            "currency",
            "payment_method",
            "payment_method_types[]",
            "capture_method",
            "metadata",
            "expand[]",
        ],
        Operation::Confirm => &["payment_method", "return_url", "expand[]"],
        Operation::Capture => &["amount_to_capture", "expand[]"],
        Operation::Cancel => &["cancellation_reason", "expand[]"],
        Operation::Refund => &["payment_intent", "amount", "reason", "metadata", "expand[]"],
        Operation::Read
        | Operation::List
        | Operation::Search
        | Operation::ReadRefund
        | Operation::ListRefunds
        | Operation::ReadEvent
        | Operation::Events
        | Operation::Webhook => &[],
    }
}

/// The metadata and the method that a rule is matched against.
pub(super) fn about(books: &Books, order: &Order<'_>) -> (BTreeMap<String, String>, Option<String>) {
    let method = order.params.get("payment_method").map(str::to_owned);
    match order.id.or(order.params.get("payment_intent")).and_then(|id| books.intents.get(id)) {
        Some(intent) => (intent.metadata.clone(), method.or_else(|| intent.method.clone())),
        None => (order.params.metadata().unwrap_or_default(), method),
    }
}

/// A scripted refusal, with the intent as it is.
pub(super) fn refusal(books: &Books, order: &Order<'_>, code: &str) -> ErrorReply {
    let error = ErrorReply::state(code, "Refused by script.");
    match order.id.and_then(|id| books.intents.get(id)) {
        Some(intent) => error.about(intent),
        None => error,
    }
}

/// The body of the answer.
pub(super) fn perform(
    simulator: &Simulator,
    books: &mut Books,
    order: &Order<'_>,
    acts: &Acts,
) -> Result<String, ErrorReply> {
    let Order { operation, id, params } = order;
    let id = id.unwrap_or_default();
    let expanded = params.expands("latest_charge");
    let intent = match operation {
        Operation::Create => create(books, params)?,
        Operation::Confirm => confirm(simulator, books, id, params, acts)?,
        Operation::Capture => {
            let amount = params.integer("amount_to_capture")?;
            change(books, id, |intent| intent.capture(amount, acts.lax))?
        }
        Operation::Cancel => {
            let reason = params.get("cancellation_reason").map(str::to_owned);
            if reason.as_deref().is_some_and(|reason| !REASONS.contains(&reason)) {
                return Err(ErrorReply::parameter(
                    "cancellation_reason",
                    "parameter_invalid",
                    "Invalid reason.",
                ));
            }
            change(books, id, |intent| if acts.lax { Ok(vec![]) } else { intent.cancel(reason) })?
        }
        Operation::Refund => return refund(simulator, books, params, acts),
        Operation::Read
        | Operation::List
        | Operation::Search
        | Operation::ReadRefund
        | Operation::ListRefunds
        | Operation::ReadEvent
        | Operation::Events
        | Operation::Webhook => unreachable!("only POSTs come here"),
    };
    Ok(render::intent(&intent, expanded).to_string())
}

fn change(
    books: &mut Books,
    id: &str,
    transition: impl FnOnce(&mut Intent) -> Result<EventsToSend, ErrorReply>,
) -> Result<Intent, ErrorReply> {
    change_intent(books, id, |intent| Ok((transition(intent)?, ()))).map(|(intent, ())| intent)
}

fn create(books: &mut Books, params: &Params) -> Result<Intent, ErrorReply> {
    if books.intents.is_full() {
        return Err(ErrorReply::busy(1, "The simulator's books are full; start it with new ones."));
    }
    params.required("amount")?;
    let amount = params.integer("amount")?.filter(|amount| (1..=AMOUNT_MAX).contains(amount));
    let invalid = || ErrorReply::parameter("amount", "parameter_invalid_integer", "Invalid positive integer");
    let amount = amount.ok_or_else(invalid)?;
    let currency = params.required("currency")?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(ErrorReply::parameter("currency", "parameter_invalid", "Three letters in lower case."));
    }
    let capture = match params.get("capture_method") {
        Some("manual") => Capture::Manual,
        None | Some("automatic" | "automatic_async") => Capture::Automatic,
        Some(_) => {
            return Err(ErrorReply::parameter("capture_method", "parameter_invalid", "manual or automatic."));
        }
    };
    let method = params.get("payment_method").map(known_method).transpose()?;
    let intent = Intent {
        id: new_id("pi"),
        created_s: now_ms() / 1000,
        status: if method.is_some() { Status::RequiresConfirmation } else { Status::RequiresPaymentMethod },
        amount,
        currency: currency.to_owned(),
        capture,
        method,
        metadata: params.metadata()?,
        amount_capturable: 0,
        amount_received: 0,
        action: None,
        last_error: None,
        cancellation_reason: None,
        charge: None,
        due: None,
        counts: Counts::default(),
    };
    books.add_news(News::of_intent(
        "payment_intent.created",
        super::super::books::intent::About::Intent,
        &intent,
    ));
    books.put_intent(intent.clone());
    Ok(intent)
}

fn confirm(
    simulator: &Simulator,
    books: &mut Books,
    id: &str,
    params: &Params,
    acts: &Acts,
) -> Result<Intent, ErrorReply> {
    let other_method = params.get("payment_method").map(known_method).transpose()?;
    let return_url = params.get("return_url").map(str::to_owned);
    let (intent, ()) = change_intent(books, id, |intent| {
        if other_method.is_some()
            && matches!(intent.status, Status::RequiresPaymentMethod | Status::RequiresConfirmation)
        {
            intent.method = other_method;
        }
        let fate = fate(simulator, intent, return_url, acts.confirm.as_ref());
        Ok((intent.confirm(fate)?, ()))
    })?;
    match &intent.last_error {
        Some(decline) => Err(ErrorReply::declined(decline, &intent)),
        None => Ok(intent),
    }
}

fn known_method(token: &str) -> Result<String, ErrorReply> {
    match methods::find(token) {
        Some(_) => Ok(token.to_owned()),
        None => {
            let message = format!("No such PaymentMethod: '{token}'");
            Err(ErrorReply::parameter("payment_method", "resource_missing", &message))
        }
    }
}

/// What the script says, else what the method does.
fn fate(
    simulator: &Simulator,
    intent: &Intent,
    return_url: Option<String>,
    scripted: Option<&ConfirmAct>,
) -> Fate {
    let due = |after_ms: u64, settles: bool| {
        let ending = if settles { Ending::Secure } else { Ending::Decline(methods::late_decline()) };
        Due { at_ms: now_ms() + after_ms as i64, ending }
    };
    let act = |return_url, due| {
        let url = format!("{}/control/authenticate/{}", simulator.url, intent.id);
        Fate::RequireAction { action: Action { url, return_url }, due }
    };
    let approved = || simulator.config.approve_delay.map(|delay| due(ms(delay), true));
    match scripted {
        Some(ConfirmAct::Secure) => Fate::End(Ending::Secure),
        Some(ConfirmAct::Decline(decline)) => Fate::End(Ending::Decline(decline.clone())),
        Some(ConfirmAct::RequireAction) => act(return_url, approved()),
        Some(ConfirmAct::ActThen { after_ms, then }) => {
            act(return_url, Some(due(*after_ms, *then == Then::Settle)))
        }
        Some(ConfirmAct::Process { after_ms, then }) => Fate::Process(due(*after_ms, *then == Then::Settle)),
        None => match intent.method.as_deref().and_then(methods::find).map(|method| method.confirm) {
            Some(Confirm::Decline { code, decline_code }) => {
                Fate::End(Ending::Decline(Decline::new(code, decline_code)))
            }
            Some(Confirm::RequireAction) => act(return_url, approved()),
            Some(Confirm::Process { settles }) => {
                Fate::Process(due(ms(simulator.config.settle_delay), settles))
            }
            Some(Confirm::Secure) | None => Fate::End(Ending::Secure),
        },
    }
}

fn refund(
    simulator: &Simulator,
    books: &mut Books,
    params: &Params,
    acts: &Acts,
) -> Result<String, ErrorReply> {
    let intent = params.required("payment_intent")?.to_owned();
    let method = books.intents.get(&intent).and_then(|intent| methods::find(intent.method.as_deref()?));
    let settle_ms = ms(simulator.config.settle_delay);
    let fate = match (&acts.refund, method.map(|method| method.refund)) {
        (Some(act), _) => refund_fate(act),
        (None, Some((first, later))) => {
            RefundFate { first, later: later.map(|status| due(settle_ms, status)) }
        }
        (None, None) => RefundFate { first: RefundStatus::Succeeded, later: None },
    };
    let request = RefundRequest {
        id: new_id("re"),
        created_s: now_ms() / 1000,
        intent,
        amount: params.integer("amount")?,
        metadata: params.metadata()?,
        fate,
        lax: acts.lax,
    };
    books.refund(request).map(|refund| render::refund(&refund).to_string())
}

fn refund_fate(act: &RefundAct) -> RefundFate {
    let (first, later) = match act {
        RefundAct::Succeed => (RefundStatus::Succeeded, None),
        RefundAct::Pend => (RefundStatus::Pending, None),
        RefundAct::PendThen { after_ms, then: Then::Settle } => {
            (RefundStatus::Pending, Some(due(*after_ms, RefundStatus::Succeeded)))
        }
        RefundAct::PendThen { after_ms, then: Then::Fail } => {
            (RefundStatus::Pending, Some(due(*after_ms, RefundStatus::Failed)))
        }
        RefundAct::SucceedThenFail { after_ms } => {
            (RefundStatus::Succeeded, Some(due(*after_ms, RefundStatus::Failed)))
        }
    };
    RefundFate { first, later }
}

fn due(after_ms: u64, status: RefundStatus) -> RefundDue {
    RefundDue { at_ms: now_ms() + after_ms as i64, status }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
