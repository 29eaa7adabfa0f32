//! Faults of one kind after the other, and all kinds side by side.

use super::{Fault, LEASE, NODES, Node, Planned, Stroke, TABLES, WaysOff, between, one};
use crate::support::{Prey, Whom};
use rand::{Rng, rngs::StdRng};
use std::time::Duration;

/// A kind of faults: how long it is quiet between two, and what the next is. In milliseconds.
pub(super) struct Track {
    quiet_ms: (u64, u64),
    draw: fn(&mut StdRng) -> (Fault, (u64, u64)),
}

/// How long a node usually takes to leave. No fault that tells it to leave is shorter.
const LEAVE_MS: u64 = 4_000;

pub(super) const ALL: &[Track] = &[
    Track { quiet_ms: (1_000, 5_000), draw: process },
    Track { quiet_ms: (6_000, 14_000), draw: server },
    Track { quiet_ms: (500, 3_000), draw: commits },
    Track { quiet_ms: (2_000, 7_000), draw: line },
    Track { quiet_ms: (300, 2_000), draw: rows },
    Track { quiet_ms: (3_000, 9_000), draw: table },
    Track { quiet_ms: (2_000, 8_000), draw: redis },
    Track { quiet_ms: (500, 3_000), draw: gateway },
    Track { quiet_ms: (500, 4_000), draw: webhooks },
];

/// Faults of this kind, as many as there is time for.
pub(super) fn lay(track: &Track, length: Duration, random: &mut StdRng) -> Vec<Planned<Stroke>> {
    let (mut planned, mut at) = (Vec::new(), Duration::ZERO);
    loop {
        at += between(random, track.quiet_ms.0, track.quiet_ms.1);
        let (fault, (from_ms, to_ms)) = (track.draw)(random);
        let lasts = between(random, from_ms, to_ms);
        if at + lasts > length {
            return planned;
        }
        planned.push(Planned { at, what: Stroke { fault, lasts } });
        at += lasts;
    }
}

/// So many leases, in milliseconds.
const fn leases(count: u64) -> u64 {
    LEASE.as_millis() as u64 * count
}

fn node(random: &mut StdRng) -> Node {
    Node(random.random_range(0..NODES))
}

fn process(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let node = node(random);
    match random.random_range(0..12) {
        0..=4 => (Fault::Kill(node), (100, leases(2))),
        5 => (Fault::KillAll, (100, 2_000)),
        6..=8 => (Fault::Freeze(node), (leases(1), leases(3))),
        _ => (Fault::Leave(node), (LEAVE_MS, LEAVE_MS + 2_000)),
    }
}

fn server(random: &mut StdRng) -> (Fault, (u64, u64)) {
    match random.random_range(0..8) {
        0 | 1 => (Fault::CrashPostgres, (100, 3_000)),
        2..=4 => (Fault::TerminateBackends, (1, 10)),
        5 | 6 => (Fault::ReadOnly, (500, 4_000)),
        _ => (Fault::DiskFull, (500, 4_000)),
    }
}

fn commits(random: &mut StdRng) -> (Fault, (u64, u64)) {
    /// More than one, so that the next ones hit what recovers from the first.
    const IN_A_ROW_MAX: usize = 4;
    let way = |random: &mut StdRng| match random.random_range(0..10) {
        0..=2 => WaysOff::CutBefore,
        3..=5 => WaysOff::CutAfter,
        6 => WaysOff::SilentBefore,
        7 => WaysOff::SilentAfter,
        _ => WaysOff::Delayed(between(random, 50, leases(2))),
    };
    let count = random.random_range(1..=IN_A_ROW_MAX);
    let ways = (0..count).map(|_| (random.random_range(0..6), way(random))).collect();
    let whom = one(random, &[Whom::Named("usher lane"), Whom::Named("usher lane 0"), Whom::All]);
    (Fault::Commits(node(random), whom, ways), (1_000, 3_000))
}

fn line(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let lines = [Whom::Named("usher lane 0"), Whom::Named("usher leases"), Whom::Named("usher"), Whom::All];
    let (node, whom) = (node(random), one(random, &lines));
    match random.random_range(0..8) {
        0..=3 => (Fault::HoldPostgres(node, whom), (200, leases(3))),
        4..=6 => (Fault::DeadPostgres(node, whom), (1, 10)),
        _ => (Fault::CutOffPostgres(node), (500, leases(3))),
    }
}

fn rows(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let tables = ["usher.sagas", "usher.sagas", "booking.seats", "booking.payments", "booking.reservations"];
    let (table, count) = (one(random, &tables), one(random, &[1, 3, 20]));
    (Fault::Rival(Prey::Rows(table, count, random.random())), (200, leases(3)))
}

fn table(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let table = one(random, &TABLES);
    let prey = if random.random_bool(0.5) { Prey::Writes(table) } else { Prey::Table(table) };
    (Fault::Rival(prey), (200, leases(3)))
}

fn redis(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let node = node(random);
    match random.random_range(0..6) {
        0 | 1 => (Fault::FlushRedis, (1, 10)),
        2 => (Fault::KillRedis, (100, 4_000)),
        3 | 4 => (Fault::HoldRedis, (200, 4_000)),
        _ => (Fault::DeadRedis(node), (1, 10)),
    }
}

fn gateway(random: &mut StdRng) -> (Fault, (u64, u64)) {
    let (node, percent) = (node(random), random.random_range(10..=60));
    match random.random_range(0..8) {
        0..=4 => (Fault::GatewayLine(node, percent), (1_000, 5_000)),
        5 | 6 => (Fault::GatewayMood(percent / 2), (1_000, 6_000)),
        _ => (Fault::GatewayGone, (500, 4_000)),
    }
}

fn webhooks(random: &mut StdRng) -> (Fault, (u64, u64)) {
    (Fault::Webhooks(random.random_range(20..=80)), (1_000, 6_000))
}
