//! A post office: a database with messages, subscriptions, and nodes that deliver.

use super::receiver::{Receiver, SECRET};
use orchestrator::{Bucket, Engine, SagaId};
use service::{
    config::BatchScope,
    outbox::{
        FanOut, HAND_OVER_MAX, Outbox, Settings, SubscriptionId,
        address::PrivateAddresses,
        store::subscriptions::{self, Subscription},
    },
};
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tests::support::{Database, wait_until};
use tokio::sync::Notify;

/// Longer than anything here may take.
pub const LONG: Duration = Duration::from_secs(20);

pub struct Post {
    pub pool: PgPool,
    database: Database,
}

/// A node without sagas: its engine hands messages over, and their deliveries are sent. Dropped, it dies.
pub struct Node {
    outbox: Outbox,
    engine: Engine,
}

impl Node {
    pub async fn stop(self) {
        self.outbox.stop().await;
        self.engine.drain().await;
    }
}

impl Post {
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Database::fresh().await;
        Self { pool: PgPool::connect(database.url()).await.unwrap(), database }
    }

    /// Quick settings.
    pub fn settings(&self) -> Settings {
        Settings {
            private: PrivateAddresses::Allow,
            scope: BatchScope::Database,
            poll: Duration::from_millis(20),
            deadline: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            backoff: Duration::from_millis(4),
            backoff_max: Duration::from_millis(50),
            out_max: 8,
            given_up_after: Duration::from_secs(3600),
        }
    }

    /// A node that delivers.
    pub async fn node(&self, settings: Settings) -> Node {
        self.node_in_steps(settings, HAND_OVER_MAX).await
    }

    /// A node that hands over this many messages at a time.
    pub async fn node_in_steps(&self, settings: Settings, hand_over_max: usize) -> Node {
        let handed = Arc::new(Notify::new());
        let database = orchestrator::Database::at(self.database.url()).unwrap();
        let engine = Engine::builder((), database).settings(orchestrator::Settings {
            lanes: 1,
            batch_scope: match settings.scope {
                BatchScope::Database => orchestrator::BatchScope::Database,
                BatchScope::Bucket => orchestrator::BatchScope::Bucket,
            },
            outbox_poll: settings.poll,
            ..orchestrator::Settings::default()
        });
        let engine = engine.events(FanOut::new(hand_over_max, handed.clone())).start().await.unwrap();
        Node { outbox: Outbox::start(self.pool.clone(), settings, handed).unwrap(), engine }
    }

    /// Subscribes a receiver to everything.
    pub async fn subscribe(&self, receiver: &Receiver) -> SubscriptionId {
        self.subscribe_to(&receiver.url, &[]).await
    }

    pub async fn subscribe_to(&self, url: &str, types: &[&str]) -> SubscriptionId {
        let id = SubscriptionId::new_in(Bucket::of_key(url));
        let types: Vec<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
        let mut connection = self.pool.acquire().await.unwrap();
        assert!(subscriptions::insert(&mut connection, id, url, &types, &SECRET.into()).await.unwrap());
        id
    }

    /// A saga writes so many messages to its outbox, the first at position `from`.
    pub async fn add_messages(&self, saga: SagaId, from: i32, kind: &str, count: i32) {
        sqlx::query(
            "insert into usher.outbox (saga_id, bucket, position, ordinal, kind, payload, created_at)
             select $1, $2, n / 2, n % 2, $3, json_build_object('number', n), now()
             from generate_series($4::int, $4 + $5 - 1) n",
        )
        .bind(saga.uuid())
        .bind(saga.bucket().number())
        .bind(kind)
        .bind(from)
        .bind(count)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// The subscription as it is now.
    pub async fn look(&self, id: SubscriptionId) -> Subscription {
        let all = subscriptions::list(&mut self.pool.acquire().await.unwrap()).await.unwrap();
        all.into_iter().find(|one| one.id == id).expect("it is there")
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn run(&self, sql: &'static str) -> u64 {
        sqlx::query(sql).execute(&self.pool).await.unwrap().rows_affected()
    }

    /// Waits until nothing is on its way any more.
    pub async fn settled(&self) {
        let open = "select (select count(*) from usher.outbox where delivered_at is null)
            + (select count(*) from booking.deliveries where due_at is not null)";
        wait_until("every message is settled", LONG, async || (self.count(open).await == 0).then_some(()))
            .await;
    }

    /// Waits until a receiver has had this many requests.
    pub async fn until_got(&self, receiver: &Receiver, most: usize) {
        wait_until(&format!("{most} requests came"), LONG, async || {
            (receiver.got().len() >= most).then_some(())
        })
        .await;
    }
}

/// The id of a saga that this name stands for.
pub fn saga(name: &str) -> SagaId {
    SagaId::new_in(Bucket::of_key(name))
}
