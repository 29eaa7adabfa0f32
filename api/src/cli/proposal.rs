//! `usher proposal list|show|consent|decline`: actions that wait for a second person.

use super::{
    by, out,
    out::Tone,
    outcome::{print_plan, refused},
};
use clap::{Args, Subcommand};
use operator::{By, Operator, Proposal, ProposalId, ProposalState};
use service::{
    config::Config,
    node, operators,
    operators::{PlanView, ProposalView},
};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Proposals {
    /// List what waits for a second person, and what was decided, newest first
    List(List),
    /// Show one proposal, and what it would do now
    Show(Show),
    /// Agree: exactly what was proposed is done, in both names, or nothing is done
    Consent(Decide),
    /// Decline; the person who proposed it may withdraw it this way
    Decline(Decide),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher proposal list --open
  usher proposal list --open --ids | xargs -I{} usher proposal show {}")]
pub struct List {
    /// Only proposals that can still be decided
    #[arg(long)]
    open: bool,
    /// How many proposals to list, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Only ids, one a line
    #[arg(long, conflicts_with = "json")]
    ids: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher proposal show 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct Show {
    /// The proposal's id
    id: ProposalId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 it is done; 1 it is decided, too old, your own, or would do something else by now; 2 it could not be told.

Examples:
  usher proposal consent 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'seen the bank statement' --by eric
  usher proposal decline 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'ask the customer first' --by eric")]
pub struct Decide {
    /// The proposal's id
    id: ProposalId,
    /// Why; it is kept in the audit
    #[arg(long)]
    reason: String,
    /// Who you are
    #[arg(long, env = "USER", default_value = "unknown")]
    by: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Proposals {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = operators::desk(&node::client(config).await?, config);
        match self {
            Self::List(command) => command.run(&operator).await,
            Self::Show(command) => command.run(&operator).await,
            Self::Consent(command) => command.consent(&operator).await,
            Self::Decline(command) => command.decline(&operator).await,
        }
    }
}

impl List {
    async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        let found = operator.proposals(self.open, None, self.limit).await?;
        if self.ids {
            found.iter().for_each(|proposal| out::line(proposal.id));
            return Ok(ExitCode::SUCCESS);
        }
        if self.json {
            out::json(&found.into_iter().map(ProposalView::from).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["proposal", "state", "action", "saga", "moves", "asked by", "why"]);
        for proposal in found {
            let state = proposal.state;
            table.add_row([
                out::cell(proposal.id.to_string(), Tone::Plain),
                out::cell(state.to_string(), tone_of(state)),
                out::cell(out::word(proposal.action.name()), Tone::Strong),
                out::cell(proposal.saga.to_string(), Tone::Plain),
                out::cell(out::stakes(&proposal.money), Tone::Plain),
                out::cell(proposal.actor, Tone::Plain),
                out::cell(out::short(&proposal.reason, 100), Tone::Plain),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        let proposal = operator.proposal(self.id).await?;
        if self.json {
            out::json(&ProposalView::from(proposal))?;
            return Ok(ExitCode::SUCCESS);
        }
        print(&proposal);
        if proposal.state == ProposalState::Open {
            let by = By { actor: proposal.actor.clone(), reason: proposal.reason.clone() };
            match operator.plan(proposal.saga, proposal.action.clone(), by).await {
                Ok(plan) => print_plan(&plan, true),
                Err(error) => return refused(error),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Decide {
    async fn consent(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        match operator.consent(self.id, by::by(&self.by, &self.reason)?).await {
            Ok(plan) if self.json => out::json(&PlanView::from(plan))?,
            Ok(plan) => print_plan(&plan, false),
            Err(error) => return refused(error),
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn decline(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        match operator.decline(self.id, by::by(&self.by, &self.reason)?).await {
            Ok(proposal) if self.json => out::json(&ProposalView::from(proposal))?,
            Ok(proposal) => print(&proposal),
            Err(error) => return refused(error),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints a proposal, and what the second person can do about it.
pub fn print(proposal: &Proposal) {
    let state = proposal.state;
    let (id, action, saga) = (proposal.id, out::word(proposal.action.name()), proposal.saga);
    out::line(format_args!("proposal {id}  {}", out::paint(state.to_string(), tone_of(state))));
    out::line(format_args!("`{action}` on saga {saga}, moving {}", out::stakes(&proposal.money)));
    let (actor, reason) = (out::clean(&proposal.actor), out::clean(&proposal.reason));
    out::line(format_args!("asked by {actor}: {reason}"));
    if let (Some(by), Some(why)) = (&proposal.decided_by, &proposal.decided_why) {
        out::line(format_args!("decided by {}: {}", out::clean(by), out::clean(why)));
    }
    if state == ProposalState::Open {
        let until = out::time(proposal.expires_at);
        out::line(format_args!(
            "a second person can agree until {until}: usher proposal consent {id} --reason …"
        ));
    }
}

fn tone_of(state: ProposalState) -> Tone {
    match state {
        ProposalState::Open => Tone::Warn,
        ProposalState::Consented => Tone::Good,
        ProposalState::Outdated | ProposalState::Declined | ProposalState::Expired => Tone::Dim,
    }
}
