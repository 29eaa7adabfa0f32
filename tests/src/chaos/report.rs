//! The results of a run, for people and for machines.

use super::witness::Violation;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

/// The result of one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// How long faults struck, in seconds.
    pub seconds: u64,
    /// Customers who came.
    pub journeys: usize,
    /// Those who wanted a booking and had a seat to themselves.
    pub wanted: usize,
    /// Those of them who were told that they have it.
    pub booked: usize,
    /// Faults of the plan.
    pub faults: usize,
    /// Sagas that needed a person in the end.
    pub stuck: usize,
    /// Sagas and webhooks that were not at rest in the end.
    pub hung: usize,
    /// How long it took until all was at rest, in seconds; none if it never was.
    pub rest_s: Option<f64>,
    /// Deadlocks in PostgreSQL's log.
    pub deadlocks: usize,
    /// Somebody stopped the run before its end.
    pub interrupted: bool,
    /// Where timeline and logs are, if they were kept.
    pub kept_in: Option<PathBuf>,
    /// How journeys ended, by kind.
    pub ends: Vec<String>,
    /// Rules that were broken.
    pub(super) violations: Vec<Violation>,
    #[serde(skip)]
    pub(super) timeline: String,
    /// Those that are not at rest, and those that violations name.
    #[serde(skip)]
    pub(super) sagas: Vec<String>,
}

impl Outcome {
    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.rest_s.is_some() && !self.interrupted
    }

    /// Everything that a person needs who looks for the reason.
    pub fn story(&self) -> String {
        /// Of each rule; one that is broken is often broken a hundred times.
        const SHOWN_MAX: usize = 8;
        /// In full, and each is long.
        const SAGAS_MAX: usize = 40;
        let mut text = format!("seed {}\n\ntimeline\n{}\njourneys\n", self.seed, self.timeline);
        for end in &self.ends {
            let _ = writeln!(text, "  {end}");
        }
        let _ = writeln!(text, "\nviolations: {}", self.violations.len());
        for (rule, details) in self.by_rule() {
            let _ = writeln!(text, "  {rule}: {}", details.len());
            for detail in details.iter().take(SHOWN_MAX) {
                let _ = writeln!(text, "    {detail}");
            }
        }
        let _ = writeln!(text, "\nsagas: {}", self.sagas.len());
        for saga in self.sagas.iter().take(SAGAS_MAX) {
            let _ = writeln!(text, "{saga}");
        }
        let _ = writeln!(text, "\n{}", table(std::slice::from_ref(self)));
        text
    }

    /// The rules that were broken, and each time that they were.
    fn by_rule(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut by_rule = BTreeMap::<_, Vec<_>>::new();
        for violation in &self.violations {
            by_rule.entry(violation.rule.as_str()).or_default().push(violation.detail.as_str());
        }
        by_rule
    }

    /// In a line: whether it was good, and if not, what was broken how often.
    pub fn verdict(&self) -> String {
        if self.is_good() {
            return format!("seed {}: good", self.seed);
        }
        let rules = self.by_rule().into_iter().map(|(rule, details)| format!(", {} {rule}", details.len()));
        let kept = self.kept_in.as_ref().map_or_else(String::new, |at| format!("; see {}", at.display()));
        let state = if self.interrupted { "stopped" } else { "not good" };
        let rules = rules.collect::<String>();
        format!("seed {}: {state}, {} stuck, {} hung{rules}{kept}", self.seed, self.stuck, self.hung)
    }
}

/// One line a seed, and their sums.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "     seed journeys   wanted   booked   faults violations    stuck     hung  rest (s) deadlocks\n",
    );
    for one in outcomes {
        let rest = one.rest_s.map_or(if one.interrupted { "stopped" } else { "never" }.into(), |rest_s| {
            format!("{rest_s:.1}")
        });
        row(&mut text, &one.seed.to_string(), std::slice::from_ref(one), &rest);
    }
    if outcomes.len() > 1 {
        let longest =
            outcomes.iter().map(|one| one.rest_s).try_fold(0.0, |longest, rest_s| Some(rest_s?.max(longest)));
        row(
            &mut text,
            "all",
            outcomes,
            &longest.map_or("never".into(), |rest_s: f64| format!("{rest_s:.1}")),
        );
    }
    text
}

fn row(text: &mut String, name: &str, of: &[Outcome], rest: &str) {
    let sum = |figure: fn(&Outcome) -> usize| of.iter().map(figure).sum::<usize>();
    let _ = writeln!(
        text,
        "{name:>9} {:>8} {:>8} {:>8} {:>8} {:>10} {:>8} {:>8} {rest:>9} {:>9}",
        sum(|one| one.journeys),
        sum(|one| one.wanted),
        sum(|one| one.booked),
        sum(|one| one.faults),
        sum(|one| one.violations.len()),
        sum(|one| one.stuck),
        sum(|one| one.hung),
        sum(|one| one.deadlocks),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(seed: u64) -> Outcome {
        Outcome {
            seed,
            seconds: 60,
            journeys: 200,
            wanted: 90,
            booked: 80,
            faults: 70,
            stuck: 0,
            hung: 0,
            rest_s: Some(12.3),
            deadlocks: 0,
            interrupted: false,
            kept_in: None,
            ends: Vec::new(),
            violations: Vec::new(),
            timeline: String::new(),
            sagas: Vec::new(),
        }
    }

    #[test]
    fn the_table_has_a_line_a_seed_and_the_sums() {
        let never = Outcome { rest_s: None, hung: 2, ..outcome(8) };
        let table = table(&[outcome(7), never]);
        let words: Vec<Vec<&str>> =
            table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["7", "200", "90", "80", "70", "0", "0", "0", "12.3", "0"]);
        assert_eq!(words[1], ["8", "200", "90", "80", "70", "0", "0", "2", "never", "0"]);
        assert_eq!(words[2], ["all", "400", "180", "160", "140", "0", "0", "2", "never", "0"]);
    }

    #[test]
    fn a_run_is_good_only_if_it_came_to_rest_and_broke_nothing() {
        assert!(outcome(7).is_good());
        assert!(!Outcome { rest_s: None, ..outcome(7) }.is_good());
        assert!(!Outcome { interrupted: true, ..outcome(7) }.is_good());
        let broken = Violation { rule: "money".into(), detail: "is gone".into() };
        let bad = Outcome { violations: vec![broken.clone(), broken], ..outcome(7) };
        assert_eq!(bad.verdict(), "seed 7: not good, 0 stuck, 0 hung, 2 money");
    }
}
