//! `usher events tail`

use super::{
    super::{moment::Moment, pool, signals},
    failed,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use orchestrator::{
    SagaId,
    outbox::{self, Message, MessageKey, Which},
};
use service::clock::now;
use service::{config::Config, outbox::event::CloudEvent};
use sqlx::PgConnection;
use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

/// Prints the messages that sagas have emitted, whether or not anybody is subscribed. Messages are kept for 14 days.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher events tail                                    the last ones
  usher events tail --follow                           and what comes, until Ctrl-C
  usher events tail --since 1h --type booking.confirmed
  usher events tail --since 14d --saga 0199c0de-0000-7000-8000-000000000123
  usher events tail --follow --json | jq .data         CloudEvents, one a line
  usher events tail --failed                           what did not arrive, to whom, and why")]
pub struct Tail {
    /// Only messages of these types, separated by commas
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,
    /// Only messages of this saga
    #[arg(long)]
    saga: Option<SagaId>,
    /// Begin at this moment: a time, or how long ago, such as `15m` [default: begin with the last messages]
    #[arg(long)]
    since: Option<Moment>,
    /// How many of the last messages to print
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(i64).range(0..=10_000),
          conflicts_with = "since")]
    lines: i64,
    /// Print new messages as they come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only messages that are late or were given up, with their subscription and last error
    #[arg(long, conflicts_with_all = ["follow", "lines"])]
    failed: bool,
    /// As CloudEvents, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Messages that one statement reads.
const PAGE: i64 = 500;
/// How often we look for new messages.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// A message bears the time at which its transaction began. No transaction of ours lasts so long, so nothing older than
/// this can still appear.
const LATE: TimeDelta = TimeDelta::seconds(20);

impl Tail {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let leaving = signals::leaving()?;
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let printed = async {
            if self.failed {
                failed::print_failed(&mut connection, &self.types, self.saga, self.since, self.json).await
            } else {
                self.print_messages(&mut connection).await
            }
        };
        // Ctrl-C is how people end this, so it is a good end.
        match leaving.run_until_cancelled(printed).await {
            Some(Err(TailError::Database(error))) => Err(error.into()),
            // Whoever read the pipe has seen enough.
            Some(Ok(()) | Err(TailError::Closed)) | None => Ok(ExitCode::SUCCESS),
        }
    }

    async fn print_messages(&self, connection: &mut PgConnection) -> Result<(), TailError> {
        let at = now(connection).await?;
        let mut seen = Seen::from(at - LATE);
        match self.since {
            Some(since) => self.print_new(connection, since.from(at), &mut seen).await?,
            None => {
                // Those before the last ones are not new either, so they must be known before it goes on.
                self.each(connection, seen.from, |message| {
                    seen.insert(message);
                    Ok(())
                })
                .await?;
                for message in outbox::read_last(connection, &self.which(), self.lines).await? {
                    seen.insert(&message);
                    self.print(&message)?;
                }
            }
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let at = now(connection).await?;
            self.print_new(connection, seen.from, &mut seen).await?;
            seen.forget_before(at - LATE);
        }
    }

    /// Prints the new messages among those decided since then.
    async fn print_new(
        &self,
        connection: &mut PgConnection,
        from: DateTime<Utc>,
        seen: &mut Seen,
    ) -> Result<(), TailError> {
        self.each(connection, from, |message| if seen.insert(message) { self.print(message) } else { Ok(()) })
            .await
    }

    /// Reads all messages decided since then, page by page.
    async fn each(
        &self,
        connection: &mut PgConnection,
        from: DateTime<Utc>,
        mut act: impl FnMut(&Message) -> Result<(), TailError>,
    ) -> Result<(), TailError> {
        let mut after = None;
        loop {
            let page = outbox::read_page(connection, &self.which(), from, after, PAGE).await?;
            page.iter().try_for_each(&mut act)?;
            match page.last() {
                Some(last) if page.len() as i64 == PAGE => after = Some((last.decided_at, last.key)),
                _ => return Ok(()),
            }
        }
    }

    fn which(&self) -> Which<'_> {
        Which { kinds: &self.types, saga: self.saga }
    }

    fn print(&self, message: &Message) -> Result<(), TailError> {
        let event = CloudEvent::of(message);
        if self.json { print(&json(&event)) } else { print(&in_a_line(&event, message.decided_at)) }
    }
}

/// Prints a message for people.
pub(super) fn in_a_line(event: &CloudEvent<'_>, decided_at: DateTime<Utc>) -> String {
    let time = decided_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    format!("{time}  {:<22}  {}  {}", event.kind, event.subject, event.data)
}

/// A message for machines.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a value whose keys are text can be written as JSON")
}

/// Why following the messages ends.
#[derive(Debug)]
pub(super) enum TailError {
    Database(sqlx::Error),
    Closed,
}

impl From<sqlx::Error> for TailError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Prints a line without delay: whoever reads the pipe waits for it.
pub(super) fn print(line: &str) -> Result<(), TailError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| TailError::Closed)
}

/// The messages that were read lately. A message that began earlier may be committed later, so the last moments are read again.
struct Seen {
    from: DateTime<Utc>,
    keys: BTreeSet<(DateTime<Utc>, MessageKey)>,
}

impl Seen {
    fn from(from: DateTime<Utc>) -> Self {
        Self { from, keys: BTreeSet::new() }
    }

    /// Whether a message is new. A message that is older than the last moments is read only once.
    fn insert(&mut self, message: &Message) -> bool {
        message.decided_at < self.from || self.keys.insert((message.decided_at, message.key))
    }

    fn forget_before(&mut self, from: DateTime<Utc>) {
        self.from = from;
        self.keys.retain(|(at, _)| *at >= from);
    }
}
