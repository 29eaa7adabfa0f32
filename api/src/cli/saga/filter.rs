//! The flags that say which sagas.

use anyhow::Context;
use clap::Args;
use orchestrator::{
    State,
    operator::{Filter, Operator, Trouble},
};
use service::operators::{narrowed, span};

#[derive(Clone, Debug, Default, Args)]
pub struct Which {
    /// In this state: running, waiting, unwinding, completed, unwound or stuck
    #[arg(long, alias = "state")]
    pub status: Option<State>,
    /// Of this workflow
    #[arg(long)]
    pub workflow: Option<String>,
    /// At this step or signal
    #[arg(long)]
    pub step: Option<String>,
    /// Of the group with this fingerprint, as `usher saga groups` prints it
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    pub cause: Option<String>,
    /// On this work-list: stuck, in_doubt, owed, retrying, overdue, silent or paused
    #[arg(long, value_name = "WORK-LIST")]
    pub trouble: Option<Trouble>,
    /// Not written for so long, such as `15m`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub older_than: Option<chrono::TimeDelta>,
    /// What a word means: an id, a name, an address, a booking's code, a seat, a gateway's reference
    #[arg(long, value_name = "WORD")]
    pub search: Option<String>,
}

impl Which {
    /// The filter; `None` if nothing can fit, because the search found nothing.
    pub async fn filter(&self, operator: &Operator) -> anyhow::Result<Option<Filter>> {
        let filter = Filter {
            status: self.status,
            workflow: self.workflow.clone(),
            step: self.step.clone(),
            cause: self.cause.clone(),
            trouble: self.trouble,
            older_than_s: self.older_than.map(|span| span.num_seconds()),
            ids: Vec::new(),
        };
        narrowed(operator, filter, self.search.as_deref()).await.context("searching")
    }
}

fn fingerprint(text: &str) -> Result<String, &'static str> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == 64 && text.bytes().all(hex);
    if fits { Ok(text.to_owned()) } else { Err("a fingerprint has 64 hexadecimal digits") }
}
