//! The look before the leap: what the wanted seats are, and a lock on those that can be won.
//!
//! Nobody waits for a row here. Who takes seats holds a batch of sagas, and perhaps seats of other sagas; if it
//! waited, two nodes that sell one event would wait for each other, and everybody behind them for both. So seats that are
//! reserved or booked are only read: their own sagas must find them unlocked. Seats that can be won are
//! locked with `skip locked`. What somebody else has locked is being sold at this moment, or comes back in the next:
//! everything is let go and looked at anew after a pause, and what is locked even then is *busy*.

use super::decide::can_win;
use super::take::Take;
use crate::money::Currency;
use crate::status::{SaleStatus, SeatStatus};
use crate::store::reservations::lock_lapsed;
use crate::store::{StoreError, keys};
use crate::{EventId, ReservationId, SeatId};
use chrono::{DateTime, Utc};
use rand::Rng;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// Pauses between looks, in milliseconds, each shortened at random so that two who let go for each other don't meet
/// again. The first are what a small batch takes; together they are less than a lane may wait for any lock.
const PAUSES_MS: [u64; 6] = [5, 10, 20, 40, 60, 60];

/// A seat as it stands, with what its event says of it.
#[derive(Clone, Debug)]
pub(super) struct SeatRow {
    pub event: EventId,
    pub price_minor: i64,
    pub currency: Currency,
    pub sale: SaleStatus,
    pub hold_ms: i64,
    pub seats_max: usize,
    pub status: SeatStatus,
    pub hold: i64,
    pub reservation: Option<ReservationId>,
    pub reserved_until: Option<DateTime<Utc>>,
    pub blocked: bool,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The wanted seats; one that isn't there is missing. Those that can be won are locked to the commit.
    pub seats: HashMap<SeatId, SeatRow>,
    /// Owners whose time is up, who ordered no payment, and whom we have locked. Where nobody can win anything: owners
    /// whose time is up.
    pub lapsed: HashSet<ReservationId>,
    /// Seats that could be won, and that somebody else has locked.
    pub busy: HashSet<SeatId>,
}

/// Looks until nothing is busy, or all pauses are spent. Needs a transaction: what it locks in vain it lets go by a
/// savepoint.
pub(super) async fn look(
    connection: &mut PgConnection,
    takes: &[Take],
    now: DateTime<Utc>,
) -> Result<Look, StoreError> {
    for pause_ms in PAUSES_MS {
        let look = look_once(connection, takes, now).await?;
        if look.busy.is_empty() {
            return Ok(look);
        }
        sqlx::raw_sql("rollback to savepoint look; release savepoint look").execute(&mut *connection).await?;
        let shortened_ms = rand::rng().random_range(pause_ms / 2..=pause_ms);
        tokio::time::sleep(Duration::from_millis(shortened_ms)).await;
    }
    look_once(connection, takes, now).await
}

async fn look_once(
    connection: &mut PgConnection,
    takes: &[Take],
    now: DateTime<Utc>,
) -> Result<Look, StoreError> {
    sqlx::raw_sql("savepoint look").execute(&mut *connection).await?;
    // Mostly all of them are free. Then the statement that reads them has locked them too.
    let all = takes.iter().flat_map(|take| take.seats.iter().copied());
    let (seats, mut locked) = read(connection, all, true).await?;
    let overdue = overdue(&seats, now);
    let mut look = Look { seats, lapsed: overdue.iter().copied().collect(), busy: HashSet::new() };
    let mut wanted = winnable(takes, &look);
    if wanted.is_empty() {
        return Ok(look);
    }
    if locked.is_empty() {
        // The reservation first: whoever has it has its seats, and nobody else's transaction touches them.
        look.lapsed = lock_lapsed(connection, &overdue, now).await?;
        wanted = winnable(takes, &look);
        for (seat, row) in lock(connection, &wanted, &look.lapsed).await? {
            locked.insert(seat);
            if let Some(known) = look.seats.get_mut(&seat) {
                known.now_locked(&row);
            }
        }
    }
    wanted.retain(|seat| !locked.contains(seat));
    if !wanted.is_empty() {
        // What was committed between the two statements is no lock to wait for.
        look.seats.extend(read(connection, wanted.iter().copied(), false).await?.0);
        let is_free = |seat: &SeatId| look.seats.get(seat).is_some_and(|row| row.is_free(&look.lapsed));
        look.busy = wanted.into_iter().filter(is_free).collect();
    }
    Ok(look)
}

impl SeatRow {
    /// What may have changed since it was read, and can't any more.
    fn now_locked(&mut self, locked: &Locked) {
        (self.price_minor, self.hold) = (locked.price_minor, locked.hold);
        if locked.status == SeatStatus::Available {
            (self.status, self.reservation, self.reserved_until) = (SeatStatus::Available, None, None);
        }
    }
}

/// Whose seats might be taken over.
fn overdue(seats: &HashMap<SeatId, SeatRow>, now: DateTime<Utc>) -> BTreeSet<ReservationId> {
    seats
        .values()
        .filter(|seat| {
            seat.status == SeatStatus::Reserved && seat.reserved_until.is_some_and(|until| until < now)
        })
        .filter_map(|seat| seat.reservation)
        .collect()
}

/// The seats of those who could have all of theirs. Who is surely refused locks nothing.
fn winnable(takes: &[Take], look: &Look) -> BTreeSet<SeatId> {
    let winners = takes.iter().filter(|take| can_win(take, look));
    winners.flat_map(|take| take.seats.iter().copied()).collect()
}

/// Reads these seats. If all of them are free, and `may_lock`, it locks those that nobody else has locked, and names them.
async fn read(
    connection: &mut PgConnection,
    wanted: impl Iterator<Item = SeatId>,
    may_lock: bool,
) -> Result<(HashMap<SeatId, SeatRow>, HashSet<SeatId>), StoreError> {
    let wanted: BTreeSet<SeatId> = wanted.collect();
    let (ids, buckets) = keys(wanted.into_iter().map(SeatId::uuid));
    let (mut seats, mut locked) = (HashMap::with_capacity(ids.len()), HashSet::new());
    let rows = sqlx::query_file!("src/store/sql/read_seats.sql", &ids, &buckets, may_lock);
    for row in rows.fetch_all(connection).await? {
        let id = SeatId::from_uuid(row.id);
        if row.locked {
            locked.insert(id);
        }
        let seat = SeatRow {
            event: EventId::from_uuid(row.event_id),
            price_minor: row.price_minor,
            currency: row.currency,
            sale: row.sale,
            hold_ms: row.hold_ms,
            seats_max: usize::try_from(row.seats_max).unwrap_or_default(),
            status: row.status,
            hold: row.hold,
            reservation: row.reservation_id.map(ReservationId::from_uuid),
            reserved_until: row.reserved_until,
            blocked: row.blocked,
        };
        seats.insert(id, seat);
    }
    Ok((seats, locked))
}

/// A seat as its lock found it.
struct Locked {
    price_minor: i64,
    status: SeatStatus,
    hold: i64,
}

/// Locks those of these seats that are free still and that nobody else has locked.
async fn lock(
    connection: &mut PgConnection,
    wanted: &BTreeSet<SeatId>,
    lapsed: &HashSet<ReservationId>,
) -> Result<HashMap<SeatId, Locked>, StoreError> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let (ids, buckets) = keys(wanted.iter().map(|seat| seat.uuid()));
    let lapsed: Vec<_> = lapsed.iter().map(|owner| owner.uuid()).collect();
    let rows = sqlx::query_file!("src/store/sql/lock_seats.sql", &ids, &buckets, &lapsed)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| {
            let locked = Locked { price_minor: row.price_minor, status: row.status, hold: row.hold };
            (SeatId::from_uuid(row.id), locked)
        });
    Ok(rows.collect())
}
