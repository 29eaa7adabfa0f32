//! Seat locks against a real Redis, also one that hangs or is gone.

use crate::support::{Redis, moment};
use orchestrator::Bucket;
use std::time::{Duration, Instant};
use steps::locks::{Acquired, Hold, KeyTemplate, LockMode, LockValue, Locks, SeatLocks};
use steps::store::seats::{Held, Owner};
use steps::{BreakerConfig, EventId, ReservationId, SeatId, UserId};

/// An event with four seats.
struct Show {
    event: EventId,
    seats: Vec<SeatId>,
}

impl Show {
    fn new() -> Self {
        let bucket = Bucket::of_key("house");
        Self { event: EventId::new_in(bucket), seats: (0..4).map(|_| SeatId::new_in(bucket)).collect() }
    }

    /// A reservation's hold on seats by their numbers, each under the same hold number.
    fn hold(&self, numbers: &[usize], hold: i64) -> Hold {
        Hold {
            reservation: ReservationId::new_in(self.event.bucket()),
            user: UserId::new_in(self.event.bucket()),
            event: self.event,
            seats: numbers.iter().map(|number| Held { seat: self.seats[*number], hold }).collect(),
            reserved_until: moment(300),
        }
    }

    async fn owners(&self, locks: &SeatLocks) -> Vec<Option<ReservationId>> {
        let Locks::Answered(found) = locks.peek(self.event, &self.seats).await else { panic!("no answer") };
        let owner =
            |seat| found.iter().find(|(locked, _)| locked == seat).map(|(_, value)| value.reservation);
        self.seats.iter().map(owner).collect()
    }
}

#[tokio::test]
async fn all_seats_are_locked_or_none() {
    let (redis, show) = (Redis::start(), Show::new());
    let locks = redis.locks();
    let (first, second) = (show.hold(&[0, 1], 1), show.hold(&[1, 2], 1));
    assert_eq!(locks.acquire(&first, moment(0)).await, Locks::Answered(Acquired::All));
    assert_eq!(locks.acquire(&first, moment(0)).await, Locks::Answered(Acquired::All), "the same hold again");
    let value = LockValue { reservation: first.reservation, hold: 1 }.to_string();
    let in_the_way = Acquired::InTheWay { seat: show.seats[1], value };
    assert_eq!(locks.acquire(&second, moment(0)).await, Locks::Answered(in_the_way));
    let mine = Some(first.reservation);
    assert_eq!(show.owners(&locks).await, [mine, mine, None, None]);

    let key = format!("lock:seat:{}", show.seats[0]);
    let ttl: u64 = redis.command(&["PTTL", &key]).await.unwrap().parse().unwrap();
    assert!((300_000..=302_000).contains(&ttl), "{ttl} ms is the reservation's time and a grace");
    let note = redis.command(&["GET", &format!("reservation:{}", first.reservation)]).await.unwrap();
    assert!(note.contains(&show.seats[1].to_string()), "{note}");
}

#[tokio::test]
async fn a_lower_number_loses_and_a_higher_one_wins() {
    let (redis, show) = (Redis::start(), Show::new());
    let locks = redis.locks();
    let (old, new) = (show.hold(&[0], 6), show.hold(&[0], 7));
    locks.acquire(&old, moment(0)).await;
    assert_eq!(locks.acquire(&new, moment(0)).await, Locks::Answered(Acquired::All));
    assert_eq!(show.owners(&locks).await[0], Some(new.reservation));
    assert!(matches!(locks.acquire(&old, moment(0)).await, Locks::Answered(Acquired::InTheWay { .. })));
}

#[tokio::test]
async fn an_unlock_that_comes_late_deletes_nothing_that_is_not_its_own() {
    let (redis, show) = (Redis::start(), Show::new());
    let locks = redis.locks();
    let (old, new) = (show.hold(&[0, 1], 1), show.hold(&[1, 2], 2));
    locks.acquire(&old, moment(0)).await;
    locks.acquire(&new, moment(0)).await;
    assert_eq!(locks.release(&old).await, Locks::Answered(1));
    let theirs = Some(new.reservation);
    assert_eq!(show.owners(&locks).await, [None, theirs, theirs, None]);
    assert_eq!(locks.release(&old).await, Locks::Answered(0));
    // Releasing an earlier hold doesn't delete the locks of a later hold of the same reservation either.
    let mut again = new.clone();
    again.seats.iter_mut().for_each(|held| held.hold = 3);
    locks.acquire(&again, moment(0)).await;
    assert_eq!(locks.release(&new).await, Locks::Answered(0));
    assert_eq!(show.owners(&locks).await, [None, theirs, theirs, None]);
}

#[tokio::test]
async fn only_ones_own_locks_are_extended() {
    let (redis, show) = (Redis::start(), Show::new());
    let locks = redis.locks();
    let mut hold = show.hold(&[0, 1], 1);
    locks.acquire(&hold, moment(0)).await;
    locks.acquire(&show.hold(&[1], 2), moment(0)).await;
    hold.reserved_until = moment(1000);
    assert_eq!(locks.extend(&hold, moment(0)).await, Locks::Answered(1));
    let ttl = |seat: SeatId| format!("lock:seat:{seat}");
    let mine: u64 = redis.command(&["PTTL", &ttl(show.seats[0])]).await.unwrap().parse().unwrap();
    let theirs: u64 = redis.command(&["PTTL", &ttl(show.seats[1])]).await.unwrap().parse().unwrap();
    assert!(mine > 990_000 && theirs < 303_000, "{mine}, {theirs}");
}

#[tokio::test]
async fn the_owner_that_postgres_named_is_noted_for_the_time_that_remains() {
    let (redis, show) = (Redis::start(), Show::new());
    let locks = redis.locks();
    let newer = show.hold(&[1], 9);
    locks.acquire(&newer, moment(0)).await;
    let owner = Owner {
        reservation: ReservationId::new_in(show.event.bucket()),
        hold: 3,
        reserved_until: moment(40),
    };
    let owners = [(show.seats[0], owner), (show.seats[1], owner)];
    assert_eq!(locks.note_owners(show.event, &owners, moment(30)).await, Locks::Answered(1));
    assert_eq!(show.owners(&locks).await, [Some(owner.reservation), Some(newer.reservation), None, None]);
    let key = format!("lock:seat:{}", show.seats[0]);
    let ttl: u64 = redis.command(&["PTTL", &key]).await.unwrap().parse().unwrap();
    assert!((10_000..=12_000).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn a_redis_that_hangs_costs_the_bound_and_then_nothing() {
    let (redis, show) = (Redis::start(), Show::new());
    let mut config = redis.config();
    config.bound = Duration::from_millis(50);
    config.breaker = BreakerConfig { failures_max: 3, open_for: Duration::from_millis(1) };
    let locks = SeatLocks::connect(config).unwrap();
    let hold = show.hold(&[0], 1);
    redis.signal("STOP");
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(locks.acquire(&hold, moment(0)).await, Locks::Unavailable);
    }
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(2), "three requests within three bounds, not {taken:?}");
    assert_eq!(locks.mode(), LockMode::Degraded);

    redis.signal("CONT");
    // Each trial of the breaker asks again; one of them meets the recovered server.
    let mut trials = 0;
    while locks.peek(show.event, &show.seats).await == Locks::Unavailable {
        trials += 1;
        assert!(trials < 10_000_000, "it came back and nobody noticed");
        tokio::task::yield_now().await;
    }
    assert_eq!(locks.mode(), LockMode::Working);
}

#[tokio::test]
async fn an_open_breaker_asks_nobody() {
    let (redis, show) = (Redis::start(), Show::new());
    let mut config = redis.config();
    config.bound = Duration::from_millis(50);
    config.breaker = BreakerConfig { failures_max: 1, open_for: Duration::from_secs(3600) };
    let locks = SeatLocks::connect(config).unwrap();
    redis.signal("STOP");
    assert_eq!(locks.peek(show.event, &show.seats).await, Locks::Unavailable);
    redis.signal("CONT");
    let begun = Instant::now();
    for _ in 0..1000 {
        assert_eq!(locks.peek(show.event, &show.seats).await, Locks::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn without_redis_every_answer_is_none_and_at_once() {
    let show = Show::new();
    let locks = SeatLocks::none();
    assert_eq!(locks.mode(), LockMode::Absent);
    assert_eq!(locks.acquire(&show.hold(&[0], 1), moment(0)).await, Locks::Unavailable);
    assert_eq!(locks.peek(show.event, &show.seats).await, Locks::Unavailable);
}

#[tokio::test]
async fn a_flushed_redis_is_filled_again_by_the_next_acquire_and_garbage_gives_way() {
    let (redis, show) = (Redis::start(), Show::new());
    let mut config = redis.config();
    config.keys = KeyTemplate::plain("t1:");
    let locks = SeatLocks::connect(config).unwrap();
    let hold = show.hold(&[0, 1], 1);
    locks.acquire(&hold, moment(0)).await;
    redis.command(&["FLUSHALL"]).await;
    redis.command(&["SCRIPT", "FLUSH"]).await;
    redis.command(&["SET", &format!("t1:lock:seat:{}", show.seats[0]), "garbage"]).await;
    assert_eq!(show.owners(&locks).await, [None; 4]);
    assert_eq!(locks.acquire(&hold, moment(0)).await, Locks::Answered(Acquired::All));
    assert_eq!(show.owners(&locks).await[0], Some(hold.reservation));
}
