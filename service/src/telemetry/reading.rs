//! The counts of this process, read from its own `/metrics`, because the recorder can't be read in another way.

use std::collections::BTreeMap;

/// The metric of sagas that ended on this node.
const ENDED: &str = "usher_sagas_ended_total";
/// The metric of sagas that were taken over from silent nodes.
const TAKEOVERS: &str = "usher_lease_takeovers_total";
/// The metric of the time that calls took, by step.
const CALLS: &str = "usher_call_seconds";
/// The metric of the time that sets of `Tx` steps took, by step.
const SETS: &str = "usher_set_seconds";
/// The metric of degraded modes.
const DEGRADED: &str = "usher_degraded";

/// Everything that a sample takes from the metrics, counted since the process began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub ended: u64,
    pub takeovers: u64,
    /// For each step: how many took at most this many seconds, cumulative. The last bound is infinite.
    pub steps: BTreeMap<String, Vec<(f64, u64)>>,
    pub degraded: Vec<String>,
}

impl Reading {
    /// Reads metrics in Prometheus' text format.
    pub fn of(text: &str) -> Self {
        let mut reading = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (metric, labels) = name.split_once('{').unwrap_or((name, ""));
            reading.add(metric, labels, value);
        }
        reading
    }

    fn add(&mut self, metric: &str, labels: &str, value: f64) {
        match metric {
            ENDED => self.ended += value as u64,
            TAKEOVERS => self.takeovers += value as u64,
            DEGRADED if value > 0.0 => self.degraded.extend(label(labels, "mode")),
            _ => {
                let Some(CALLS | SETS) = metric.strip_suffix("_bucket") else { return };
                let (Some(step), Some(le)) = (label(labels, "step"), label(labels, "le")) else { return };
                // `+Inf` parses as a float too.
                if let Ok(le) = le.parse::<f64>() {
                    self.steps.entry(step).or_default().push((le, value as u64));
                }
            }
        }
    }

    /// The difference since an earlier reading; everything if the process was restarted.
    pub fn since(&self, before: &Self) -> Self {
        let steps = self.steps.iter().map(|(step, buckets)| {
            let old = before.steps.get(step).filter(|old| old.len() == buckets.len());
            let count = |(index, (le, count)): (usize, &(f64, u64))| {
                (*le, count.saturating_sub(old.map_or(0, |old| old[index].1)))
            };
            (step.clone(), buckets.iter().enumerate().map(count).collect())
        });
        Self {
            ended: self.ended.saturating_sub(before.ended),
            takeovers: self.takeovers.saturating_sub(before.takeovers),
            steps: steps.collect(),
            degraded: self.degraded.clone(),
        }
    }
}

/// A label's value. We read only labels of our own, which have no escapes.
fn label(labels: &str, name: &str) -> Option<String> {
    let (_, after) = labels.split_once(&format!("{name}=\""))?;
    Some(after.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE usher_sagas_ended_total counter
usher_sagas_ended_total{state="completed"} 40
usher_sagas_ended_total{state="unwound"} 2
usher_degraded{mode="without_seat_locks"} 1
usher_call_seconds_bucket{step="pay",le="0.1"} 3
usher_call_seconds_bucket{step="pay",le="+Inf"} 4
usher_call_seconds_sum{step="pay"} 1.5
usher_batch_sagas_bucket{le="1"} 9
"#;

    #[test]
    fn a_reading_has_what_the_process_counts() {
        let reading = Reading::of(TEXT);
        assert_eq!((reading.ended, reading.takeovers), (42, 0));
        assert_eq!(reading.degraded, ["without_seat_locks"]);
        assert_eq!(reading.steps["pay"], [(0.1, 3), (f64::INFINITY, 4)]);
        assert_eq!(reading.steps.len(), 1);
    }

    #[test]
    fn a_difference_has_only_what_came_since() {
        let before = Reading::of(TEXT);
        let after = Reading::of(&TEXT.replace("le=\"+Inf\"} 4", "le=\"+Inf\"} 9").replace("} 40", "} 50"));
        let since = after.since(&before);
        assert_eq!(since.ended, 10);
        assert_eq!(since.steps["pay"], [(0.1, 0), (f64::INFINITY, 5)]);
    }
}
