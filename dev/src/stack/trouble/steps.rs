//! What the workflow of troubles takes: steps that work, until they run under code that is broken.

use super::generation::is_broken;
use orchestrator::{Call, FromRef, Policy, Probe, Step, StepError, Tx, Way};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::time::Duration;

/// More bytes than a journal entry may have.
const LARGE_BYTES: usize = 400 * 1024;
/// A wait after a failure, up to this much: long enough to be looked at.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// The other side of the calls. It doesn't exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outside;

impl FromRef<::steps::Services> for Outside {
    fn from_ref(_: &::steps::Services) -> Self {
        Self
    }
}

/// Notes a text in the journal, without a remote call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The text.
    pub text: String,
    /// Whether broken code notes far too much.
    #[serde(default)]
    pub large: bool,
}

impl Step for Note {
    const NAME: &'static str = "trouble_note";
    type Output = String;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, _: &mut Tx) -> Result<String, StepError> {
        Ok(if self.large && is_broken() { "x".repeat(LARGE_BYTES) } else { self.text.clone() })
    }
}

/// Remembers something in a form that broken code can't read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Remember;

/// What was remembered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Remembered {
    /// In which form.
    pub form: u32,
}

impl<'de> Deserialize<'de> for Remembered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let Form { form } = Form::deserialize(deserializer)?;
        // Somebody added a field without a default, and forgot that older journals don't have it.
        if is_broken() { Err(D::Error::missing_field("colour")) } else { Ok(Self { form }) }
    }
}

impl Step for Remember {
    const NAME: &'static str = "trouble_remember";
    type Output = Remembered;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, _: &mut Tx) -> Result<Remembered, StepError> {
        Ok(Remembered { form: 1 })
    }
}

/// Refuses, whoever asks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refuse;

impl Step for Refuse {
    const NAME: &'static str = "trouble_refuse";
    type Output = ();
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, _: &mut Tx) -> Result<(), StepError> {
        // In words that no page may take for its own.
        Err(StepError::rejected("house-closed", "closed <img src=x onerror=alert('a refusal')> for good"))
    }
}

/// Sends a parcel to somebody who forgets at once what was asked of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Send;

impl Step for Send {
    const NAME: &'static str = "trouble_send";
    const POLICY: Policy = Policy {
        time_max: Duration::from_secs(86_400),
        backoff: AN_HOUR,
        backoff_max: AN_HOUR,
        ..Policy::FORWARD
    };
    const KEY_REMEMBERED: Option<Duration> = Some(Duration::from_millis(500));
    type Output = String;
    type Medium = Call<Outside>;
    type Undo = ();

    async fn run(&self, _: &mut Call<Outside>) -> Result<String, StepError> {
        if is_broken() { Err(StepError::unclear("the line went dead")) } else { Ok("sent".to_owned()) }
    }

    async fn probe(&self, _: &mut Call<Outside>) -> Result<Probe<String>, StepError> {
        Ok(if is_broken() { Probe::Unknown } else { Probe::Done("sent, as they say".to_owned()) })
    }

    fn describe(&self, way: Way) -> Option<String> {
        Some(match way {
            Way::Forward => "sends a parcel".to_owned(),
            Way::Back => "asks for the parcel back".to_owned(),
        })
    }
}

/// Asks somebody who takes an hour to answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Linger;

impl Step for Linger {
    const NAME: &'static str = "trouble_linger";
    const POLICY: Policy = Policy { timeout: AN_HOUR, ..Policy::FORWARD };
    type Output = ();
    type Medium = Call<Outside>;
    type Undo = ();

    async fn run(&self, _: &mut Call<Outside>) -> Result<(), StepError> {
        if is_broken() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    fn describe(&self, way: Way) -> Option<String> {
        (way == Way::Forward).then(|| "asks somebody who thinks for long".to_owned())
    }
}
