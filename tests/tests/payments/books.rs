//! The gateway's books, as the witness reads them. Amounts in minor units.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The gateway's books: every payment, the sums, and what was done twice.
#[derive(Debug, Deserialize)]
pub struct Books {
    pub intents: Vec<Intent>,
    /// By currency in lower case.
    pub sums: BTreeMap<String, Sums>,
    /// What was done twice, by its name.
    pub doubles: BTreeMap<String, u64>,
}

/// One payment, as the gateway has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Intent {
    pub id: String,
    pub payment_id: Option<String>,
    pub reservation_id: Option<String>,
    pub status: String,
    pub captured: i64,
    pub refunded: i64,
    pub times_secured: u32,
    pub times_captured: u32,
    pub refunds: Vec<Refund>,
}

/// Money on its way back.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    pub id: String,
    pub amount: i64,
    pub status: String,
}

/// One currency's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Sums {
    pub authorised: i64,
    pub captured: i64,
    pub refunded: i64,
    pub kept: i64,
}

impl Books {
    /// The payments of this reservation.
    pub fn of(&self, reservation: &Value) -> Vec<&Intent> {
        let id = reservation["reservation_id"].as_str().unwrap();
        self.intents.iter().filter(|intent| intent.reservation_id.as_deref() == Some(id)).collect()
    }

    /// The only payment of this reservation.
    pub fn only(&self, reservation: &Value) -> &Intent {
        let intents = self.of(reservation);
        assert_eq!(intents.len(), 1, "{intents:#?}");
        intents[0]
    }

    /// What was kept of each currency, where anything was.
    pub fn kept(&self) -> BTreeMap<String, i64> {
        let kept = self.sums.iter().filter(|(_, sums)| sums.kept != 0);
        kept.map(|(currency, sums)| (currency.to_uppercase(), sums.kept)).collect()
    }

    /// Asserts that nothing is held, and nothing was done twice.
    pub fn are_clean(&self) {
        for (currency, sums) in &self.sums {
            assert_eq!(sums.authorised, 0, "{currency} is still held: {self:#?}");
        }
        assert!(self.doubles.values().all(|count| *count == 0), "{self:#?}");
    }
}
