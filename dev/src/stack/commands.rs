//! What the child processes are told: this same program, other subcommands, one environment.

use rand::Rng;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that the children must know, and how each is called.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    program: PathBuf,
    urls: Urls,
    node: SocketAddr,
    gateway: SocketAddr,
    gateway_key: String,
    webhook_secret: String,
    session_key: String,
    books: PathBuf,
    /// The file that says which code is deployed, where there is to be trouble.
    trouble: Option<PathBuf>,
}

/// Where the servers are.
#[derive(Clone, Debug)]
pub(super) struct Urls {
    /// The URL for the tables' owner, if that is another user than the one who serves.
    pub owner: Option<String>,
    /// The URL for the node and everybody else.
    pub database: String,
    pub redis: String,
}

/// The role that the node serves as, on a PostgreSQL of ours.
pub(super) const APP_ROLE: &str = "usher_app";
/// A role that may only read, for people.
const READ_ROLE: &str = "usher_read";

/// A venue that is generated if there is none like it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoVenue {
    /// How it is shown, and how it is found again.
    pub name: &'static str,
    /// The seed of the generator; two venues need two.
    pub seed: u64,
    /// How long its seats stay reserved.
    pub hold_ms: i64,
}

/// Where people book.
pub(super) const THEATRE: DemoVenue = DemoVenue { name: "Hamlet", seed: 1, hold_ms: 300_000 };
/// Where trouble is made: no reservation expires while people look. Its name tests that pages escape it.
pub(super) const TROUBLED_THEATRE: DemoVenue =
    DemoVenue { name: "<b>Much Ado</b> & \"Nothing\"", seed: 3, hold_ms: 86_400_000 };
/// Where the demonstration shows what happens to those who reserve and go away.
pub(super) const HASTY_THEATRE: DemoVenue = DemoVenue { name: "Macbeth, in haste", seed: 2, hold_ms: 4_000 };

impl Commands {
    /// Draws new keys and secrets: the node and the gateway are both ours, and start together.
    pub fn new(
        program: PathBuf,
        urls: Urls,
        node: SocketAddr,
        gateway: SocketAddr,
        folder: &Path,
        trouble: Option<PathBuf>,
    ) -> Self {
        let secret = || format!("{:032x}", rand::rng().random::<u128>());
        Self {
            program,
            urls,
            node,
            gateway,
            gateway_key: format!("sk_test_{}", secret()),
            webhook_secret: format!("whsec_{}", secret()),
            session_key: secret(),
            books: folder.join("gateway.books"),
            trouble,
        }
    }

    /// The API and the lanes.
    pub fn node(&self) -> Command {
        self.usher(&["serve"])
    }

    /// A node that runs nothing but what kills it. Its lease is short, so that its claims soon count.
    pub fn deadly_node(&self, generation: &Path) -> Command {
        let mut command = self.usher_with(Some(generation), &["serve", "--no-http"]);
        command.env("USHER_LANES_LEASE_MS", "500");
        command
    }

    /// The simulated payment gateway.
    pub fn gateway(&self) -> Command {
        let mut command = self.usher(&["gateway", "--listen", &self.gateway.to_string()]);
        command.args(["--webhook-url", &format!("{}/webhooks/stripe", self.node_url())]);
        command.arg("--books").arg(&self.books);
        command.env("USHER_GATEWAY_API_KEY", &self.gateway_key);
        command.env("USHER_GATEWAY_WEBHOOK_SECRET", &self.webhook_secret);
        command
    }

    /// Brings the database up to date, and on a PostgreSQL of ours makes the roles.
    pub fn migrate(&self) -> Command {
        match &self.urls.owner {
            Some(owner) => {
                let mut command = self.usher(&["migrate", "--app-role", APP_ROLE, "--read-role", READ_ROLE]);
                command.env("USHER_DATABASE_URL", owner);
                command
            }
            None => self.usher(&["migrate"]),
        }
    }

    /// Makes a theatre of 500 seats.
    pub fn generate(&self, venue: DemoVenue) -> Command {
        let mut command = self.usher(&["venue", "generate", "theatre", "--name", venue.name]);
        command.args(["--seed", &venue.seed.to_string(), "--hold-ms", &venue.hold_ms.to_string()]);
        command
    }

    /// Makes a token and prints it.
    pub fn token(&self, role: &str, subject: &str) -> Command {
        let mut command = self.usher(&["token", "create", "--role", role]);
        if role == "customer" {
            command.args(["--name", subject, "--email", &format!("{subject}@example.com")]);
        } else {
            command.args(["--subject", subject]);
        }
        command
    }

    /// Makes a customer of this name, and prints their token.
    pub fn token_of_customer(&self, name: &str, email: &str) -> Command {
        self.usher(&["token", "create", "--role", "customer", "--name", name, "--email", email])
    }

    /// Acts on a saga.
    pub fn act_on_saga(&self, saga: &str, words: &[&str]) -> Command {
        let mut command = self.usher(&["saga", "act", saga]);
        command.args(words);
        command
    }

    /// Prints why a saga is where it is.
    pub fn why_saga(&self, saga: &str) -> Command {
        self.usher(&["saga", "why", saga])
    }

    /// Prints a saga's timeline.
    pub fn show_saga(&self, saga: &str) -> Command {
        self.usher(&["saga", "show", saga])
    }

    /// Looks for violations of what must always hold.
    pub fn verify(&self) -> Command {
        self.usher(&["verify"])
    }

    /// Where the API is.
    pub fn node_url(&self) -> String {
        format!("http://{}", self.node)
    }

    /// Where the gateway is.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway)
    }

    /// For the witnesses.
    pub fn database_url(&self) -> &str {
        &self.urls.database
    }

    /// For the witnesses.
    pub fn redis_url(&self) -> &str {
        &self.urls.redis
    }

    /// What every command must know, by the names of variables.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        /// A killed node's sagas are taken over in seconds. What the caller has set wins.
        const LEASE_MS: &str = "2000";
        vec![
            ("USHER_DATABASE_URL", self.urls.database.clone()),
            ("USHER_REDIS_URL", self.urls.redis.clone()),
            ("USHER_HTTP_LISTEN", self.node.to_string()),
            ("USHER_GATEWAY_URL", self.gateway_url()),
            ("USHER_GATEWAY_KEY", self.gateway_key.clone()),
            ("USHER_GATEWAY_WEBHOOK_SECRETS", self.webhook_secret.clone()),
            // A node that is killed and started again knows those who have signed in.
            ("USHER_HTTP_SESSION_KEY", self.session_key.clone()),
            ("USHER_LANES_LEASE_MS", std::env::var("USHER_LANES_LEASE_MS").unwrap_or(LEASE_MS.to_owned())),
        ]
    }

    /// The file that says which code is deployed, where there is to be trouble.
    pub fn code(&self) -> Option<&Path> {
        self.trouble.as_deref()
    }

    /// A command of this program. If there is to be trouble, it runs with the code that is deployed.
    fn usher(&self, arguments: &[&str]) -> Command {
        self.usher_with(self.trouble.as_deref(), arguments)
    }

    /// Secrets are passed in the environment, because everybody can read a command line.
    fn usher_with(&self, code: Option<&Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(code) = code {
            command.args(["dev", "deployed"]).arg(code);
        }
        command.args(arguments).envs(self.environment());
        command
    }
}
