//! Bookings in trouble: a customer as any other, a gateway that is told how to misbehave, and an operator who pauses.

use super::super::commands::TROUBLED_THEATRE;
use super::super::demo::{Customer, Reserved};
use super::super::{once, stage::Stage};
use anyhow::Context;
use serde_json::{Value, json};

/// A name that no page may take for HTML.
const NAME: &str = "<script>alert('a customer')</script>";
const TRAP: &str = "<img src=x onerror=alert(1)>";

/// A customer of a name that is a trap, and what is told about them.
pub(super) struct TroubledCustomer<'a> {
    stage: &'a Stage,
    customer: Customer,
}

impl<'a> TroubledCustomer<'a> {
    pub async fn new(stage: &'a Stage) -> anyhow::Result<Self> {
        let printed = once::run(stage.commands.token_of_customer(NAME, "trouble@example.com")).await?;
        let token = printed.split_whitespace().last().context("the token's command printed none")?;
        Ok(Self { stage, customer: Customer::with_token(stage, token) })
    }

    async fn reserve(&self) -> anyhow::Result<Reserved> {
        Ok(self.customer.reserve(TROUBLED_THEATRE, 1).await?.1)
    }

    /// Tells the gateway what to do with requests for this reservation, until it is mended.
    async fn order(&self, reserved: &Reserved, on: &str, acts: Value) -> anyhow::Result<()> {
        let rule = json!({"match": {"on": [on], "reservation_id": reserved.reservation_id}, "do": acts});
        let control = format!("{}/control/rules", self.stage.commands.gateway_url());
        self.stage.http.post(control).json(&rule).send().await?.error_for_status()?;
        Ok(())
    }

    /// The customer has reserved, and does nothing.
    pub async fn waits_for_an_order(&self) -> anyhow::Result<String> {
        Ok(self.reserve().await?.saga_id)
    }

    /// The customer's bank asks them something that they don't answer.
    pub async fn waits_for_news(&self) -> anyhow::Result<String> {
        let reserved = self.reserve().await?;
        self.customer.pay(&reserved, "pm_card_authenticationRequired").await?;
        Ok(reserved.saga_id)
    }

    /// The customer goes away while the bank waits, and the gateway won't let the payment go.
    pub async fn owes(&self) -> anyhow::Result<String> {
        let reserved = self.reserve().await?;
        self.order(&reserved, "cancel", json!({"before": {"fail": {"status": 503}}})).await?;
        self.customer.pay(&reserved, "pm_card_authenticationRequired").await?;
        self.customer.give_back(&reserved).await?;
        Ok(reserved.saga_id)
    }

    /// The seats are sold, and the gateway refuses to take the money.
    pub async fn fails_to_capture(&self) -> anyhow::Result<String> {
        let reserved = self.reserve().await?;
        self.order(&reserved, "capture", json!({"before": {"refuse": {"code": TRAP}}})).await?;
        self.customer.pay(&reserved, "pm_card_visa").await?;
        Ok(reserved.saga_id)
    }

    /// The seats are sold, and the gateway has no time to take the money.
    pub async fn retries_to_capture(&self) -> anyhow::Result<String> {
        /// The longest that we let a gateway put us off.
        const LATER_S: u32 = 300;
        let reserved = self.reserve().await?;
        self.order(&reserved, "capture", json!({"before": {"busy": {"retry_after_s": LATER_S}}})).await?;
        self.customer.pay(&reserved, "pm_card_visa").await?;
        Ok(reserved.saga_id)
    }

    /// The gateway says that it secured one cent.
    pub async fn is_lied_to(&self) -> anyhow::Result<String> {
        let reserved = self.reserve().await?;
        self.order(&reserved, "confirm", json!({"lie": {"amount": 1}})).await?;
        self.customer.pay(&reserved, "pm_card_visa").await?;
        Ok(reserved.saga_id)
    }

    /// An operator wants to look first; then the customer pays.
    pub async fn is_paused(&self) -> anyhow::Result<String> {
        let reserved = self.reserve().await?;
        let pause = ["pause", "--reason", "is this customer real?", "--by", "grace"];
        once::run(self.stage.commands.act_on_saga(&reserved.saga_id, &pause)).await?;
        self.customer.pay(&reserved, "pm_card_visa").await?;
        Ok(reserved.saga_id)
    }
}
