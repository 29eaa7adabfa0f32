//! `usher venue`: houses to sell seats in, generated and loaded; and what there is.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use sqlx::PgConnection;
use std::io::{self, Write};
use std::time::Duration;
use steps::store::{events, seats};
use steps::venue::{Kind, Loaded, Opening, Venue, load};
use steps::{Currency, EventId};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum VenueCommand {
    /// Put a generated venue on sale; each kind and seed is loaded once
    Generate(Generate),
    /// List the events, their venues and their seats
    List(List),
}

/// The arguments of `generate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher venue generate theatre
  usher venue generate stadium --seed 7 --name 'Cup final' --starts-at 2030-06-01T18:00:00Z
  usher venue generate theatre --seed 2 --hold-ms 5000     reservations that expire while you watch")]
pub struct Generate {
    /// theatre (500 seats), arena (20,000) or stadium (80,000)
    kind: Kind,
    /// The seed of the venue: the same seed makes the same venue
    #[arg(long, default_value_t = 1)]
    seed: i64,
    /// The event's name [default: the kind and the seed]
    #[arg(long)]
    name: Option<String>,
    /// When it begins, as RFC 3339 [default: in 30 days]
    #[arg(long, value_name = "TIME")]
    starts_at: Option<DateTime<Utc>>,
    /// The currency of the prices, ISO 4217
    #[arg(long, default_value = "EUR")]
    currency: Currency,
    /// How long a reservation holds its seats, in milliseconds [default: 300000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    hold_ms: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// The most events to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
    /// Only events made after this one
    #[arg(long, value_name = "EVENT")]
    after: Option<EventId>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands on a connection of its own.
///
/// # Errors
/// What the database said, and a name or time that it refuses.
pub async fn run(command: VenueCommand, connection: &mut PgConnection) -> anyhow::Result<()> {
    match command {
        VenueCommand::Generate(generate) => generate.run(connection).await,
        VenueCommand::List(list) => list.run(connection).await,
    }
}

impl Generate {
    async fn run(self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let Self { kind, seed, .. } = self;
        let now = Utc::now(); // only for what people read: when the event was made, and when it begins
        let name = self.name.clone().unwrap_or_else(|| format!("A night at {kind} {seed}"));
        let opening = Opening {
            name: &name,
            starts_at: self.starts_at.unwrap_or(now + TimeDelta::days(30)),
            currency: self.currency,
        };
        let venue = Venue::generate(kind, seed);
        let loaded = load(connection, &venue, &opening, now)
            .await
            .with_context(|| format!("loading the {kind} with seed {seed}"))?;
        if let Some(hold_ms) = self.hold_ms {
            let hold = Duration::from_millis(hold_ms);
            let set = events::set_hold(connection, loaded.event, hold).await;
            set.with_context(|| format!("setting the hold of event {}", loaded.event))?;
        }
        self.print_loaded(&loaded)
    }

    fn print_loaded(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let Loaded { event, seats, new } = loaded;
        if self.json {
            let json = serde_json::json!({ "event_id": event, "seats": seats, "new": new });
            return say(serde_json::to_string_pretty(&json)?);
        }
        let what = if *new { "is on sale" } else { "was there already" };
        say(format!("event {event}: the {} with seed {} {what}, {seats} seats", self.kind, self.seed))
    }
}

impl List {
    async fn run(self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let events = events::list(connection, self.after, self.limit).await.context("listing the events")?;
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let seats = seats::count(connection, event.event).await?;
            rows.push((event, seats));
        }
        if self.json {
            let json: Vec<_> = rows
                .iter()
                .map(|(event, seats)| {
                    serde_json::json!({
                        "event_id": event.event, "name": event.name, "venue": event.venue, "seed": event.seed,
                        "sale": event.sale, "starts_at": event.starts_at, "currency": event.currency,
                        "hold_ms": event.hold.as_millis() as u64, "seats": seats,
                    })
                })
                .collect();
            return say(serde_json::to_string_pretty(&json)?);
        }
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["event", "name", "venue", "seed", "sale", "seats", "hold", "begins"]);
        for (event, seats) in rows {
            table.add_row([
                event.event.to_string(),
                event.name,
                event.venue,
                event.seed.map_or_else(String::new, |seed| seed.to_string()),
                event.sale.to_string(),
                seats.to_string(),
                format!("{:?}", event.hold),
                event.starts_at.format("%Y-%m-%d %H:%M UTC").to_string(),
            ]);
        }
        say(table)
    }
}

/// Prints a line; a closed pipe (`usher venue list | head`) is no error.
fn say(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let _ = writeln!(io::stdout(), "{text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: VenueCommand,
    }

    #[test]
    fn the_command_line_reads_a_house_and_refuses_what_is_none() {
        let words = ["usher", "generate", "arena", "--seed", "7", "--hold-ms", "5000"];
        let VenueCommand::Generate(generate) = Line::try_parse_from(words).unwrap().command else {
            panic!("not generate")
        };
        assert_eq!((generate.kind, generate.seed, generate.hold_ms), (Kind::Arena, 7, Some(5000)));
        for words in [["generate", "circus"], ["generate", "--seed=x"], ["list", "--limit=0"]] {
            assert!(Line::try_parse_from(["usher"].into_iter().chain(words)).is_err(), "{words:?}");
        }
    }
}
