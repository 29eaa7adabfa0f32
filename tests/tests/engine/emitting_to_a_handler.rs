//! What sagas emit is handed to a handler: each message at least once, those of one saga in order, whoever fails.

use super::emitting::{Bell, Gossip, tells};
use orchestrator::{
    BatchScope, Database, Ended, Engine, SagaId, Settings,
    outbox::{Deliver, DeliverError, Message, MessageKey},
};
use rstest::rstest;
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tests::{
    play::{Gate, Stage},
    support::{verify, wait_until},
};

const LONG: Duration = Duration::from_secs(30);

/// What a handler does with a message besides writing it down.
type Behave = dyn Fn(&Message) -> Act + Send + Sync;

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Take,
    Refuse,
    Panic,
    /// Runs a statement that fails, and returns no error.
    Botch,
}

/// Writes each message down: as a row, in the transaction that it is given, and in memory, as if it had been sent.
#[derive(Clone)]
struct Diary {
    batch_max: usize,
    behave: Arc<Behave>,
    sent: Arc<Mutex<Vec<MessageKey>>>,
    /// Where it waits once it has done all that it was given.
    gate: Gate,
}

impl Diary {
    async fn of(stage: &Stage, batch_max: usize, behave: Arc<Behave>) -> Self {
        let table = "create table diary (
            number bigint generated always as identity, saga uuid not null, position int not null, ordinal int not null)";
        sqlx::raw_sql(table).execute(&stage.pool).await.unwrap();
        let gate = Gate::shut();
        gate.open();
        Self { batch_max, behave, sent: Arc::default(), gate }
    }

    fn sent(&self) -> Vec<MessageKey> {
        self.sent.lock().unwrap().clone()
    }
}

impl Deliver for Diary {
    async fn deliver(&self, connection: &mut PgConnection, messages: &[Message]) -> Result<(), DeliverError> {
        assert!(messages.len() <= self.batch_max, "{}", messages.len());
        for message in messages {
            let MessageKey { saga, position, ordinal } = message.key;
            let write = sqlx::query("insert into diary (saga, position, ordinal) values ($1, $2, $3)");
            write.bind(saga.uuid()).bind(position).bind(ordinal).execute(&mut *connection).await?;
            match (self.behave)(message) {
                Act::Take => self.sent.lock().unwrap().push(message.key),
                Act::Refuse => return Err("not now".into()),
                Act::Panic => panic!("what a message"),
                Act::Botch => drop(sqlx::query("select 1 / 0").execute(&mut *connection).await),
            }
        }
        self.gate.pass().await;
        Ok(())
    }

    fn batch_max(&self) -> usize {
        self.batch_max
    }
}

async fn node(stage: &Stage, name: &str, diary: &Diary) -> Engine {
    let settings = Settings { outbox_poll: Duration::from_millis(20), ..stage.settings(name) };
    let builder = Engine::builder(Bell, Database::at(stage.url()).unwrap()).settings(settings);
    builder.workflow::<Gossip>().events(diary.clone()).start().await.unwrap()
}

/// So many gossips, each to its end: ten messages.
async fn gossip(node: &Engine, many: usize) -> Vec<SagaId> {
    let mut gossips = Vec::new();
    for _ in 0..many {
        gossips.push(node.client().start::<Gossip>(tells(&["one", "two"])).await.unwrap());
    }
    let mut ids = Vec::new();
    for gossip in gossips {
        assert_eq!(gossip.result(LONG).await.unwrap(), Ended::Completed(()));
        ids.push(gossip.id());
    }
    ids
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn until_all_is_taken(pool: &PgPool, but: i64) {
    let waiting = "select count(*) from usher.outbox where delivered_at is null";
    wait_until("all is taken", LONG, async || (count(pool, waiting).await == but).then_some(())).await;
}

/// The diary as it was written, saga by saga.
async fn written(pool: &PgPool) -> HashMap<SagaId, Vec<(i32, i32)>> {
    let read = "select saga, position, ordinal from diary order by number";
    let rows: Vec<(uuid::Uuid, i32, i32)> = sqlx::query_as(read).fetch_all(pool).await.unwrap();
    let mut diary: HashMap<SagaId, Vec<(i32, i32)>> = HashMap::new();
    for (saga, position, ordinal) in rows {
        diary.entry(SagaId::from_uuid(saga)).or_default().push((position, ordinal));
    }
    diary
}

#[rstest]
#[case::one_at_a_time(1, BatchScope::Database)]
#[case::of_many_buckets(50, BatchScope::Database)]
#[case::of_one_bucket(50, BatchScope::Bucket)]
#[tokio::test]
async fn two_nodes_hand_out_each_message_in_order_though_the_handler_fails_now_and_then(
    #[case] batch_max: usize,
    #[case] scope: BatchScope,
) {
    let stage = Stage::set_for(scope).await;
    let calls = AtomicUsize::new(0);
    let now_and_then = move |_: &Message| match calls.fetch_add(1, Ordering::Relaxed) % 23 {
        7 => Act::Refuse,
        15 => Act::Panic,
        20 => Act::Botch,
        _ => Act::Take,
    };
    let diary = Diary::of(&stage, batch_max, Arc::new(now_and_then)).await;
    let nodes = [node(&stage, "one", &diary).await, node(&stage, "two", &diary).await];
    let sagas = gossip(&nodes[0], 20).await;
    until_all_is_taken(&stage.pool, 0).await;

    let written = written(&stage.pool).await;
    assert_eq!(written.len(), sagas.len());
    for (saga, written) in written {
        assert_eq!(written.len(), 10, "as rows each message is there once: {saga} {written:?}");
        assert!(written.is_sorted(), "{saga}: {written:?}");
    }
    let sent = diary.sent();
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), 200, "what goes elsewhere goes at least once");
    for saga in sagas {
        let mut first = Vec::new();
        for key in sent.iter().filter(|key| key.saga == saga) {
            if !first.contains(key) {
                first.push(*key);
            }
        }
        assert!(first.is_sorted(), "{first:?}");
    }
    verify(&stage.pool).await;
    for node in nodes {
        node.drain().await;
    }
}

#[rstest]
#[case::one_at_a_time(1)]
#[case::many_at_once(50)]
#[tokio::test]
async fn what_a_node_handed_out_before_it_died_is_handed_out_again_and_the_rest_after_it(
    #[case] batch_max: usize,
) {
    let stage = Stage::set().await;
    let diary = Diary::of(&stage, batch_max, Arc::new(|_: &Message| Act::Take)).await;
    let settings = stage.settings("without a handler");
    let quiet = Engine::builder(Bell, Database::at(stage.url()).unwrap()).settings(settings);
    let quiet = quiet.workflow::<Gossip>().start().await.unwrap();
    let [saga] = gossip(&quiet, 1).await[..] else { panic!("one was asked for") };
    assert_eq!(count(&stage.pool, "select count(*) from usher.outbox where delivered_at is null").await, 10);
    quiet.drain().await;

    let gate = Gate::shut();
    let doomed = node(&stage, "doomed", &Diary { gate: gate.clone(), ..diary.clone() }).await;
    let handed = async || (diary.sent().len() == batch_max.min(10)).then(|| diary.sent());
    let before = wait_until("it has been handed some", LONG, handed).await;
    // For the database, the first node is dead now.
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and application_name like 'usher%'";
    assert!(count(&stage.pool, cut).await > 0);
    let heir = node(&stage, "heir", &diary).await;
    until_all_is_taken(&stage.pool, 0).await;
    let after = &diary.sent()[before.len()..];
    assert_eq!(after[..before.len()], before[..], "the same once more");
    assert_eq!(after.len(), 10);
    assert!(after.is_sorted(), "{after:?}");
    let written = written(&stage.pool).await;
    assert_eq!(written[&saga].len(), 10, "the rows of the dead went with it");
    gate.open();
    doomed.drain().await;
    heir.drain().await;
    verify(&stage.pool).await;
}

#[rstest]
#[case::refused(Act::Refuse, 1)]
#[case::refused_in_a_crowd(Act::Refuse, 50)]
#[case::it_panics(Act::Panic, 50)]
#[case::it_botches(Act::Botch, 50)]
#[tokio::test]
async fn a_message_that_is_never_taken_holds_up_only_its_saga(#[case] act: Act, #[case] batch_max: usize) {
    let stage = Stage::set().await;
    let poison: Arc<Mutex<Option<SagaId>>> = Arc::default();
    let known = poison.clone();
    let behave = move |message: &Message| {
        let mut poison = known.lock().unwrap();
        let guilty = *poison.get_or_insert(message.key.saga) == message.key.saga && message.kind == "ringing";
        if guilty { act } else { Act::Take }
    };
    let diary = Diary::of(&stage, batch_max, Arc::new(behave)).await;
    let node = node(&stage, "node", &diary).await;
    let sagas = gossip(&node, 8).await;
    // Two messages of its steps and one of its own come before it.
    until_all_is_taken(&stage.pool, 7).await;
    let poison = poison.lock().unwrap().unwrap();
    let written = written(&stage.pool).await;
    for saga in sagas {
        assert_eq!(written[&saga].len(), if saga == poison { 3 } else { 10 });
    }
    node.drain().await;
}
