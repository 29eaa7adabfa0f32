//! The four bookings, and how each must end.

use super::super::commands::{DemoVenue, HASTY_THEATRE, THEATRE};
use super::super::stage::Stage;
use super::customer::{Customer, Reserved};
use super::witness::{Books, Facts, Rows};
use anyhow::ensure;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use steps::Money;

/// A booking: what is wanted, what happens after the seats are reserved, and what must come of it.
pub(super) struct Story {
    pub title: &'static str,
    pub venue: DemoVenue,
    pub seats: usize,
    pub goes_on: for<'a> fn(&'a Customer, &'a Stage, &'a Reserved) -> BoxFuture<'a, anyhow::Result<()>>,
    pub end: End,
}

/// How a booking can end.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Booked,
    Declined,
    Abandoned,
}

pub(super) const STORIES: [Story; 4] = [
    Story {
        title: "paid and confirmed",
        venue: THEATRE,
        seats: 1,
        goes_on: |customer, _, reserved| Box::pin(pays(customer, reserved)),
        end: End::Booked,
    },
    Story {
        title: "declined, and unwound",
        venue: THEATRE,
        seats: 1,
        goes_on: |customer, _, reserved| Box::pin(is_declined(customer, reserved)),
        end: End::Declined,
    },
    Story {
        title: "reserved and abandoned",
        venue: HASTY_THEATRE,
        seats: 1,
        goes_on: |customer, _, reserved| Box::pin(goes_away(customer, reserved)),
        end: End::Abandoned,
    },
    Story {
        title: "three seats, and the node is killed while the money moves",
        venue: THEATRE,
        seats: 3,
        goes_on: |customer, stage, reserved| Box::pin(pays_while_the_node_dies(customer, stage, reserved)),
        end: End::Booked,
    },
];

async fn pays(customer: &Customer, reserved: &Reserved) -> anyhow::Result<()> {
    customer.pay(reserved, "pm_card_visa").await?;
    let status = customer.book(reserved).await?;
    ensure!(status.is_success(), "the booking was refused with {status}");
    Ok(())
}

async fn is_declined(customer: &Customer, reserved: &Reserved) -> anyhow::Result<()> {
    customer.pay(reserved, "pm_card_chargeDeclined").await?;
    let status = customer.book(reserved).await?;
    ensure!(
        status == StatusCode::PAYMENT_REQUIRED,
        "the booking should have been refused with 402, not {status}"
    );
    Ok(())
}

async fn goes_away(customer: &Customer, reserved: &Reserved) -> anyhow::Result<()> {
    customer.say(&format!("(pays nothing; the seat stays reserved for {} ms)", reserved.expires_in_ms));
    customer.until(reserved, "EXPIRED").await
}

/// The gateway takes the money and doesn't answer; then the node is killed. No process that is left knows the
/// outcome.
async fn pays_while_the_node_dies(
    customer: &Customer,
    stage: &Stage,
    reserved: &Reserved,
) -> anyhow::Result<()> {
    let rule = json!({
        "match": {"on": ["confirm"], "reservation_id": reserved.reservation_id},
        "times": 1,
        "do": {"after": "hang"},
    });
    let control = format!("{}/control/rules", stage.commands.gateway_url());
    stage.http.post(control).json(&rule).send().await?.error_for_status()?;
    customer.say("(the gateway is told to take the money and to answer nothing)");

    let killing = async {
        Books::until_secured(stage, &reserved.reservation_id, Duration::from_secs(20)).await?;
        match stage.node.kill().await {
            Some(pid) => customer.say(&format!("kill -9 {pid}  the node, while it waits for the gateway")),
            None => anyhow::bail!("the node wasn't running"),
        }
        Ok(())
    };
    // The customer's program only sees a broken connection, and asks again under the same key.
    let (paid, killed) = tokio::join!(customer.pay(reserved, "pm_card_visa"), killing);
    killed?;
    paid?;
    stage.node.ready(&stage.http).await?;
    let status = customer.book(reserved).await?;
    ensure!(status.is_success(), "the booking was refused with {status}");
    Ok(())
}

impl End {
    /// What the witnesses must say of a booking of `amount`.
    pub fn facts(self, amount: Money) -> Facts {
        let (saga, reservation, seats) = match self {
            Self::Booked => ("completed", "CONFIRMED", "BOOKED"),
            Self::Declined | Self::Abandoned => ("unwound", "EXPIRED", "AVAILABLE"),
        };
        let (payment, booking, intents) = match self {
            Self::Booked => (Some("SUCCESS"), Some("CONFIRMED"), 1),
            Self::Declined => (Some("FAILED"), None, 1),
            Self::Abandoned => (None, None, 0),
        };
        let rows = Rows {
            saga: Some(saga.to_owned()),
            reservation: Some(reservation.to_owned()),
            payment: payment.map(str::to_owned),
            booking: booking.map(str::to_owned),
            seats: Some(seats.to_owned()),
        };
        let nothing = Money::new(0, amount.currency);
        let (captured, captures) = if matches!(self, Self::Booked) { (amount, 1) } else { (nothing, 0) };
        let books = Books { intents, held: nothing, captured, captures, refunded: nothing };
        Facts { rows, locks: 0, books }
    }
}
