//! The servers of one test, and the program run against them.

use super::running::Running;
use dev::{Postgres, PostgresOptions, Redis, RedisOptions, Scratch};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

/// A PostgreSQL, and a Redis for those that need one.
pub struct World {
    pub postgres: Postgres,
    redis: Option<Redis>,
    scratch: Scratch,
    /// Who is logged in to the machine, if that matters.
    user: Option<&'static str>,
}

impl World {
    /// With an empty database.
    pub async fn empty() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scratch = Scratch::new().unwrap();
        let mut options = PostgresOptions::in_dir(scratch.path().join("services"));
        options.durable = false;
        let postgres = Postgres::start(options).await.unwrap();
        Self { postgres, redis: None, scratch, user: None }
    }

    /// With a database that has all tables.
    pub async fn open() -> Self {
        let world = Self::empty().await;
        world.prints(&["migrate"]);
        world
    }

    /// With a Redis too. Nothing depends on it: without one, nothing listens at its address.
    pub async fn with_redis(mut self) -> Self {
        let options = RedisOptions::in_dir(self.scratch.path().join("services"));
        self.redis = Some(Redis::start(options).await.unwrap());
        self
    }

    /// With somebody logged in to the machine.
    pub fn with_user(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    /// The program with these arguments, as the database's owner.
    pub fn usher(&self, arguments: &[&str]) -> Command {
        self.usher_as("usher", arguments)
    }

    /// The same as another role of the database.
    pub fn usher_as(&self, role: &str, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.env("USHER_DATABASE_URL", self.postgres.url_as(role, "postgres"));
        let redis = self.redis.as_ref().map_or("redis://127.0.0.1:1/".to_owned(), Redis::url);
        command.env("USHER_REDIS_URL", redis).env("USHER_GATEWAY_KEY", "sk_test_usher");
        command.env("USHER_HTTP_LISTEN", "127.0.0.1:0");
        if let Some(user) = self.user {
            command.env("USER", user);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.usher(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and gives what it prints.
    #[track_caller]
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, where it prints JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.prints(arguments)).unwrap()
    }

    /// The lines that a command prints, as a set.
    pub fn lines(&self, arguments: &[&str]) -> BTreeSet<String> {
        self.prints(arguments).lines().map(str::to_owned).collect()
    }

    /// Runs a command that must be refused, and gives what it says.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// A theatre on sale, and the token of a customer of this name.
    pub fn theatre_and_customer(&self, name: &str) -> String {
        self.prints(&["venue", "generate", "theatre"]);
        let customer =
            ["token", "create", "--role", "customer", "--name", name, "--email", "ada@example.org"];
        self.prints(&customer).trim().to_owned()
    }

    /// A connection of the database's owner.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.postgres.url("postgres")).await.unwrap()
    }
}

/// The program, as it was built for these tests.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.args(arguments);
    command
}

/// Starts a node, and gives the address at which it serves.
pub fn serving(command: Command) -> (Running, String) {
    let node = Running::logging(command);
    let line: Value = serde_json::from_str(&node.line_with("serving the API")).unwrap();
    let url = format!("http://{}", line["address"].as_str().unwrap());
    (node, url)
}
