//! `usher token create`

use super::{out, pool};
use crate::http::auth::{Role, issue, issue_customer};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token and print it, which is the only time it is shown
    Create(Create),
}

/// Every token has a subject. A customer is also a user, with a name and an e-mail address.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher token create --role customer --name Ada --email ada@example.org
  usher token create --role service --subject box-office --valid-days 90")]
pub struct Create {
    /// What the token may do
    #[arg(long)]
    role: Role,
    /// Whose token it is, as audits will name them [default for a customer: the user's id]
    #[arg(long)]
    subject: Option<String>,
    /// A customer's name
    #[arg(long)]
    name: Option<String>,
    /// A customer's e-mail address; a user is made if none has it
    #[arg(long)]
    email: Option<String>,
    /// How many days it is valid [default: until it is revoked]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=36_500))]
    valid_days: Option<i32>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Token {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Create(create) = self;
        create.run(config).await
    }
}

impl Create {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let (token, user) = match (self.role, &self.subject, &self.name, &self.email) {
            (Role::Customer, subject, Some(name), Some(email)) => {
                let (token, user) = issue_customer(&pool, subject.as_deref(), name, email, self.valid_days)
                    .await
                    .with_context(|| format!("making a token for the customer `{email}`"))?;
                (token, Some(user))
            }
            (Role::Customer, ..) => bail!("a customer needs `--name` and `--email`"),
            (role, Some(subject), None, None) => {
                let token = issue(&pool, role, subject, self.valid_days).await;
                (token.with_context(|| format!("making a token for `{subject}`"))?, None)
            }
            (role, ..) => {
                bail!("a token of role `{role}` needs `--subject`, and takes neither `--name` nor `--email`")
            }
        };
        if self.json {
            out::json(&serde_json::json!({
                "token": token.expose(), "role": self.role.as_str(), "user_id": user.map(|user| user.to_string()),
            }))?;
        } else {
            out::line(token.expose());
        }
        Ok(ExitCode::SUCCESS)
    }
}
