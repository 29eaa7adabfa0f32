//! A house that sells seats: the service over HTTP, its database, and a gateway of its own.

use super::{books::Books, customer::Customer, gateway::Gateway};
use api::site::serve;
use dev::gateway::{Config, Speak};
use orchestrator::Bucket;
use reqwest::Client;
use serde_json::Value;
use service::{
    Service,
    config::{self, Sources},
    jobs::Jobs,
    node::Node,
};
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};
use steps::{EventId, SeatId};
use tests::support::{Database, redis_prefix, server, verify, wait_until};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// What the gateway signs with.
pub const SECRET: &str = "whsec_of_the_house";
/// What one seat costs, in minor units.
pub const PRICE: i64 = 12_500;
/// How long seats are held where a test doesn't wait for the end of it.
pub const LONG: Duration = Duration::from_secs(300);
/// How long anything may take that must come to be.
const PATIENCE: Duration = Duration::from_secs(120);
/// While everything comes to rest, a minute passes for the jobs after so many looks.
const LOOKS_A_MINUTE: u32 = 50;
/// The service, its database, and its gateway.
pub struct House {
    pub service: Service,
    pub pool: PgPool,
    /// Where the service serves.
    pub url: String,
    pub http: Client,
    pub gateway: Gateway,
    node: Mutex<Option<Node>>,
    leaving: CancellationToken,
    serving: Mutex<Option<JoinHandle<()>>>,
    pub environment: BTreeMap<String, String>,
    _database: Database,
}

/// An event and its seats.
pub struct Show {
    pub event: EventId,
    pub seats: Vec<SeatId>,
}

/// How a house is set up.
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

    /// The gateway speaks the house protocol and signs by Standard Webhooks.
    pub fn standard(self) -> Self {
        const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let plan = self.with("USHER_GATEWAY_KIND", "standard").with("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET);
        plan.gateway(|gateway| {
            gateway.speak = Speak::Standard;
            gateway.webhook_secrets = vec![SECRET.to_owned()];
        })
    }

    /// The house's own node runs no sagas: a test brings processes that do.
    pub fn without_lanes(mut self) -> Self {
        self.lanes = false;
        self
    }

    /// Opens the house.
    pub async fn open(self) -> House {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Database::fresh().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = match self.gateway.speak {
            Speak::Stripe => "stripe",
            Speak::Standard => "standard",
        };
        let hooks = vec![format!("{url}/webhooks/{provider}")];
        let gateway = Gateway::start(Config { webhook_urls: hooks, ..self.gateway }).await;
        let app_url = database.app_url();
        let defaults = [
            ("USHER_DATABASE_URL", app_url.as_str()),
            ("USHER_REDIS_URL", &server().await.redis_url),
            ("USHER_REDIS_PREFIX", &redis_prefix()),
            ("USHER_LANES_COUNT", "1"),
            ("USHER_LANES_POLL_MS", "50"),
            ("USHER_LANES_LEASE_MS", "2000"),
            ("USHER_GATEWAY_URL", &gateway.url),
            ("USHER_GATEWAY_KEY", "sk_test_usher"),
            ("USHER_GATEWAY_DEADLINE_MS", "700"),
            ("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET),
            // Tests look more often than a customer may.
            ("USHER_HTTP_QUOTA_PER_S", "10000"),
            ("USHER_HTTP_QUOTA_BURST", "10000"),
        ];
        let mut environment: BTreeMap<String, String> =
            defaults.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        environment.extend(self.variables);
        let sources = Sources { file: None, environment: environment.clone() };
        let config = config::load(&sources).unwrap().config;
        let node = Node::open(config, self.lanes).await.unwrap();
        let (service, leaving) = (node.service.clone(), CancellationToken::new());
        let serving = serve(service.clone(), listener, leaving.clone());
        House {
            service,
            pool: PgPool::connect(database.url()).await.unwrap(),
            url,
            http: Client::builder().no_proxy().build().unwrap(),
            gateway,
            node: Mutex::new(Some(node)),
            leaving,
            serving: Mutex::new(Some(tokio::spawn(async move { serving.await.unwrap() }))),
            environment,
            _database: database,
        }
    }
}

impl House {
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

    /// The same in another currency.
    pub async fn show_in(&self, currency: &str, seats: i16, hold: Duration) -> Show {
        let name = uuid::Uuid::now_v7().to_string();
        let bucket = Bucket::of_key(&name);
        let event = EventId::new_in(bucket);
        let made = "insert into booking.events
                (id, bucket, name, venue, currency, starts_at, sale, hold_ms, created_at)
            values ($1, $2, $3, $3, $5, now() + interval '30 days', 'OPEN', $4, now())";
        sqlx::query(made)
            .bind(event.uuid())
            .bind(bucket.number())
            .bind(&name)
            .bind(hold.as_millis() as i64)
            .bind(currency)
            .execute(&self.pool)
            .await
            .unwrap();
        let ids: Vec<SeatId> = (0..seats).map(|_| SeatId::new_in(bucket)).collect();
        let made = "insert into booking.seats
                (id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier)
            select seat.id, $2, $3, $4, seat.number, seat.number, 0, 'Stalls', 'A', 'standard'
            from unnest($1::uuid[]) with ordinality as seat (id, number)";
        sqlx::query(made)
            .bind(ids.iter().map(|seat| seat.uuid()).collect::<Vec<_>>())
            .bind(bucket.number())
            .bind(event.uuid())
            .bind(PRICE)
            .execute(&self.pool)
            .await
            .unwrap();
        Show { event, seats: ids }
    }

    /// Waits until something has come to be.
    #[track_caller]
    pub fn until<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
        wait_until(what, PATIENCE, look)
    }

    /// How many rows a query counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Waits until a query counts so many.
    pub async fn until_count(&self, what: &str, sql: &'static str, wanted: i64) {
        self.until(what, async || (self.count(sql).await == wanted).then_some(())).await;
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

    /// A minute passes for what waits in the inbox and for payments without news, and the jobs run.
    pub async fn a_minute_later(&self) {
        let aged = "with inbox as (
                update booking.inbox set received_at = received_at - interval '1 minute'
                where state in ('PENDING', 'UNMATCHED')
            )
            update booking.payments set created_at = created_at - interval '1 minute' where status = 'INITIATED'";
        sqlx::query(aged).execute(&self.pool).await.unwrap();
        Jobs::run_once(&self.service).await;
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

    /// Asserts every invariant that is shipped.
    pub async fn verify(&self) {
        verify(&self.pool).await;
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

    /// The same where so much of what confirmed bookings cost was given back elsewhere.
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

    /// Lets what runs end.
    async fn leave(&self) {
        self.service.begin_draining();
        self.leaving.cancel();
        let serving = self.serving.lock().unwrap().take();
        if let Some(serving) = serving {
            serving.await.unwrap();
        }
        let node = self.node.lock().unwrap().take();
        if let Some(node) = node {
            node.drain().await;
        }
    }
}
