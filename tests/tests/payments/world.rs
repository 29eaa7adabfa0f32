//! The service over HTTP, with a simulated gateway of its own.

use super::{books::Books, customer::Customer, gateway::Gateway};
use dev::gateway::{Config, Speak};
use reqwest::Client;
use serde_json::Value;
use service::jobs::Jobs;
use std::{
    collections::BTreeMap,
    ops::Deref,
    time::{Duration, Instant},
};
use tests::support::{Setup, Show, Venue, World};
use tokio::net::TcpListener;

/// What the gateway signs with.
pub const SECRET: &str = "whsec_of_the_house";
/// How long seats are held where a test doesn't wait for the end of it.
pub const LONG: Duration = Duration::from_secs(300);
/// How long a test waits for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(120);
/// While a test waits for the rest, the inbox and the payments are made a minute older after this many looks.
const LOOKS_A_MINUTE: u32 = 50;

/// A world whose doors are open, and its gateway.
pub struct PaymentWorld {
    /// Where the service serves.
    pub url: String,
    pub http: Client,
    pub gateway: Gateway,
    world: World,
}

impl Deref for PaymentWorld {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// How a world of payments is set up.
pub struct Plan {
    variables: Vec<(String, String)>,
    gateway: Config,
    lanes: bool,
}

impl Default for Plan {
    fn default() -> Self {
        let gateway = Config {
            webhook_secrets: vec![SECRET.to_owned()],
            webhook_retry: Duration::from_millis(20),
            settle_delay: Duration::from_millis(50),
            ..Config::default()
        };
        Self { variables: Vec::new(), gateway, lanes: true }
    }
}

impl Plan {
    /// With this configuration variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Money is taken at once.
    pub fn automatic(self) -> Self {
        self.with("USHER_GATEWAY_CAPTURE", "automatic")
    }

    /// With another gateway.
    pub fn gateway(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.gateway);
        self
    }

    /// The gateway speaks the standard protocol and signs by Standard Webhooks.
    pub fn standard(self) -> Self {
        const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let plan = self.with("USHER_GATEWAY_KIND", "standard").with("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET);
        plan.gateway(|gateway| {
            gateway.speak = Speak::Standard;
            gateway.webhook_secrets = vec![SECRET.to_owned()];
        })
    }

    /// The world's own node runs no sagas: a test brings processes that do.
    pub fn without_lanes(mut self) -> Self {
        self.lanes = false;
        self
    }

    /// Opens it.
    pub async fn open(self) -> PaymentWorld {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = match self.gateway.speak {
            Speak::Stripe => "stripe",
            Speak::Standard => "standard",
        };
        let hooks = vec![format!("{url}/webhooks/{provider}")];
        let gateway = Gateway::start(Config { webhook_urls: hooks, ..self.gateway }).await;
        let settings = [
            ("USHER_LANES_LEASE_MS", "2000"),
            ("USHER_GATEWAY_URL", &gateway.url),
            ("USHER_GATEWAY_KEY", "sk_test_usher"),
            ("USHER_GATEWAY_DEADLINE_MS", "700"),
            ("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET),
            // Tests look more often than a customer may.
            ("USHER_HTTP_QUOTA_PER_S", "10000"),
            ("USHER_HTTP_QUOTA_BURST", "10000"),
        ];
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let setup = Setup::default().with(settings).with(variables).lanes(self.lanes);
        let world = setup.open().await;
        world.serve(listener);
        PaymentWorld { url, http: Client::builder().no_proxy().build().unwrap(), gateway, world }
    }
}

impl PaymentWorld {
    pub async fn open() -> Self {
        Plan::default().open().await
    }

    pub async fn customer(&self) -> Customer<'_> {
        Customer::new(self).await
    }

    /// An event on sale in euros with so many seats, held for `hold`.
    pub async fn show(&self, seats: i16, hold: Duration) -> Show {
        self.show_in("EUR", seats, hold).await
    }

    /// As [`PaymentWorld::show`], in another currency.
    pub async fn show_in(&self, currency: &'static str, seats: i16, hold: Duration) -> Show {
        self.open_venue(&Venue { currency, hold, ..Venue::with_seats(seats) }).await
    }

    /// The base key under which a reservation's saga asks for its money.
    pub async fn key_of_pay(&self, reservation: &Value) -> String {
        let saga: uuid::Uuid = reservation["saga_id"].as_str().unwrap().parse().unwrap();
        let started =
            "select max(position) from usher.journal_entries where saga_id = $1 and kind = 'started'";
        let position: Option<i32> =
            sqlx::query_scalar(started).bind(saga).fetch_one(&self.pool).await.unwrap();
        format!("{saga}:{}", position.unwrap())
    }

    /// Makes waiting inbox rows and payments without news a minute older, and runs the jobs once.
    pub async fn a_minute_later(&self) {
        let aged = "with inbox as (
                update booking.inbox set received_at = received_at - interval '1 minute'
                where state in ('PENDING', 'UNMATCHED')
            )
            update booking.payments set created_at = created_at - interval '1 minute' where status = 'INITIATED'";
        sqlx::query(aged).execute(&self.pool).await.unwrap();
        Jobs::run_once(&self.service).await;
    }

    /// Waits for an effect of news. If that takes long, [`PaymentWorld::a_minute_later`] runs at each look, because
    /// news that came before our own write waits for the jobs.
    pub async fn until_heard<T>(&self, what: &str, condition: impl AsyncFn() -> Option<T>) -> T {
        /// Longer than anything takes that needs no job.
        const LONG: Duration = Duration::from_secs(30);
        let began = Instant::now();
        self.until(what, async || {
            if began.elapsed() > LONG {
                self.a_minute_later().await;
            }
            condition().await
        })
        .await
    }

    /// As [`PaymentWorld::until_heard`], until a query counts this many rows.
    pub async fn until_count_heard(&self, what: &str, sql: &'static str, wanted: i64) {
        self.until_heard(what, async || (self.count(sql).await == wanted).then_some(())).await;
    }

    /// Waits until this reservation's saga is at rest.
    pub async fn at_rest(&self, reservation: &Value) {
        let saga: uuid::Uuid = reservation["saga_id"].as_str().unwrap().parse().unwrap();
        let state = "select state in ('completed', 'unwound') from usher.sagas where id = $1";
        self.until("the saga is at rest", async || {
            let rests: bool = sqlx::query_scalar(state).bind(saga).fetch_one(&self.pool).await.unwrap();
            rests.then_some(())
        })
        .await;
    }

    /// Waits until this reservation's saga needs a person, and says why.
    pub async fn stuck(&self, reservation: &Value) -> Value {
        let saga: uuid::Uuid = reservation["saga_id"].as_str().unwrap().parse().unwrap();
        let cause = "select stuck::jsonb from usher.sagas where id = $1 and state = 'stuck'";
        self.until("the saga is stuck", async || {
            sqlx::query_scalar(cause).bind(saga).fetch_optional(&self.pool).await.unwrap()
        })
        .await
    }

    /// What is not at rest, for a test that waits in vain.
    pub async fn restless(&self) -> Vec<String> {
        let look = "select concat_ws(' ', workflow, id, state, 'attempts', attempts, 'due in', due_at - now(), stuck::text, last_error,
                (select string_agg(kind || coalesce(' ' || (body ->> 'step'), ''), ', ' order by position)
                 from usher.journal_entries j where j.saga_id = s.id))
            from usher.sagas s where state not in ('completed', 'unwound')
            union all
            select concat_ws(' ', 'inbox', kind, event_id, state, payment_id, gateway_reference)
            from booking.inbox where state in ('PENDING', 'UNMATCHED')";
        sqlx::query_scalar(look).fetch_all(&self.pool).await.unwrap()
    }

    /// How often one invariant is broken.
    pub async fn violations(&self, name: &str) -> usize {
        let invariant = service::verify::INVARIANTS.iter().find(|invariant| invariant.name == name).unwrap();
        let mut connection = self.pool.acquire().await.unwrap();
        service::verify::check(&mut connection, invariant).await.unwrap().violations
    }

    /// The cron jobs, as on a node that serves.
    pub async fn with_jobs(&self) -> Jobs {
        Jobs::start(&self.service).await.unwrap()
    }

    /// Waits until every saga is at rest, no webhook is under way and none waits to be acted on. The jobs run meanwhile.
    pub async fn rest(&self) {
        let restless = "select (select count(*) from usher.sagas where state not in ('completed', 'unwound'))
            + (select count(*) from booking.inbox where state in ('PENDING', 'UNMATCHED'))";
        let (mut looks, began, mut said) = (0, Instant::now(), false);
        self.until("everything is at rest", async || {
            looks += 1;
            if looks % LOOKS_A_MINUTE == 0 {
                self.a_minute_later().await;
            }
            // A webhook that was answered just before the first count is in the inbox by the second.
            let still = self.count(restless).await == 0 && self.gateway.webhooks_due().await == 0;
            if began.elapsed() > PATIENCE / 2 && !said {
                said = true;
                println!("still not at rest: {:#?}", self.restless().await);
            }
            (still && self.count(restless).await == 0).then_some(())
        })
        .await;
    }

    /// Waits for the rest, checks every invariant, and that the gateway kept what the confirmed bookings cost.
    pub async fn close(&self) -> Books {
        self.close_having_given_back(0).await
    }

    /// As [`PaymentWorld::close`], where this part of the confirmed bookings' cost was given back elsewhere.
    pub async fn close_having_given_back(&self, elsewhere: i64) -> Books {
        self.rest().await;
        self.leave().await;
        self.verify().await;
        let books = self.gateway.books().await;
        books.are_clean();
        let mut booked = self.booked().await;
        if elsewhere > 0 {
            *booked.get_mut("EUR").unwrap() -= elsewhere;
        }
        assert_eq!(books.kept(), booked, "captured = booked + refunded: {books:#?}");
        books
    }

    /// What the confirmed bookings cost, by currency.
    async fn booked(&self) -> BTreeMap<String, i64> {
        let cost = "select r.currency, sum(r.amount_minor)::bigint
            from booking.bookings b join booking.reservations r on r.id = b.reservation_id
            where b.status = 'CONFIRMED' group by r.currency";
        let rows: Vec<(String, i64)> = sqlx::query_as(cost).fetch_all(&self.pool).await.unwrap();
        rows.into_iter().collect()
    }
}
