//! What an action would do: shown before it is done, and made by the planner that will do it.

use super::{
    super::super::{
        page::{Page, Section, proof},
        session::Visitor,
        words,
    },
    ActionForm, crumbs,
};
use crate::console::pages::value::differences;
use maud::{Markup, html};
use operator::{Plan, Seen};
use service::operators::ActionRow;

/// The page with its one button. `second`: the action moves more money than one person may move alone.
pub fn page(
    visitor: &Visitor,
    seen: &Seen,
    row: ActionRow,
    sent: &ActionForm,
    plan: &Plan,
    second: bool,
) -> Page {
    let saga = plan.saga;
    Page::new(format!("Preview: {} {saga}", row.label), Section::WorkList).still(html! {
        section {
            (crumbs(saga))
            h1 { "Preview: " (row.label.to_lowercase()) }
            p { "Nothing has been done. This is what the button below does. It does exactly this, or nothing." }
        }
        (outcome(seen, plan))
        (rows(plan))
        (calls(plan))
        (touched(plan))
        section {
            form.column method="post" action={ "/console/sagas/" (saga) "/actions/" (row.kind.name()) "/do" } {
                (proof(visitor))
                (sent.hidden())
                input type="hidden" name="etag" value=(plan.etag);
                input type="hidden" name="plan" value=(plan.hash);
                p { "Reason: “" (sent.reason) "”" }
                @if second {
                    div.notice.heed { p { strong { "A second person must agree: " } "the action moves more money than one person may move alone. The button makes a proposal." } }
                }
                div.actions {
                    button.main { @if second { "Propose it" } @else { (row.label) } }
                    a href={ "/console/sagas/" (saga) "/actions/" (row.kind.name()) } { "Change the form" }
                    a href={ "/console/sagas/" (saga) } { "Back to the saga" }
                }
                p.faint { "version " code { (plan.etag) } ", plan " code { (plan.hash.get(..12).unwrap_or(&plan.hash)) } }
            }
        }
    })
}

fn outcome(seen: &Seen, plan: &Plan) -> Markup {
    let before = seen.status.state;
    html! {
        section {
            h2 { "The saga" }
            dl.facts {
                dt { "state" }
                dd {
                    @if before == plan.state { (words::state(plan.state)) ", as before" }
                    @else { del { (before) } " → " ins { (plan.state) } }
                    @if plan.paused { ", paused" }
                }
                @if let Some(stuck) = &plan.stuck { dt { "still stuck" } dd { (serde_json::to_string(stuck).unwrap_or_default()) } }
                dt { "next look" }
                dd { @match plan.due_at { Some(due) if due <= seen.now => "at once", Some(due) => (words::ago(due, seen.now)), None => "not by itself" } }
                @if !plan.money.is_empty() { dt { "money moved" } dd { strong { (words::stakes(&plan.money)) } } }
                @if !plan.frees.is_empty() { dt { "given back" } dd { strong { (words::stakes(&plan.frees)) } @if !plan.calls.is_empty() { ", once the calls below are answered" } } }
                dt { "entries" }
                dd {
                    @if plan.entries.is_empty() { "none" }
                    @for (index, entry) in plan.entries.iter().enumerate() {
                        @if index > 0 { " · " }
                        (crate::console::pages::detail::summary(entry))
                    }
                }
            }
        }
    }
}

fn rows(plan: &Plan) -> Markup {
    let changes = differences(&plan.before, &plan.after);
    html! {
        section {
            h2 { "Rows of the service that change" }
            @if changes.is_empty() {
                p.faint { "None." }
            } @else {
                div.wide { table {
                    thead { tr { th { "what" } th { "before" } th { "after" } } }
                    tbody { @for change in &changes {
                        tr {
                            td { (change.path) }
                            td { @match &change.before { Some(before) => del { (before) }, None => span.faint { "not there" } } }
                            td { @match &change.after { Some(after) => ins { (after) }, None => span.faint { "gone" } } }
                        }
                    } }
                } }
            }
        }
    }
}

fn calls(plan: &Plan) -> Markup {
    html! {
        section {
            h2 { "Calls that are made afterwards" }
            @if plan.calls.is_empty() {
                p.faint { "None." }
            } @else {
                div.wide { table {
                    thead { tr { th { "step" } th { "what is sent" } th { "idempotency key" } th { "key" } } }
                    tbody { @for call in &plan.calls {
                        tr {
                            td { @if call.undo { "compensation of " } strong { (call.step) } " " span.faint { "#" (call.position) } }
                            td { (call.described.as_deref().unwrap_or("–")) }
                            td { (words::id(&call.key)) }
                            td { @if call.key_expired { span.doubt { "▲ the other side may have forgotten it: the call is probed, never repeated blindly" } } @else { "remembered" } }
                        }
                    } }
                } }
            }
        }
    }
}

fn touched(plan: &Plan) -> Markup {
    html! {
        section {
            details {
                summary { "Tables touched: " (plan.touched.len()) }
                table {
                    thead { tr { th { "table" } th.number { "added" } th.number { "changed" } th.number { "removed" } } }
                    tbody { @for touched in &plan.touched {
                        tr { td { code { (touched.table) } } td.number { (touched.inserted) } td.number { (touched.updated) } td.number { (touched.deleted) } }
                    } }
                }
            }
        }
    }
}
