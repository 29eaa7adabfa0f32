//! The engine's round: the booking workflow unchanged, with an instant gateway in this process, its seat locks in the
//! real Redis, and its payment ordered from outside as soon as the saga is started.

use super::{Load, buyer, join};
use crate::{Options, sale::Seat};
use anyhow::{Context, bail, ensure};
use orchestrator::{Client, Database, Ended, Engine, Reached, Settings};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use steps::{
    BookingId, Cashier, Confirm, PaymentId, Repayments, ReservationId, SeatList, Services,
    gateway::{CaptureMethod, PaymentMethod, instant},
    locks::{SeatLocks, SeatLocksConfig},
};
use tokio::task::JoinSet;
use workflows::{Booking, BookingRequest, PaymentOrder};

/// The gateway of a round, with its books.
pub(crate) type Gateway = instant::Instant;

/// The longest that a saga may take; if it takes longer, something is broken and not just slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sells until the clock stops and every saga is at rest.
pub(crate) async fn sell(load: &Arc<Load>, options: &Options, redis_url: &str) -> anyhow::Result<Gateway> {
    let gateway = Gateway::new();
    let cashier = Cashier {
        gateway: steps::gateway::Gateway::new(gateway.clone()),
        capture: CaptureMethod::Manual,
        return_url: None,
        books: Database::at(&load.url)?.pool_on_demand(1),
        repayments: Repayments::default(),
    };
    let locks = SeatLocks::connect(SeatLocksConfig::new(redis_url))?;
    let mut settings = Settings { node: "bench".into(), ..Settings::default() };
    settings.lanes = options.lanes.map_or(settings.lanes, |lanes| lanes as usize);
    let engine = Engine::builder(Services { locks, cashier }, Database::at(&load.url)?)
        .workflow::<Booking>()
        .settings(settings)
        .start()
        .await?;

    let mut sellers = JoinSet::new();
    for _ in 0..options.in_flight {
        sellers.spawn(sell_seats(load.clone(), engine.client().clone()));
    }
    let sold = join(sellers).await;
    engine.drain().await;
    sold.map(|()| gateway)
}

async fn sell_seats(load: Arc<Load>, client: Client) -> anyhow::Result<()> {
    while load.tally.clock().runs() {
        let begun = Instant::now();
        let (booking, confirmed) = sell_one(&client, load.seats.next()?).await?;
        load.tally.note(&[booking], begun, confirmed);
    }
    Ok(())
}

/// Books one seat and waits until its saga is at rest. Also returns when the customer could be told.
async fn sell_one(client: &Client, Seat { event, seat }: Seat) -> anyhow::Result<(BookingId, Instant)> {
    let bucket = event.bucket();
    let request = BookingRequest {
        event,
        reservation: ReservationId::new_in(bucket),
        user: buyer(),
        seats: SeatList::try_from(vec![seat])?,
        hold: None,
        payment_attempts_max: 1,
    };
    let saga = client.start::<Booking>(request).await.context("starting a saga")?;

    let payment = PaymentId::new_in(bucket);
    let order = PaymentOrder {
        payment,
        method: "pm_card_visa".parse::<PaymentMethod>()?,
        gateway: instant::PROVIDER.to_owned(),
    };
    client.signal(saga.id(), &payment.to_string(), &order).await.context("ordering a payment")?;

    let booked = match saga.reached::<Confirm>(PATIENCE).await? {
        Reached::Done(booked) => booked,
        other => bail!("saga {} should have been confirmed, but: {other:?}", saga.id()),
    };
    let confirmed = Instant::now();
    let ended = saga.result(PATIENCE).await?;
    ensure!(
        ended == Ended::Completed(booked.booking),
        "saga {} should have completed with {}, but: {ended:?}",
        saga.id(),
        booked.booking
    );
    Ok((booked.booking, confirmed))
}
