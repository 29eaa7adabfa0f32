//! The demonstration's tokens: made once a data folder, kept in a file that only we may read.

use super::commands::Commands;
use super::once;
use anyhow::Context;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use uuid::Uuid;

/// One bearer token a role.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub customer: String,
    pub operator: String,
}

impl Tokens {
    /// Reads those of an earlier run; makes new ones if there are none that this database knows.
    pub async fn read_or_create(
        folder: &Path,
        commands: &Commands,
        http: &reqwest::Client,
    ) -> anyhow::Result<Self> {
        let path = folder.join("tokens.json");
        let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        if let Some(tokens) = kept
            && tokens.are_known(commands, http).await?
        {
            return Ok(tokens);
        }
        let customer = token(commands, "customer", "ada").await?;
        let operator = token(commands, "operator", "grace").await?;
        let tokens = Self { customer, operator };
        tokens.write(&path).with_context(|| format!("writing `{}`", path.display()))?;
        Ok(tokens)
    }

    /// A reservation that doesn't exist is 404 to those who are known, and 401 to others.
    async fn are_known(&self, commands: &Commands, http: &reqwest::Client) -> anyhow::Result<bool> {
        let url = format!("{}/reservations/{}", commands.node_url(), Uuid::now_v7());
        let answer = http.get(url).bearer_auth(&self.customer).send().await?;
        Ok(answer.status() == StatusCode::NOT_FOUND)
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut options = std::fs::File::options();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(&serde_json::to_vec(self)?)
    }
}

/// The command prints the token as the last word.
async fn token(commands: &Commands, role: &str, subject: &str) -> anyhow::Result<String> {
    let printed = once::run(commands.token(role, subject)).await?;
    let token = printed.split_whitespace().last();
    token.map(str::to_owned).with_context(|| format!("`usher token create --role {role}` printed no token"))
}
