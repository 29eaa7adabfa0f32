//! `usher saga act <id> <action> --reason …`: does an operator's action; `--preview` shows beforehand what it would do.

use super::{
    super::{
        by, out,
        out::Tone,
        outcome::{WAITS, print_plan, refused},
        proposal,
    },
    action_args::ActionArgs,
};
use clap::Args;
use operator::{Expected, Requested};
use orchestrator::SagaId;
use service::{
    config::Config,
    node, operators,
    operators::{PlanView, ProposalView},
};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 it is done; 1 the saga's state forbids it, or saga or plan have changed; 2 it was called wrongly, or it could
not be told; 3 it waits for a second person.

Examples:
  usher saga act 01890a5d-ac96-774b-bcce-b302099a8057 retry-now --reason 'the bank is back' --preview
  usher saga act 01890a5d-ac96-774b-bcce-b302099a8057 retry-now --reason 'the bank is back' --etag 3-7-stuck --plan 5e1d…
  usher saga act 01890a5d-ac96-774b-bcce-b302099a8057 rewind 4 --reason 'another gateway'
  usher saga list --trouble owed --ids | xargs -I{} usher saga act {} write-off --reason 'settled by hand'")]
pub struct Act {
    /// The saga's id
    saga: SagaId,
    #[command(subcommand)]
    action: ActionArgs,
    /// Why; it is kept in the audit
    #[arg(long, global = true, default_value = "")]
    reason: String,
    /// Who you are
    #[arg(long, global = true, env = "USER", default_value = "unknown")]
    by: String,
    /// Only show what would be done
    #[arg(long, global = true)]
    preview: bool,
    /// The version that you have seen, from a preview or `usher saga why --json` [default: the saga as it is now]
    #[arg(long, global = true)]
    etag: Option<String>,
    /// The hash of a preview; nothing is done if the plan is a different one now
    #[arg(long, global = true)]
    plan: Option<String>,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Act {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let action = self.action.0;
        let by = if self.preview { by::by_for_preview } else { by::by }(&self.by, &self.reason)?;
        let operator = operators::desk(&node::client(config).await?, config);
        let done = if self.preview {
            operator.plan(self.saga, action, by).await.map(Requested::Done)
        } else {
            let etag = match self.etag {
                Some(etag) => etag,
                None => operator.see(self.saga).await?.etag,
            };
            operator.request(self.saga, action, by, Expected { etag, plan_hash: self.plan }).await
        };
        match done {
            Ok(Requested::Done(plan)) if self.json => out::json(&PlanView::from(plan))?,
            Ok(Requested::Done(plan)) => {
                print_plan(&plan, self.preview);
                if self.preview {
                    let (etag, hash) = (plan.etag, plan.hash);
                    out::line(format_args!(
                        "nothing was done; to do exactly this: --etag {etag} --plan {hash}"
                    ));
                }
            }
            Ok(Requested::Proposed(proposal)) => {
                if self.json {
                    out::json(&ProposalView::from(proposal))?;
                } else {
                    out::line(out::paint("nothing was done: a second person must agree", Tone::Warn));
                    proposal::print(&proposal);
                }
                return Ok(ExitCode::from(WAITS));
            }
            Err(error) => return refused(error),
        }
        Ok(ExitCode::SUCCESS)
    }
}
