//! The flags that say which sagas.

use anyhow::Context;
use clap::Args;
use operator::{Filter, Operator, Trouble};
use orchestrator::State;
use service::operators::{narrow, words};

#[derive(Clone, Debug, Default, Args)]
pub struct FilterArgs {
    #[arg(long, alias = "state", value_parser = words::state,
        help = format!("Only sagas in this state: {}", words::listed(&words::STATES, State::as_str)))]
    pub status: Option<State>,
    /// Only sagas of this workflow
    #[arg(long)]
    pub workflow: Option<String>,
    /// Only sagas at this step or signal
    #[arg(long)]
    pub step: Option<String>,
    /// Only sagas of the group with this fingerprint, as `usher saga groups` prints it
    #[arg(long, value_name = "FINGERPRINT", value_parser = words::fingerprint)]
    pub cause: Option<String>,
    #[arg(long, value_name = "WORK-LIST", value_parser = words::trouble,
        help = format!("Only sagas on this work-list: {}", words::listed(&Trouble::ALL, Trouble::as_str)))]
    pub trouble: Option<Trouble>,
    /// Only sagas that nothing was written to for this long, such as `15m`
    #[arg(long, value_name = "SPAN", value_parser = words::older_than)]
    pub older_than: Option<i64>,
    /// Only sagas that this word finds: an id, a name, an address, a booking's code, a seat, a gateway's reference
    #[arg(long, alias = "q", value_name = "WORD")]
    pub search: Option<String>,
}

impl FilterArgs {
    /// The filter; `None` if no saga can match, because the search found nothing.
    pub async fn filter(&self, operator: &Operator) -> anyhow::Result<Option<Filter>> {
        let Self { status, workflow, step, cause, trouble, older_than, search } = self.clone();
        let filter =
            Filter { status, workflow, step, cause, trouble, older_than_s: older_than, ids: Vec::new() };
        narrow(operator, filter, search.as_deref()).await.context("searching")
    }
}
