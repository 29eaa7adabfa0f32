//! What servers and nodes wrote down.

use crate::chaos::{witness::Violation, world::World};
use std::fs;

/// What was found.
pub(in super::super) struct Logged {
    /// Transactions that PostgreSQL ended because they waited for one another. Its own counter is lost in a crash.
    pub deadlocks: usize,
    pub violations: Vec<Violation>,
}

/// Reads all logs.
pub(in super::super) fn read_logs(world: &World) -> Logged {
    let read =
        |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let deadlocks = deadlocks(&read(world.postgres.log()));
    let panics = world.nodes.iter().flat_map(|node| {
        let log = read(node.log());
        let panics = log.lines().filter(|line| line.contains("panicked at"));
        panics.map(|line| format!("node {}: {line}", node.number)).collect::<Vec<_>>()
    });
    let mut violations: Vec<_> = panics.map(|detail| Violation { rule: "panicked".into(), detail }).collect();
    violations
        .extend(deadlocks.iter().map(|detail| Violation { rule: "deadlock".into(), detail: detail.clone() }));
    Logged { deadlocks: deadlocks.len(), violations }
}

/// The deadlocks of a log, each with both statements: the lines after it that are indented or have `DETAIL:`.
fn deadlocks(log: &str) -> Vec<String> {
    /// Two statements of ours, whole.
    const DETAIL_LINES_MAX: usize = 80;
    let goes_on = |line: &&str| line.starts_with('\t') || line.contains("DETAIL:");
    let lines: Vec<&str> = log.lines().collect();
    let begins = (0..lines.len()).filter(|at| lines[*at].contains("deadlock detected"));
    let whole = begins.map(|at| {
        let rest = lines[at + 1..].iter().copied().take_while(goes_on).take(DETAIL_LINES_MAX);
        std::iter::once(lines[at]).chain(rest).collect::<Vec<_>>().join("\n")
    });
    whole.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_deadlock_is_counted_once_with_what_is_said_of_it() {
        let log =
            "LOG:  started\nERROR:  deadlock detected\nDETAIL:  Process 1 waits\n\tselect\nLOG:  more\n";
        assert_eq!(deadlocks(log), ["ERROR:  deadlock detected\nDETAIL:  Process 1 waits\n\tselect"]);
        assert!(deadlocks("LOG:  nothing").is_empty());
    }
}
