//! `usher subscription add <url>`

use super::super::{out, pool};
use anyhow::{Context, bail};
use clap::Args;
use orchestrator::Bucket;
use secrecy::ExposeSecret;
use service::{
    config::Config,
    outbox::{
        Settings, SubscriptionId,
        address::check_url,
        resolver::check_name,
        secret,
        store::subscriptions::{self, SUBSCRIPTIONS_MAX},
    },
};
use std::process::ExitCode;

/// The subscription gets what is decided from now on. Prints its id and its signing secret, which is shown only once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher subscription add https://example.org/hooks
  usher subscription add https://example.org/hooks --types booking.confirmed,booking.cancelled
  usher subscription add https://example.org/hooks --secret - < secret

docs/events.md says which types there are, what is sent, and how to check it.")]
pub struct Add {
    /// Where to POST messages; https unless `outbox.private_addresses = \"allow\"`
    url: String,
    /// Only messages of these types, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,
    /// The signing secret, `whsec_` and base64; `-` reads it from standard input [default: a new one is made]
    #[arg(long)]
    secret: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// The longest name of a type, in characters, and the most types of one subscription.
const TYPE_CHARS_MAX: usize = 100;
const TYPES_MAX: usize = 50;

impl Add {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let private = Settings::of(config).private;
        let url = check_url(&self.url, private)?;
        check_name(&url, private).await?;
        check_types(&self.types)?;
        let secret = match self.secret.as_deref() {
            None => secret::draw(),
            Some("-") => {
                let text = std::io::read_to_string(std::io::stdin())
                    .context("reading the secret from standard input")?;
                secret::check(text.trim())?
            }
            Some(text) => secret::check(text)?,
        };
        let id = SubscriptionId::new_in(Bucket::of_key(url.as_str()));
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        if !subscriptions::insert(&mut connection, id, url.as_str(), &self.types, &secret).await? {
            bail!(
                "there are {SUBSCRIPTIONS_MAX} subscriptions, which is the most; `usher subscription remove` makes room"
            );
        }
        if self.json {
            out::json(&serde_json::json!({
                "id": id, "url": url.as_str(), "types": self.types, "secret": secret.expose_secret(),
            }))?;
        } else {
            out::line(format_args!("subscription  {id}"));
            out::line(format_args!("secret        {}", secret.expose_secret()));
            out::line("The secret is shown only this once. The receiver needs it to check signatures.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check_types(types: &[String]) -> anyhow::Result<()> {
    if types.len() > TYPES_MAX {
        bail!("at most {TYPES_MAX} types can be named; without `--types` all are sent");
    }
    let fits = |kind: &String| {
        let allowed =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter);
        !kind.is_empty() && kind.len() <= TYPE_CHARS_MAX && kind.chars().all(allowed)
    };
    match types.iter().find(|kind| !fits(kind)) {
        Some(kind) => {
            bail!("`{kind}` is not a type such as `booking.confirmed`; `docs/events.md` lists the types")
        }
        None => Ok(()),
    }
}
