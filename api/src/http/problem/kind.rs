//! The closed list of problems that the API may answer with.

use axum::http::StatusCode;

/// What went wrong, for clients to branch on. The slug is stable, and each slug has one title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemType {
    /// The request is malformed HTTP or JSON.
    MalformedRequest,
    /// A POST without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// An `Idempotency-Key` that is not valid.
    IdempotencyKeyInvalid,
    /// A webhook whose signature is not valid. It never has a detail.
    SignatureInvalid,
    /// No token, or one that isn't valid.
    Unauthenticated,
    /// Nothing has been paid yet.
    PaymentRequired,
    /// The gateway refused the payment.
    PaymentDeclined,
    /// The token's role may not do this.
    Forbidden,
    /// A second person must agree, and this is the first.
    SecondPersonRequired,
    /// There is nothing here, or nothing that belongs to the caller.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The caller accepts none of our media types.
    NotAcceptable,
    /// The first request with this key is still running.
    IdempotencyKeyInProgress,
    /// Somebody else has the seat.
    SeatUnavailable,
    /// The event isn't on sale.
    SaleClosed,
    /// The thing is in a state that doesn't allow this.
    InvalidState,
    /// The reservation is being paid already.
    PaymentInProgress,
    /// A paid seat went to somebody else.
    SeatLost,
    /// The booking can't be cancelled any more.
    CancellationClosed,
    /// The saga's state doesn't allow this action.
    ActionNotAllowed,
    /// The action would no longer do what its preview said.
    PlanChanged,
    /// The proposal has been decided, or has expired.
    ProposalClosed,
    /// The reservation's time is over.
    ReservationExpired,
    /// `If-Match` names another version.
    PreconditionFailed,
    /// The body is larger than we read.
    PayloadTooLarge,
    /// The body isn't `application/json`.
    UnsupportedMediaType,
    /// Fields that are unknown, missing or wrong.
    Validation,
    /// This key was used with another request.
    IdempotencyKeyReused,
    /// The amount differs from the reservation's.
    AmountMismatch,
    /// The caller has no such reservation.
    ReservationUnknown,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// The caller asks too often.
    QuotaExceeded,
    /// Our mistake.
    Internal,
    /// This node can't take more work.
    Overloaded,
    /// The database can't be reached.
    Unavailable,
    /// The payment gateway can't be reached; nothing was stored.
    GatewayUnavailable,
    /// The webhook can't be stored now.
    InboxUnavailable,
}

struct Facts {
    slug: &'static str,
    status: StatusCode,
    title: &'static str,
    about: &'static str,
}

impl ProblemType {
    /// Every problem there is.
    pub const ALL: &[Self] = &[
        Self::MalformedRequest,
        Self::IdempotencyKeyMissing,
        Self::IdempotencyKeyInvalid,
        Self::SignatureInvalid,
        Self::Unauthenticated,
        Self::PaymentRequired,
        Self::PaymentDeclined,
        Self::Forbidden,
        Self::SecondPersonRequired,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::IdempotencyKeyInProgress,
        Self::SeatUnavailable,
        Self::SaleClosed,
        Self::InvalidState,
        Self::PaymentInProgress,
        Self::SeatLost,
        Self::CancellationClosed,
        Self::ActionNotAllowed,
        Self::PlanChanged,
        Self::ProposalClosed,
        Self::ReservationExpired,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Validation,
        Self::IdempotencyKeyReused,
        Self::AmountMismatch,
        Self::ReservationUnknown,
        Self::PreconditionRequired,
        Self::QuotaExceeded,
        Self::Internal,
        Self::Overloaded,
        Self::Unavailable,
        Self::GatewayUnavailable,
        Self::InboxUnavailable,
    ];

    /// The problem with this slug.
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// The last part of `type`, and `code`.
    pub fn slug(self) -> &'static str {
        self.facts().slug
    }

    /// The HTTP status, always the same for one type.
    pub fn status(self) -> StatusCode {
        self.facts().status
    }

    /// One line for people, always the same for one type.
    pub fn title(self) -> &'static str {
        self.facts().title
    }

    /// What a person should know and do about it.
    pub fn about(self) -> &'static str {
        self.facts().about
    }

    #[rustfmt::skip]
    #[expect(clippy::too_many_lines, reason = "a table of all problems, a problem a row")]
    fn facts(self) -> Facts {
        use StatusCode as S;
        match self {
            Self::MalformedRequest => facts("malformed-request", S::BAD_REQUEST, "The request is malformed",
                "The body isn't JSON, or a header or a query parameter can't be read. `detail` says which. Repeating the same request won't help."),
            Self::IdempotencyKeyMissing => facts("idempotency-key-missing", S::BAD_REQUEST, "The Idempotency-Key header is missing",
                "Every POST must carry an `Idempotency-Key` header of its own, such as a UUID, so that repeating it after a lost answer does nothing twice."),
            Self::IdempotencyKeyInvalid => facts("idempotency-key-invalid", S::BAD_REQUEST, "The Idempotency-Key header is not valid",
                "A key is 1 to 255 visible ASCII characters, bare or as a quoted string, and is sent once."),
            Self::SignatureInvalid => facts("signature-invalid", S::BAD_REQUEST, "The signature is not valid",
                "The webhook isn't signed with a secret that is valid now, or its time is too far from ours."),
            Self::Unauthenticated => facts("unauthenticated", S::UNAUTHORIZED, "A valid token is required",
                "Send `Authorization: Bearer …` with a token that was issued for this service and has not been revoked."),
            Self::PaymentRequired => facts("payment-required", S::PAYMENT_REQUIRED, "The reservation has not been paid",
                "Order a payment with `POST /payments` first."),
            Self::PaymentDeclined => facts("payment-declined", S::PAYMENT_REQUIRED, "The payment was declined",
                "The gateway refused the payment for good, and the seats are free again. Make a new reservation to try another payment method."),
            Self::Forbidden => facts("forbidden", S::FORBIDDEN, "The token's role may not do this",
                "The token is valid, but its role doesn't allow this request."),
            Self::SecondPersonRequired => facts("second-person-required", S::FORBIDDEN, "Another person must agree",
                "The action moves more money than one person may move alone, and the person who asked for it can't be the second person. Somebody else must agree to the proposal or the batch."),
            Self::NotFound => facts("not-found", S::NOT_FOUND, "There is nothing here",
                "The address is wrong, or what it names doesn't exist or isn't the caller's."),
            Self::MethodNotAllowed => facts("method-not-allowed", S::METHOD_NOT_ALLOWED, "The method is not allowed here",
                "The `Allow` header lists the methods that this address supports."),
            Self::NotAcceptable => facts("not-acceptable", S::NOT_ACCEPTABLE, "None of the accepted media types is available",
                "The API answers with `application/json` and, for problems, with `application/problem+json`."),
            Self::IdempotencyKeyInProgress => facts("idempotency-key-in-progress", S::CONFLICT, "The first request with this key is still running",
                "Repeat the request after the time in `Retry-After`. It will then get the answer to the first request."),
            Self::SeatUnavailable => facts("seat-unavailable", S::CONFLICT, "A seat is not available",
                "At least one of the seats is held, sold or blocked; `seats` names them and says why. No seat was reserved."),
            Self::SaleClosed => facts("sale-closed", S::CONFLICT, "The event is not on sale",
                "The event's sale has not begun or is over."),
            Self::InvalidState => facts("invalid-state", S::CONFLICT, "The state does not allow this",
                "`state` is the present state, and `allowed` lists the states in which the request would be possible."),
            Self::PaymentInProgress => facts("payment-in-progress", S::CONFLICT, "A payment is already in progress",
                "The reservation already has a payment. Read it instead of ordering another one."),
            Self::SeatLost => facts("seat-lost", S::CONFLICT, "A seat was lost",
                "The payment came after the seats had gone to somebody else. The money goes back in full."),
            Self::CancellationClosed => facts("cancellation-closed", S::CONFLICT, "The booking can't be cancelled",
                "It is already cancelled, its event has begun, or the customer's bank disputes its payment. `detail` says which."),
            Self::ActionNotAllowed => facts("action-not-allowed", S::CONFLICT, "The saga's state does not allow this action",
                "`detail` says why, and `allowed` names the actions that are possible now."),
            Self::PlanChanged => facts("plan-changed", S::CONFLICT, "The action would no longer do what its preview said",
                "The saga has not changed, but the action would do something else now. Nothing was done. Ask for a new preview and decide again."),
            Self::ProposalClosed => facts("proposal-closed", S::CONFLICT, "The proposal is closed",
                "Somebody agreed to it or declined it, or nobody did so in time. `detail` says which. Look at the saga, and make a new proposal if it is still needed."),
            Self::ReservationExpired => facts("reservation-expired", S::GONE, "The reservation has expired",
                "Its time is over, and somebody else may have the seats. Make a new reservation."),
            Self::PreconditionFailed => facts("precondition-failed", S::PRECONDITION_FAILED, "The version has changed",
                "`If-Match` does not name the present version. Read it again and decide again."),
            Self::PayloadTooLarge => facts("payload-too-large", S::PAYLOAD_TOO_LARGE, "The body is too large",
                "The API reads bodies of at most 64 KiB, and webhooks of at most 256 KiB."),
            Self::UnsupportedMediaType => facts("unsupported-media-type", S::UNSUPPORTED_MEDIA_TYPE, "The body must be JSON",
                "Send `Content-Type: application/json`."),
            Self::Validation => facts("validation", S::UNPROCESSABLE_ENTITY, "Some fields are not valid",
                "`errors` names each field by a JSON pointer (RFC 6901) and says what is wrong with it."),
            Self::IdempotencyKeyReused => facts("idempotency-key-reused", S::UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another request",
                "A key belongs to one request for 24 hours. Use a new key for a new request."),
            Self::AmountMismatch => facts("amount-mismatch", S::UNPROCESSABLE_ENTITY, "The amount differs from the reservation's",
                "Leave out the amount, or send the reservation's amount and currency."),
            Self::ReservationUnknown => facts("reservation-unknown", S::UNPROCESSABLE_ENTITY, "There is no such reservation",
                "The reservation that the body names doesn't exist or isn't the caller's."),
            Self::PreconditionRequired => facts("precondition-required", S::PRECONDITION_REQUIRED, "If-Match is required",
                "Operators act on what they have seen. Read the saga, and send its version as `If-Match`."),
            Self::QuotaExceeded => facts("quota-exceeded", S::TOO_MANY_REQUESTS, "Too many requests",
                "Wait for the time in `Retry-After`. `RateLimit-Policy` says how many requests are allowed."),
            Self::Internal => facts("internal", S::INTERNAL_SERVER_ERROR, "The service made a mistake",
                "You can't repair this. Report the `trace_id`. Repeating the request with the same `Idempotency-Key` is safe."),
            Self::Overloaded => facts("overloaded", S::SERVICE_UNAVAILABLE, "The service is overloaded",
                "Nothing was done. Repeat the request after the time in `Retry-After`."),
            Self::Unavailable => facts("unavailable", S::SERVICE_UNAVAILABLE, "The service is temporarily unavailable",
                "The database can't be reached, so the outcome may be unknown. Repeat the request with the same `Idempotency-Key` after the time in `Retry-After`."),
            Self::GatewayUnavailable => facts("gateway-unavailable", S::SERVICE_UNAVAILABLE, "The payment gateway is unavailable",
                "No payment was ordered, and the reservation has not changed. Repeat the request after the time in `Retry-After`."),
            Self::InboxUnavailable => facts("inbox-unavailable", S::SERVICE_UNAVAILABLE, "The webhook can't be stored now",
                "Send it again later."),
        }
    }
}

fn facts(slug: &'static str, status: StatusCode, title: &'static str, about: &'static str) -> Facts {
    Facts { slug, status, title, about }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_problem_is_listed_once_under_its_own_slug() {
        let slugs: HashSet<_> = ProblemType::ALL.iter().map(|kind| kind.slug()).collect();
        assert_eq!(slugs.len(), ProblemType::ALL.len());
        // The last variant's index is the number of variants minus one, so none is missing from the list.
        assert_eq!(ProblemType::InboxUnavailable as usize + 1, ProblemType::ALL.len());
        for kind in ProblemType::ALL {
            assert_eq!(ProblemType::of_slug(kind.slug()), Some(*kind));
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
    }
}
