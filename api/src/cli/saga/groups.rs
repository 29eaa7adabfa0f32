//! `usher saga groups`

use super::{
    super::{out, out::Tone},
    filter_args::FilterArgs,
};
use chrono::Utc;
use clap::Args;
use operator::Group;
use service::{
    config::Config,
    node,
    operators::{self, GroupView, action_row},
};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher saga groups                             what went wrong, by cause, and what to try first
  usher saga groups --trouble owed
  usher saga groups --json | jq -r '.[] | \"\\(.count) \\(.cause)\"'")]
pub struct Groups {
    #[command(flatten)]
    which: FilterArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Groups {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = operators::desk(&node::client(config).await?, config);
        let groups = match self.which.filter(&operator).await? {
            Some(filter) => operator.groups(&filter).await?,
            None => Vec::new(),
        };
        if self.json {
            out::json(&groups.into_iter().map(GroupView::from).collect::<Vec<_>>())?;
        } else if groups.is_empty() {
            out::line(out::paint("nothing has failed", Tone::Good));
        } else {
            groups.iter().for_each(print);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints a block for each group, because causes are long and commands are copied.
fn print(group: &Group) {
    let count = format!("{}{}", if group.capped { "at least " } else { "" }, group.count);
    out::line(format_args!("{}  {}", out::paint(count, Tone::Bad), out::paint(&group.cause, Tone::Strong)));
    let since = |time| out::age(Utc::now() - time);
    out::line(format_args!("   first {} ago, last {} ago", since(group.first_seen), since(group.last_seen)));
    if !group.stakes.is_empty() {
        out::line(format_args!("   at stake: {}", out::stakes(&group.stakes)));
    }
    out::line(format_args!("   try `{}`: {}", action_row(group.suggested).word, group.suggestion));
    out::line(out::paint(format!("   usher saga list --cause {}", group.fingerprint), Tone::Dim));
}
