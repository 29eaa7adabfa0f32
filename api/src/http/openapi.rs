//! The OpenAPI 3.1 document: what the handlers say about themselves, and the contract that they share.
//!
//! Handlers describe their own parameters and good answers. One table here lists the problems of each endpoint,
//! because most of them come from the layers around the handlers. A test compares every answer of the service with
//! the document.

use super::{
    App,
    problem::{PROBLEM_JSON, ProblemBody, ProblemType},
};
use ProblemType as P;
use axum::{Json, Router, http::Method, routing::get};
use std::{collections::BTreeMap, sync::OnceLock};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        self, ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::{Components, ObjectBuilder, Type},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Who may ask, and what an endpoint reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Health checks and metrics: no token, no bounds.
    Health,
    /// Everybody.
    Public,
    /// Bearers of a token, reading.
    Read,
    /// Bearers of a token, changing something without a body.
    Change,
    /// Bearers of a token, posting JSON under an idempotency key.
    Post,
    /// A sender that signs what it posts.
    Signed,
    /// Operators and auditors, reading.
    Look,
    /// Operators, posting JSON. The version that they have seen makes sure that it is done once.
    Operate,
}

/// One endpoint's part of the contract, and the problems that only it has.
struct Contract(Method, &'static str, Access, &'static [ProblemType]);

#[rustfmt::skip]
const CONTRACT: &[Contract] = &[
    Contract(Method::GET, "/livez", Access::Health, &[]),
    Contract(Method::GET, "/readyz", Access::Health, &[]),
    Contract(Method::GET, "/metrics", Access::Health, &[]),
    Contract(Method::GET, "/events", Access::Public, &[P::MalformedRequest]),
    Contract(Method::GET, "/events/{id}", Access::Public, &[P::NotFound]),
    Contract(Method::GET, "/events/{id}/seats", Access::Public, &[P::NotFound, P::MalformedRequest]),
    Contract(Method::POST, "/reservations", Access::Post, &[P::SeatUnavailable, P::SaleClosed]),
    Contract(Method::GET, "/reservations/{id}", Access::Read, &[P::NotFound]),
    Contract(Method::DELETE, "/reservations/{id}", Access::Change,
        &[P::NotFound, P::Forbidden, P::InvalidState, P::ReservationExpired, P::PreconditionFailed]),
    Contract(Method::POST, "/payments", Access::Post, &[P::ReservationExpired, P::PaymentInProgress, P::InvalidState,
        P::AmountMismatch, P::ReservationUnknown, P::GatewayUnavailable, P::PaymentDeclined]),
    Contract(Method::GET, "/payments/{id}", Access::Read, &[P::NotFound]),
    Contract(Method::POST, "/bookings", Access::Post, &[P::PaymentRequired, P::PaymentDeclined, P::ReservationExpired,
        P::SeatLost, P::InvalidState, P::ReservationUnknown]),
    Contract(Method::GET, "/bookings/{id}", Access::Read, &[P::NotFound]),
    Contract(Method::POST, "/bookings/{id}/cancellation", Access::Post, &[P::NotFound, P::CancellationClosed]),
    Contract(Method::POST, "/webhooks/{provider}", Access::Signed,
        &[P::SignatureInvalid, P::MalformedRequest, P::NotFound, P::InboxUnavailable]),
    Contract(Method::GET, "/operator/sagas", Access::Look, &[P::MalformedRequest]),
    Contract(Method::GET, "/operator/groups", Access::Look, &[P::MalformedRequest]),
    Contract(Method::GET, "/operator/sagas/{id}", Access::Look, &[P::NotFound]),
    Contract(Method::POST, "/operator/sagas/{id}/actions", Access::Operate, &[P::NotFound, P::ActionNotAllowed, P::PlanChanged,
        P::PreconditionRequired, P::PreconditionFailed]),
    Contract(Method::GET, "/operator/audit", Access::Look, &[P::MalformedRequest]),
    Contract(Method::GET, "/operator/proposals", Access::Look, &[P::MalformedRequest]),
    Contract(Method::GET, "/operator/proposals/{id}", Access::Look, &[P::NotFound]),
    Contract(Method::POST, "/operator/proposals/{id}/consent", Access::Operate, &[P::NotFound, P::SecondPersonRequired,
        P::ProposalClosed, P::ActionNotAllowed, P::PlanChanged, P::PreconditionFailed]),
    Contract(Method::POST, "/operator/proposals/{id}/decline", Access::Operate, &[P::NotFound, P::ProposalClosed]),
    Contract(Method::GET, "/operator/batches", Access::Look, &[P::MalformedRequest]),
    Contract(Method::POST, "/operator/batches", Access::Operate, &[P::ActionNotAllowed]),
    Contract(Method::GET, "/operator/batches/{id}", Access::Look, &[P::NotFound]),
    Contract(Method::GET, "/operator/batches/{id}/items", Access::Look, &[P::NotFound, P::MalformedRequest]),
    Contract(Method::POST, "/operator/batches/{id}/pause", Access::Operate, &[P::NotFound, P::ActionNotAllowed]),
    Contract(Method::POST, "/operator/batches/{id}/resume", Access::Operate, &[P::NotFound, P::ActionNotAllowed]),
    Contract(Method::POST, "/operator/batches/{id}/cancel", Access::Operate, &[P::NotFound, P::ActionNotAllowed]),
    Contract(Method::POST, "/operator/batches/{id}/consent", Access::Operate,
        &[P::NotFound, P::ActionNotAllowed, P::SecondPersonRequired]),
];

/// The document. It is made once.
pub fn document() -> &'static OpenApi {
    static DOCUMENT: OnceLock<OpenApi> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let super::Described { api, webhooks, health } = super::described();
        let mut document = api.merge(webhooks).merge(health).into_openapi();
        document.info = InfoBuilder::new()
            .title("Usher")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(
                "Books seats: all of them, paid for, or none. Problems follow RFC 9457; each `type` is a page.",
            ))
            .build();
        let components = document.components.get_or_insert_with(Components::new);
        describe_problem(components);
        for Contract(method, path, access, problems) in CONTRACT {
            if let Some(operation) = operation(&mut document, method, path) {
                complete(operation, *access, problems);
            }
        }
        document
    })
}

/// `/openapi.json` and `/docs`.
pub fn pages() -> Router<App> {
    let ui: Router<App> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    Router::new().route("/openapi.json", get(async || Json(document()))).merge(ui)
}

fn describe_problem(components: &mut Components) {
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    schemas.push((ProblemBody::name().into_owned(), ProblemBody::schema()));
    components.schemas.extend(schemas);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("token".into(), bearer.into());
}

/// Adds the parameters and the answers of the layers around the handler.
fn complete(operation: &mut Operation, access: Access, own: &[ProblemType]) {
    let mut problems = own.to_vec();
    if access != Access::Health {
        problems.extend([P::NotAcceptable, P::Overloaded, P::Unavailable, P::Internal]);
    }
    if matches!(access, Access::Read | Access::Change | Access::Post | Access::Look | Access::Operate) {
        problems.extend([P::Unauthenticated, P::QuotaExceeded]);
        operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
    if access == Access::Signed {
        operation.security = Some(Vec::new());
        problems.push(P::PayloadTooLarge);
    }
    if matches!(access, Access::Look | Access::Operate) {
        problems.push(P::Forbidden);
    }
    if matches!(access, Access::Post | Access::Operate) {
        problems.extend([P::MalformedRequest, P::UnsupportedMediaType, P::PayloadTooLarge, P::Validation]);
    }
    if access == Access::Post {
        problems.push(P::Forbidden);
        problems.extend([P::IdempotencyKeyMissing, P::IdempotencyKeyInvalid]);
        problems.extend([P::IdempotencyKeyReused, P::IdempotencyKeyInProgress]);
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("1 to 255 visible ASCII characters, bare or quoted. Send the same key with every repetition of this request. A key is kept for 24 hours"))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        operation.parameters.get_or_insert_with(Vec::new).push(key.into());
    }
    for (status, problems) in by_status(&problems) {
        let slugs: Vec<_> = problems.iter().map(|problem| format!("`{}`", problem.slug())).collect();
        let body = ContentBuilder::new()
            .schema(Some(RefOr::<openapi::Schema>::Ref(Ref::from_schema_name(ProblemBody::name()))))
            .build();
        let response =
            ResponseBuilder::new().description(slugs.join(", ")).content(PROBLEM_JSON, body).build();
        operation.responses.responses.entry(status).or_insert(response.into());
    }
}

fn by_status(problems: &[ProblemType]) -> BTreeMap<String, Vec<ProblemType>> {
    let mut sorted = BTreeMap::<String, Vec<ProblemType>>::new();
    for problem in problems {
        sorted.entry(problem.status().as_u16().to_string()).or_default().push(*problem);
    }
    sorted
}

fn operation<'a>(document: &'a mut OpenApi, method: &Method, path: &str) -> Option<&'a mut Operation> {
    let item = document.paths.paths.get_mut(path)?;
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_its_contract_and_every_contract_its_endpoint() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut described: Vec<String> = Vec::new();
        let mut names = std::collections::HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                assert!(
                    names.insert(operation["operationId"].to_string()),
                    "{} appears twice",
                    operation["operationId"]
                );
            }
            described.extend(
                item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())),
            );
        }
        let mut promised: Vec<_> =
            CONTRACT.iter().map(|Contract(method, path, ..)| format!("{method} {path}")).collect();
        described.sort();
        promised.sort();
        assert_eq!(described, promised);
    }
}
