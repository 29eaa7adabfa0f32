//! The engine with the booking's workflows: a gateway in the process with books, seat locks under a prefix, nodes at will.

use orchestrator::{BatchScope, Database, Engine, Settings};
use sqlx::{PgPool, Row};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use steps::{
    Cashier, Repayments, ReservationId, SeatId, Services,
    gateway::{CaptureMethod, Gateway, instant},
    locks::{KeyTemplate, SeatLocks, SeatLocksConfig},
};
use tests::support::{Show, Venue, redis_prefix, server, verify};
use tokio::sync::OnceCell;
use workflows::{Booking, Cancellation, LatePayment, Repayment};

/// A database, a gateway and locks; events are made in it at will.
pub struct BookingWorld {
    database: tests::support::Database,
    pub pool: PgPool,
    pub gateway: instant::Instant,
    pub locks: SeatLocks,
    pub prefix: String,
    redis_url: String,
    /// Opened by the first who looks.
    redis: OnceCell<redis::aio::MultiplexedConnection>,
}

impl BookingWorld {
    pub async fn open() -> Self {
        Self::with_redis(&server().await.redis_url).await
    }

    pub async fn with_redis(redis_url: &str) -> Self {
        let database = tests::support::Database::fresh().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let prefix = redis_prefix();
        let keys = KeyTemplate::plain(&prefix);
        let config = SeatLocksConfig { keys, ..SeatLocksConfig::new(redis_url) };
        let locks = SeatLocks::connect(config).unwrap();
        let redis_url = redis_url.to_owned();
        let gateway = instant::Instant::new();
        Self { database, pool, gateway, locks, prefix, redis_url, redis: OnceCell::new() }
    }

    pub fn at(&self) -> Database {
        Database::at(&self.database.app_url()).unwrap()
    }

    pub fn services(&self) -> Services {
        self.services_with(Gateway::new(self.gateway.clone()))
    }

    /// The same, with money that is taken at once and never held.
    pub fn services_taking_at_once(&self) -> Services {
        let mut services = self.services();
        services.cashier.capture = CaptureMethod::Automatic;
        services
    }

    fn services_with(&self, gateway: Gateway) -> Services {
        let cashier = Cashier {
            gateway,
            capture: CaptureMethod::Manual,
            return_url: None,
            books: self.pool.clone(),
            repayments: Repayments::default(),
        };
        Services { locks: self.locks.clone(), cashier }
    }

    /// A node with one lane that runs the booking's workflows. A number makes its name unique among the tests.
    pub async fn node(&self, name: &str, scope: BatchScope) -> Engine {
        self.node_asking(Gateway::new(self.gateway.clone()), name, scope).await
    }

    /// The same with another way to the gateway. Nodes nudge each other through the world's Redis.
    pub async fn node_asking(&self, gateway: Gateway, name: &str, scope: BatchScope) -> Engine {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let settings = Settings {
            node: format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            lanes: 1,
            batch_scope: scope,
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(30),
            ..Settings::default()
        };
        let builder = Engine::builder(self.services_with(gateway), self.at()).settings(settings);
        let builder = builder.hints(&self.redis_url, &format!("{}hints", self.prefix));
        builder
            .workflow::<Booking>()
            .workflow::<Cancellation>()
            .workflow::<LatePayment>()
            .workflow::<Repayment>()
            .start()
            .await
            .unwrap()
    }

    /// Reservation and payment as their rows say: `CONFIRMED SUCCESS/CAPTURED`.
    pub async fn statuses(&self, reservation: ReservationId) -> Option<String> {
        let look = "select r.status || coalesce(' ' || p.status || '/' || p.money, '')
            from booking.reservations r
            left join booking.payments p on p.id = r.payment_id and p.bucket = r.bucket
            where r.id = $1 and r.bucket = $2";
        sqlx::query_scalar(look)
            .bind(reservation.uuid())
            .bind(reservation.bucket().number())
            .fetch_optional(&self.pool)
            .await
            .unwrap()
    }

    /// Each seat's status and whose it is.
    pub async fn seats(&self, seats: &[SeatId]) -> Vec<(String, Option<ReservationId>)> {
        let look = "select s.status, s.reservation_id
            from unnest($1::uuid[]) with ordinality as wanted (id, place)
            join booking.seats s on s.id = wanted.id
            order by wanted.place";
        let ids: Vec<_> = seats.iter().map(|seat| seat.uuid()).collect();
        let rows = sqlx::query(look).bind(ids).fetch_all(&self.pool).await.unwrap();
        let owner = |row: &sqlx::postgres::PgRow| row.get::<Option<_>, _>(1).map(ReservationId::from_uuid);
        rows.iter().map(|row| (row.get(0), owner(row))).collect()
    }

    /// How many of these seats are locked in Redis.
    pub async fn locked(&self, seats: &[SeatId]) -> usize {
        let client = redis::Client::open(self.redis_url.as_str()).unwrap();
        let connect = async || client.get_multiplexed_async_connection().await.unwrap();
        let mut connection = self.redis.get_or_init(connect).await.clone();
        let mut locked = 0;
        for seat in seats {
            let key = format!("{}lock:seat:{seat}", self.prefix);
            let found: bool = redis::AsyncCommands::exists(&mut connection, key).await.unwrap();
            locked += usize::from(found);
        }
        locked
    }

    /// Asserts every invariant that is shipped, and that each charge was made at most once.
    pub async fn verify(&self) {
        verify(&self.pool).await;
        for entry in self.gateway.books().entries() {
            assert!(entry.secured <= 1, "charged twice: {entry:?}");
        }
    }

    /// An event on sale with so many seats, held for `hold`.
    pub async fn show(&self, seats: i16, hold: Duration) -> Show {
        Venue { hold, ..Venue::with_seats(seats) }.open(&self.pool).await.unwrap()
    }
}
