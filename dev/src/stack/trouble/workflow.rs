//! Workflows that go wrong in every way that code can, as long as broken code runs them.
//!
//! Their functions ask which code is deployed. That is what a workflow must never do (it reads nothing but its saga);
//! here it stands for somebody who deploys other code under the same version.

use super::generation::{Generation, generation, is_broken};
use super::steps::{Linger, Note, Refuse, Remember, Send};
use futures_util::FutureExt;
use orchestrator::{Failure, Saga, Signal, Workflow};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a saga waits to be told that other code is deployed.
const A_DAY: Duration = Duration::from_secs(86_400);
/// A poll as long as this costs a lane. The thread sleeps, and computes nothing.
const TOO_LONG: Duration = Duration::from_secs(60);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Diverged,
    Panicked,
    Oversize,
    ForeignWait,
    Abandoned,
    RefusedAfterPivot,
    PollTooLong,
    Undecodable,
    OutcomeUnknown,
    CallOut,
}

/// Other code is deployed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Deployed;

impl Signal for Deployed {
    const NAME: &'static str = "deployed";
}

/// Goes wrong as its input says.
pub(super) struct Trouble;

fn note(text: &str) -> Note {
    Note { text: text.to_owned(), large: false }
}

impl Workflow for Trouble {
    const NAME: &'static str = "trouble";
    type Steps = (Note, Remember, Refuse, Send, Linger);
    type Input = Kind;
    type Output = String;

    async fn run(mut saga: Saga<Self>, kind: Kind) -> Result<String, Failure> {
        match kind {
            Kind::Diverged => {
                if is_broken() {
                    saga.uuid().await;
                }
                saga.step(note("first")).await?;
                saga.signal::<Deployed>().within(A_DAY).await?;
            }
            Kind::Undecodable => {
                saga.step(Remember).await?;
                saga.signal::<Deployed>().within(A_DAY).await?;
            }
            Kind::Panicked => {
                saga.step(note("first")).await?;
                assert!(!is_broken(), "index out of bounds: the len is 0 but the index is 7");
            }
            Kind::Oversize => drop(saga.step(Note { large: true, ..note("short") }).await?),
            Kind::ForeignWait => {
                saga.step(note("first")).await?;
                if is_broken() {
                    std::future::pending::<()>().await;
                }
            }
            Kind::Abandoned => {
                // Nobody will send it: the wait ends by itself, if it is awaited at all.
                let wait = saga.signal::<Deployed>().within(Duration::from_secs(1));
                let _ = if is_broken() { wait.now_or_never() } else { Some(wait.await) };
                saga.step(note("went on")).await?;
            }
            Kind::RefusedAfterPivot => {
                let (_, mut saga) = saga.pivot(note("decided")).await?;
                saga.step(Refuse).await;
            }
            Kind::PollTooLong => {
                saga.step(note("first")).await?;
                if is_broken() {
                    std::thread::sleep(TOO_LONG);
                }
                saga.step(note("second")).await?;
            }
            Kind::OutcomeUnknown => return Ok(saga.step(Send).await?),
            Kind::CallOut => saga.step(Linger).await?,
        }
        Ok("mended".to_owned())
    }
}

/// The same workflow three versions on: known before, and forgotten by a binary that was rolled back.
pub(super) struct Newer;

impl Workflow for Newer {
    const NAME: &'static str = Trouble::NAME;
    const VERSION: u32 = 3;
    type Steps = (Note,);
    type Input = ();
    type Output = String;

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<String, Failure> {
        saga.step(note("of version 3")).await?;
        saga.signal::<Deployed>().within(A_DAY).await?;
        Ok("known again".to_owned())
    }
}

/// Kills whoever runs it.
pub(super) struct Deadly;

impl Workflow for Deadly {
    const NAME: &'static str = "trouble_deadly";
    type Steps = (Note,);
    type Input = ();
    type Output = String;

    async fn run(mut saga: Saga<Self>, (): ()) -> Result<String, Failure> {
        if generation() == Some(Generation::Deadly) {
            std::process::abort();
        }
        Ok(saga.step(note("survived")).await?)
    }
}
