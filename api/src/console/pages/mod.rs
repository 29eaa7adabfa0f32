//! The pages, a module each. [`write`] writes all of them, for a browser that opens one and for a stream that keeps it live.

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

/// Writes a page as it is now.
///
/// # Errors
/// What the page shows does not exist, or can't be read.
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

/// Everything that is known of a saga, for programs.
pub async fn raw(
    State(console): State<Console>,
    Path(saga): Path<SagaId>,
) -> Result<Json<SagaDetail>, Problem> {
    Ok(Json(operators::read_saga(&console.service.operator(), &console.service.pool, saga).await?))
}

/// Serves any page that is opened.
pub async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let address = uri.path_and_query().map_or("/console", |path| path.as_str());
    let wanted = Address::of(address).ok_or_else(nothing)?;
    Ok(write(&console, &visitor, &wanted).await?.answer(&visitor, address))
}

/// The answer to an unknown address.
pub async fn nowhere() -> Problem {
    nothing()
}

/// The answer to a method that the page does not support.
pub async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, format!("this page does not support `{method}`"))
}

fn nothing() -> Problem {
    Problem::new(ProblemType::NotFound, "there is no such page; the address may be incomplete")
}
