//! What operators see and may do, whether they use the console, the JSON API or the command line.
//!
//! The picture: one desk with three doors. A door knows who asks and what its answers look like. The content of answers is
//! made here, so that the three never say different things. [`Operator`] does the work on any engine; this adds what only
//! the service knows.

mod actions;
mod attempt;
mod audit;
mod batch;
mod bounds;
mod decisions;
mod filter;
mod invalid;
mod list;
mod money;
mod outbox;
mod parameters;
mod plan;
mod proposal;
mod related;
mod rows;
mod saga_detail;
mod span;
mod webhooks;
pub mod words;

pub use actions::{
    ActionRow, Parameter, Takes, audited_as, row as action_row, row_of as action_named, rows as action_rows,
};
pub use attempt::AttemptView;
pub use audit::AuditView;
pub use batch::{BatchPreviewView, BatchView, ItemView, ResultsView};
pub use bounds::{
    ACTOR_CHARS_MAX, OUTPUT_BYTES_MAX, REASON_CHARS_MAX, REASON_MISSING, by, by_for_preview, reason,
};
pub use decisions::{BatchMove, Decision};
pub use filter::{FilterError, FilterWords, narrow};
pub use invalid::Invalid;
pub use list::{GroupView, ListedView};
pub use money::Money;
pub use outbox::{DeliveryView, MessageView};
pub use parameters::{Argument, Parameters, action};
pub use plan::{Acted, CallView, PlanView, TouchedView};
pub use proposal::ProposalView;
pub use related::{Related, read_related};
pub use rows::{
    BookingStanding, LedgerStanding, PaymentStanding, ReservationStanding, SeatStanding, ServiceRows,
    Standing,
};
pub use saga_detail::{
    AllowedView, EntryView, KeyView, LabelView, LetterView, SagaDetail, SagaView, read_saga,
};
pub use span::span;
pub use webhooks::WebhookView;

use crate::config::Config;
use operator::{Limits, Operator};
use orchestrator::Client;
use std::sync::Arc;

/// A desk with the service's additions: its rows in previews, its words in searches, and the limit on money that one person
/// may move. A node has one; a command makes its own.
pub fn desk(client: &Client, config: &Config) -> Operator {
    let second_person_above_minor = config.operators.second_person_above_minor;
    Operator::of(client)
        .with_rows(Arc::new(ServiceRows::of(config)))
        .with_limits(Limits { second_person_above_minor })
}
