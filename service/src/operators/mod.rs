//! What operators are shown and may do, whichever way they come: by the console, the JSON API or the command line.
//!
//! The picture: one desk with three doors. A door knows who asks and how answers look there; what is answered is made
//! here, so that the three never say different things. The engine's [`Operator`] does the work; this adds what only
//! the service knows.

mod around;
mod attempt;
mod audit;
mod batch;
mod filter;
mod list;
mod money;
mod outbox;
mod plan;
mod proposal;
mod rows;
mod span;
mod webhooks;
mod whole;
mod wish;

pub use around::{Around, around};
pub use attempt::AttemptView;
pub use audit::AuditView;
pub use batch::{BatchPreviewView, BatchView, ItemView, ResultsView};
pub use filter::{FilterWords, Unfit, narrowed};
pub use list::{GroupView, ListedView};
pub use money::Money;
pub use outbox::{DeliveryView, MessageView};
pub use plan::{Acted, CallView, PlanView, TouchedView};
pub use proposal::ProposalView;
pub use rows::{
    BookingStanding, LedgerStanding, PaymentStanding, ReservationStanding, SeatStanding, ServiceRows,
    Standing,
};
pub use span::span;
pub use webhooks::WebhookView;
pub use whole::{AllowedView, EntryView, KeyView, LabelView, LetterView, SagaView, Whole, look};
pub use wish::{Parameters, Wrong, action};

use crate::config::Config;
use orchestrator::{Client, operator::Operator};
use std::sync::Arc;

/// The engine's desk with what the service adds to it: its rows in previews, and its words in searches.
pub fn desk(client: &Client, config: &Config) -> Operator {
    client.operator().with_rows(Arc::new(ServiceRows::of(config)))
}
