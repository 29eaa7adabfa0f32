//! What is to be done later, by the time it is due.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::gateway) enum Task {
    /// Settle the intent with this id.
    Settle(String),
    /// End the refund with this id.
    Refund(String),
}

/// Tasks by their time. Their number is bounded by the records that they belong to.
pub(in crate::gateway) struct Agenda<T> {
    by_time: BTreeSet<(i64, T)>,
    times: HashMap<T, i64>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), times: HashMap::new() }
    }
}

impl<T: Clone + Ord + Hash> Agenda<T> {
    /// Sets when `task` is due, in unix milliseconds; `None` takes it off the agenda.
    pub fn set(&mut self, task: T, at_ms: Option<i64>) {
        if let Some(old) = self.times.remove(&task) {
            self.by_time.remove(&(old, task.clone()));
        }
        if let Some(at_ms) = at_ms {
            self.times.insert(task.clone(), at_ms);
            self.by_time.insert((at_ms, task));
        }
    }

    /// Takes the first task that is due at `now_ms` off the agenda. The caller must put its record back.
    pub fn pop_due(&mut self, now_ms: i64) -> Option<T> {
        self.next_ms().filter(|at_ms| *at_ms <= now_ms)?;
        let (_, task) = self.by_time.pop_first()?;
        self.times.remove(&task);
        Some(task)
    }

    pub fn next_ms(&self) -> Option<i64> {
        self.by_time.first().map(|(at_ms, _)| *at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_time_and_only_once() {
        let mut agenda = Agenda::default();
        let task = |id: &str| Task::Settle(id.to_owned());
        agenda.set(task("late"), Some(30));
        agenda.set(task("soon"), Some(20));
        agenda.set(task("moved"), Some(5));
        agenda.set(task("moved"), Some(25));
        agenda.set(task("off"), Some(1));
        agenda.set(task("off"), None);
        assert_eq!(agenda.next_ms(), Some(20));
        assert_eq!(agenda.pop_due(19), None);
        let due: Vec<_> = std::iter::from_fn(|| agenda.pop_due(25)).collect();
        assert_eq!(due, [task("soon"), task("moved")]);
        assert_eq!(agenda.next_ms(), Some(30));
    }
}
