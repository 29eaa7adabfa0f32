//! What the standard protocol says in place of Stripe's JSON: `docs/payment-gateways.md` describes it. The border answers
//! in it, and webhooks are written in it.

pub(super) mod decimal;
mod translate;

pub(super) use translate::{answer, message};
