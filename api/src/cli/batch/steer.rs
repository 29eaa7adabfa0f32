//! `usher batch pause|resume|cancel|consent <id> --reason …`

use super::{
    super::{by, out, outcome::refused},
    shown,
};
use clap::Args;
use operator::{BatchId, Operator};
use service::operators::{BatchMove, BatchView};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 it is so; 1 the batch's state forbids it, or a second person is needed; 2 it could not be told.

Examples:
  usher batch pause 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'the bank is slow'
  usher batch resume 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'the bank is back'
  usher batch consent 01890a5d-ac96-774b-bcce-b302099a8057 --reason 'as agreed by phone' --by eric")]
pub struct Steer {
    /// The batch's id
    id: BatchId,
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

impl Steer {
    pub async fn run(self, operator: &Operator, asked: BatchMove) -> anyhow::Result<ExitCode> {
        let by = by::by(&self.by, &self.reason)?;
        match asked.make(operator, self.id, by).await {
            Ok(batch) if self.json => out::json(&BatchView::from(batch))?,
            Ok(batch) => shown::print(&batch),
            Err(error) => return refused(error),
        }
        Ok(ExitCode::SUCCESS)
    }
}
