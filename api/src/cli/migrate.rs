//! `usher migrate`

use super::out;
use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use service::{
    config::Config,
    roles::{self, Purpose, RoleName},
};
use std::process::ExitCode;

/// Brings both schemas up to date, and the roles' rights with them. Run it as the tables' owner; nodes should serve
/// as the app role.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher migrate
  USHER_DATABASE_URL=postgres://owner@db/usher usher migrate --app-role usher_app --read-role usher_read
  USHER_DATABASE_URL=postgres://usher_app@db/usher usher serve

Roles that got rights once keep them, and get those on new tables, without being named again.")]
pub struct Migrate {
    /// The role that nodes serve as: it is created if it does not exist, and gets exactly the rights that a node needs
    #[arg(long, value_name = "NAME")]
    app_role: Option<RoleName>,
    /// A role that may only read
    #[arg(long, value_name = "NAME")]
    read_role: Option<RoleName>,
}

impl Migrate {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let url = config.database.url.expose_secret();
        service::migrate(url).await.context("bringing the database up to date")?;
        out::line("the database is up to date");
        let app = self.app_role.map(|name| (Purpose::App, name));
        let read = self.read_role.map(|name| (Purpose::Read, name));
        let wanted: Vec<_> = app.into_iter().chain(read).collect();
        for (purpose, name) in roles::grant(url, &wanted).await? {
            let may = match purpose {
                Purpose::App => "may serve, and may not change the journal, the audit or the ledger",
                Purpose::Read => "may read",
            };
            out::line(format_args!("`{}` {may}", name.as_str()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
