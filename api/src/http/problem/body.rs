//! A problem as it is sent (RFC 9457).

use super::ProblemType;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Problem details (RFC 9457). Clients branch on `code`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/` and the code. This address has a page for people.
    #[serde(rename = "type")]
    #[schema(example = "/problems/seat-unavailable")]
    pub kind: String,
    /// The title, always the same for one type.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is special about this case.
    pub detail: String,
    /// `/requests/` followed by the request's id.
    pub instance: String,
    /// The last part of `type`, for programs.
    #[schema(schema_with = codes)]
    pub code: &'static str,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// The seats that can't be had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub seats: Vec<LostSeat>,
    /// The state that doesn't allow the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<String>,
    /// What would have been allowed: states, methods or media types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub allowed: Vec<String>,
    /// W3C trace id of the request.
    pub trace_id: String,
}

/// A field that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the request's body (RFC 6901), or the name of a query parameter.
    #[schema(example = "/seat_ids/1")]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// One seat that can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LostSeat {
    /// The seat's id.
    pub seat_id: Uuid,
    /// Why the seat can't be had.
    pub reason: LostReason,
}

/// Why a seat can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LostReason {
    /// Another reservation holds it.
    Held,
    /// It is booked.
    Sold,
    /// It isn't for sale.
    Blocked,
}

fn codes() -> utoipa::openapi::schema::Object {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(ProblemType::ALL.iter().map(|kind| kind.slug())))
        .build()
}
