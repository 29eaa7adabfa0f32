//! One round: a fresh database, one contender's load, and the proof that it did what it says.

use crate::{
    Options, check,
    cpu::Cpu,
    load::{self, Load},
    meter::Meter,
    sale::Seats,
    servers::{self, Servers},
    tally::{Clock, Tally},
};
use anyhow::Context;
use indicatif::ProgressBar;
use std::{sync::Arc, time::Duration};

/// How long sagas don't count yet: the first ones pay for plans, caches and the images of first pages in the log.
pub(crate) const WARM_UP: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

/// The contender that sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Contender {
    /// The booking workflow on the saga engine.
    Engine,
    /// A statement to reserve and a statement to confirm.
    TwoStatements,
    /// The same two statements for a batch.
    Batched,
}

/// A round that is about to run.
pub(crate) struct Round<'a> {
    pub contender: Contender,
    pub options: &'a Options,
    pub servers: &'a Servers,
    pub seats: &'a Arc<Seats>,
    pub progress: &'a ProgressBar,
}

/// The results of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub sagas_per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub commits_per_saga: f64,
    pub wal_bytes_per_saga: f64,
    /// Microseconds a saga.
    pub cpu: Option<Cpu>,
}

impl Contender {
    pub const ALL: [Self; 3] = [Self::Engine, Self::TwoStatements, Self::Batched];

    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::TwoStatements => "two statements",
            Self::Batched => "batches of 128",
        }
    }
}

/// How many steps of progress a round has.
pub(crate) fn ticks(window: Duration) -> u64 {
    ((WARM_UP + window).as_millis() / TICK.as_millis()) as u64
}

impl Round<'_> {
    pub async fn run(&self, title: &str) -> anyhow::Result<Figures> {
        self.progress.set_message(format!("{title}: a fresh database"));
        let url = self.servers.fresh().await?;
        self.seats.rewind();

        let meter = Meter::start(self.servers).await?;
        let clock = Clock::begin(WARM_UP, self.options.window());
        let load = Arc::new(Load { url: url.clone(), seats: self.seats.clone(), tally: Tally::new(clock) });
        let gateway = {
            let selling = self.sell(&load);
            tokio::pin!(selling);
            loop {
                tokio::select! {
                    sold = &mut selling => break sold?,
                    () = tokio::time::sleep(TICK) => self.show_progress(title, &load),
                }
            }
        };
        let load = Arc::into_inner(load).context("a seller still runs; this is a bug of the benchmark")?;
        let noted = load.tally.finish();
        let used = meter.stop().await?;

        self.progress.set_message(format!("{title}: checking {} bookings", noted.bookings.len()));
        anyhow::ensure!(noted.measured > 0, "no saga came to rest within the window; raise --seconds");
        let mut connection = servers::connect(&url).await?;
        check::rows(&mut connection, &noted.bookings).await?;
        if let Some(gateway) = gateway {
            check::money(&gateway.books(), noted.bookings.len())?;
        }
        let sagas = noted.bookings.len() as f64;
        let quantile_ms = |quantile| noted.latencies_us.value_at_quantile(quantile) as f64 / 1e3;
        Ok(Figures {
            sagas_per_s: noted.measured as f64 / self.options.window().as_secs_f64(),
            p50_ms: quantile_ms(0.50),
            p99_ms: quantile_ms(0.99),
            commits_per_saga: used.commits as f64 / sagas,
            wal_bytes_per_saga: used.wal_bytes as f64 / sagas,
            cpu: used.cpu.map(|cpu| cpu / sagas),
        })
    }

    /// Sells until the clock stops and everything is at rest; the engine's round gives its gateway.
    async fn sell(&self, load: &Arc<Load>) -> anyhow::Result<Option<load::engine::Gateway>> {
        match self.contender {
            Contender::Engine => {
                load::engine::sell(load, self.options, &self.servers.redis_url()).await.map(Some)
            }
            Contender::TwoStatements => load::two_statements::sell(load).await.map(|()| None),
            Contender::Batched => load::batched::sell(load).await.map(|()| None),
        }
    }

    fn show_progress(&self, title: &str, load: &Load) {
        self.progress.inc(u64::from(load.tally.clock().runs()));
        self.progress.set_message(format!("{title}: {} sagas", load.tally.count()));
    }
}
