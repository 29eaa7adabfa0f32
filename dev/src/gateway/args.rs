//! `usher gateway`: the simulator as a process.

use super::{Config, Speak, serve::Server};
use anyhow::Context;
use std::{future::Future, net::SocketAddr, path::PathBuf, time::Duration};
use tokio::net::TcpListener;

/// Examples of the command line.
const EXAMPLES: &str = "\
Examples:
  A gateway on a free port, its events sent to a node on 8080:
    usher gateway --webhook-url http://127.0.0.1:8080/webhooks/stripe

  One that keeps its books, and where a third of everything goes wrong:
    usher gateway --listen 127.0.0.1:8081 --books gateway.jsonl --chaos 0.3 --seed 7

  Ask it for money, and then look into its books:
    curl http://127.0.0.1:8081/v1/payment_intents -H 'authorization: Bearer sk_test_usher' \\
      -d amount=12500 -d currency=eur -d capture_method=manual -d payment_method=pm_card_visa
    curl http://127.0.0.1:8081/control/books

  Let the next confirmation have its effect and then say nothing:
    curl http://127.0.0.1:8081/control/rules -H 'content-type: application/json' \\
      -d '{\"match\": {\"on\": [\"confirm\"]}, \"times\": 1, \"do\": {\"after\": \"hang\"}}'

Payment methods: pm_card_visa, pm_card_chargeDeclined, pm_card_authenticationRequired,
  pm_processing_settles, pm_processing_fails, pm_card_pendingRefund, pm_card_refundFail, pm_card_createDispute
Rules: \"match\": on, payment_id, saga_id, reservation_id, intent, method, event;
  \"do\": delay_ms, answer_delay_ms, before, confirm, again_after_ms, refund, lax, bare, twice, after, blind, lie,
  webhook
  All of them, and /control, are described in docs/payment-gateways.md";

/// Simulates a payment gateway: the part of Stripe's API that Usher uses, with books to read and faults to order.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The address to listen on; port 0 takes a free port. The address is printed.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The protocol: Stripe's, or the standard protocol of docs/payment-gateways.md.
    #[arg(long, value_enum, default_value_t = Speak::Stripe)]
    pub speak: Speak,
    /// A URL to send events to; may be given several times.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Vec<String>,
    /// A secret to sign events with; several secrets make several signatures, as in a rotation.
    #[arg(
        long,
        value_name = "SECRET",
        // The node reads the same variables, so that one environment serves both.
        env = "USHER_GATEWAY_WEBHOOK_SECRETS",
        hide_env_values = true,
        value_delimiter = ',',
        value_parser = secret,
        default_value = "whsec_usher_simulator"
    )]
    pub webhook_secret: Vec<String>,
    /// The secret key that clients must show.
    #[arg(
        long,
        value_name = "KEY",
        env = "USHER_GATEWAY_KEY",
        hide_env_values = true,
        default_value = "sk_test_usher"
    )]
    pub api_key: String,
    /// Keep the books in this file across restarts [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub books: Option<PathBuf>,
    /// The share of all requests and events that go wrong at random, from 0 to 1.
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = part)]
    pub chaos: f64,
    /// The seed of the random faults: the same seed makes the same draws.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
    /// After how many milliseconds customers who must act approve by themselves [default: they wait for the page]
    #[arg(long, value_name = "MS")]
    pub approve_delay: Option<u64>,
    /// How long processing payments and pending refunds take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub settle_delay: u64,
}

/// Serves until `shutdown` is ready; prints `listening on http://…` once it takes requests.
///
/// # Errors
/// The address can't be listened on, or [`super::ServeError`].
#[expect(clippy::print_stdout, reason = "the address is what a script that starts it waits for")]
pub async fn run(args: Args, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("listening on {}; choose another address with --listen", args.listen))?;
    let server = Server::open(args.into(), listener).context("starting the simulated gateway")?;
    println!("listening on {}", server.url());
    server.run(shutdown).await.context("serving the simulated gateway")
}

impl From<Args> for Config {
    fn from(args: Args) -> Self {
        Self {
            speak: args.speak,
            api_key: args.api_key,
            webhook_urls: args.webhook_url,
            webhook_secrets: args.webhook_secret,
            books: args.books,
            chaos: args.chaos,
            seed: args.seed,
            approve_delay: args.approve_delay.map(Duration::from_millis),
            settle_delay: Duration::from_millis(args.settle_delay),
            ..Self::default()
        }
    }
}

/// Drops the end date that a node's secret may have (`whsec_old until 2027-01-01T00:00:00Z`): a signer doesn't need it.
fn secret(text: &str) -> Result<String, String> {
    let secret = text.split_once(" until ").map_or(text, |(secret, _)| secret).trim();
    if secret.is_empty() { Err("an empty secret".to_owned()) } else { Ok(secret.to_owned()) }
}

fn part(text: &str) -> Result<f64, String> {
    let part: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&part) { Ok(part) } else { Err("a share must be from 0 to 1".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command, FromArgMatches};

    fn parse(line: &str) -> Result<Args, clap::Error> {
        let command = Args::augment_args(Command::new("gateway"));
        Args::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn the_command_line_becomes_the_configuration() {
        let args =
            parse("gateway --webhook-url http://a --webhook-url http://b --chaos 0.3 --approve-delay 5");
        let config = Config::from(args.unwrap());
        assert_eq!(config.webhook_urls, ["http://a", "http://b"]);
        assert_eq!(config.approve_delay, Some(Duration::from_millis(5)));
        assert_eq!(secret(" whsec_old until 2027-01-01T00:00:00Z").unwrap(), "whsec_old");
        assert!(parse("gateway --chaos 3").is_err());
        assert!(parse("gateway --chaos nan").is_err());
        Args::augment_args(Command::new("gateway")).debug_assert();
    }
}
