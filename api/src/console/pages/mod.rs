//! The pages, a module each. All are written by [`write`], for whoever opens one and for whoever keeps it live.

mod action;
mod audit;
mod bulk;
mod detail;
mod glossary;
mod home;
mod plot;
mod proposals;
mod refused;
mod value;
mod work_list;

pub use action::{perform, preview};
pub use bulk::{preview as preview_bulk, start, steer};
pub use glossary::glossary;
pub use proposals::decide;

use super::{address::Address, page::Page, session::Visitor};
use crate::console::Console;
use crate::http::{Problem, ProblemType};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{Method, Uri},
    response::Response,
};
use orchestrator::SagaId;
use service::operators::{self, SagaDetail};

/// A page as it is now.
///
/// # Errors
/// There is nothing to show, or it can't be read.
pub async fn write(console: &Console, visitor: &Visitor, address: &Address) -> Result<Page, Problem> {
    match address {
        Address::Home => home::page(console).await,
        Address::WorkList(query) => work_list::page(console, visitor, query).await,
        Address::Saga { saga, did } => detail::page(console, visitor, *saga, did.as_deref()).await,
        Address::Action { saga, action } => action::form(console, visitor, *saga, action).await,
        Address::Bulk(query, form) => Ok(bulk::form(visitor, query, form, None)),
        Address::Batches { after } => bulk::list(console, *after).await,
        Address::Batch(id, query) => bulk::batch(console, visitor, *id, query).await,
        Address::Proposals { after } => proposals::list(console, *after).await,
        Address::Proposal(id) => proposals::page(console, visitor, *id).await,
        Address::Audit(query) => audit::page(console, query).await,
    }
}

/// All that is known of a saga, for programs.
pub async fn raw(
    State(console): State<Console>,
    Path(saga): Path<SagaId>,
) -> Result<Json<SagaDetail>, Problem> {
    Ok(Json(operators::read_saga(&console.service.operator(), &console.service.pool, saga).await?))
}

/// Any page that is looked at.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let address = uri.path_and_query().map_or("/console", |path| path.as_str());
    let wanted = Address::of(address).ok_or_else(nothing)?;
    Ok(write(&console, &visitor, &wanted).await?.answer(&visitor, address))
}

/// What isn't there.
pub async fn nowhere() -> Problem {
    nothing()
}

/// A known page, asked for in another way than it knows.
pub async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, format!("this page does not know `{method}`"))
}

fn nothing() -> Problem {
    Problem::new(ProblemType::NotFound, "there is no such page; the address may have been cut off")
}
