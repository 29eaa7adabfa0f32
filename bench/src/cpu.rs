//! Who used how much processor time, as Linux counts it. It varies far less than throughput on a machine that
//! others use too.

use std::{
    collections::HashMap,
    ops::{Div, Sub},
};

/// Ticks a second in `/proc`: fixed for programs on every architecture that Linux and we run on.
const TICKS_PER_S: f64 = 100.0;

/// Processor time in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub postgres_us: f64,
    pub redis_us: f64,
    /// This process: the load, and the engine where it is measured.
    pub own_us: f64,
}

struct Process {
    parent: u32,
    name: String,
    /// Its own time.
    ticks: u64,
    /// The time of its children that have ended.
    ended_ticks: u64,
}

impl Cpu {
    /// Used so far by this process and the servers that it started; `None` where there is no `/proc`.
    pub fn used() -> Option<Self> {
        let us = std::process::id();
        let processes = processes()?;
        let own = processes.get(&us)?;
        let ours = |process: &Process, name: &str| {
            let parent = processes.get(&process.parent);
            process.name == name
                && (process.parent == us
                    || parent.is_some_and(|parent| parent.parent == us && parent.name == name))
        };
        let of = |name: &str| {
            let found = processes.values().filter(|process| ours(process, name));
            let ticks = |process: &Process| {
                process.ticks + if process.parent == us { process.ended_ticks } else { 0 }
            };
            micros(found.map(ticks).sum())
        };
        Some(Self { postgres_us: of("postgres"), redis_us: of("redis-server"), own_us: micros(own.ticks) })
    }
}

impl Sub for Cpu {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self {
            postgres_us: self.postgres_us - before.postgres_us,
            redis_us: self.redis_us - before.redis_us,
            own_us: self.own_us - before.own_us,
        }
    }
}

impl Div<f64> for Cpu {
    type Output = Self;
    fn div(self, by: f64) -> Self {
        Self { postgres_us: self.postgres_us / by, redis_us: self.redis_us / by, own_us: self.own_us / by }
    }
}

fn micros(ticks: u64) -> f64 {
    ticks as f64 * 1e6 / TICKS_PER_S
}

fn processes() -> Option<HashMap<u32, Process>> {
    let pids = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // A process that ends meanwhile is missing here; its parent counts its time from then on.
    let read = |pid| Some((pid, parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?));
    Some(pids.filter_map(read).collect())
}

/// The fields of proc(5)'s `stat`; the name, in brackets, may have blanks in it.
fn parse(stat: &str) -> Option<Process> {
    let (head, fields) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // The state, field 3 of the manual's list, comes first.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Process {
        parent: u32::try_from(number(4)?).ok()?,
        name,
        ticks: number(14)? + number(15)?,
        ended_ticks: number(16)? + number(17)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_read_whole() {
        let stat = "42 (tokio (rt) w) S 7 1 1 0 -1 4194304 10 0 0 0 250 50 3 4 20 0 1 0 5";
        let process = parse(stat).expect("it is a line of /proc");
        assert_eq!((process.parent, process.name.as_str()), (7, "tokio (rt) w"));
        assert_eq!((process.ticks, process.ended_ticks), (300, 7));
    }
}
