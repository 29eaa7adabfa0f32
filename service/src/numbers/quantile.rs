//! p50 and p99 of steps, estimated from counts by bound as in Prometheus: values are spread evenly between two bounds.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long one step took, in counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCounts {
    /// The step's name.
    pub step: String,
    /// The bounds in seconds, rising. Steps that took longer than the last one are counted only in `ran`.
    pub le: Vec<f64>,
    /// For each bound, how many steps took at most that long, cumulative.
    pub counts: Vec<u64>,
    /// The number of all steps.
    pub ran: u64,
}

/// How long one step takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTime {
    /// The step's name.
    pub step: String,
    /// How often it ran.
    pub ran: u64,
    /// Half of them took at most this, in seconds.
    pub p50_s: f64,
    /// 99 % of them took at most this, in seconds; at most the largest bound.
    pub p99_s: f64,
}

/// Adds up the counts of several nodes and samples.
pub fn add_up(samples: impl IntoIterator<Item = StepCounts>) -> Vec<StepCounts> {
    let mut sums: BTreeMap<String, StepCounts> = BTreeMap::new();
    for sample in samples {
        match sums.get_mut(&sample.step) {
            // Nodes of another version may have other bounds. Theirs are left out until all nodes are alike again.
            Some(sum) if sum.le == sample.le => {
                sum.ran += sample.ran;
                for (sum, count) in sum.counts.iter_mut().zip(&sample.counts) {
                    *sum += count;
                }
            }
            Some(_) => {}
            None => drop(sums.insert(sample.step.clone(), sample)),
        }
    }
    sums.into_values().collect()
}

/// The times of steps, the slowest first.
pub fn slowest_first(counts: Vec<StepCounts>) -> Vec<StepTime> {
    let times = counts.into_iter().filter(|counts| counts.ran > 0).map(|counts| StepTime {
        p50_s: quantile(&counts, 0.5),
        p99_s: quantile(&counts, 0.99),
        ran: counts.ran,
        step: counts.step,
    });
    let mut times: Vec<StepTime> = times.collect();
    times.sort_by(|one, other| other.p99_s.total_cmp(&one.p99_s));
    times
}

fn quantile(counts: &StepCounts, part: f64) -> f64 {
    let wanted = part * counts.ran as f64;
    let (mut bound, mut below) = (0.0, 0);
    for (le, count) in counts.le.iter().zip(&counts.counts) {
        if *count as f64 >= wanted {
            let inside = (count - below).max(1) as f64;
            return bound + (le - bound) * ((wanted - below as f64) / inside);
        }
        (bound, below) = (*le, *count);
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(step: &str, counts: [u64; 3], ran: u64) -> StepCounts {
        StepCounts { step: step.into(), le: vec![0.1, 0.2, 1.0], counts: counts.into(), ran }
    }

    #[test]
    fn a_quantile_lies_evenly_within_its_bound() {
        let [slow, fast] =
            &slowest_first(vec![counts("fast", [100, 100, 100], 100), counts("slow", [0, 50, 98], 100)])[..]
        else {
            panic!("two steps")
        };
        assert_eq!((slow.step.as_str(), slow.ran), ("slow", 100));
        assert!((slow.p50_s - 0.2).abs() < 1e-9 && (slow.p99_s - 1.0).abs() < 1e-9, "{slow:?}");
        assert!((fast.p50_s - 0.05).abs() < 1e-9, "{fast:?}");
    }

    #[test]
    fn nodes_are_added_up_and_a_step_that_did_not_run_has_no_time() {
        let sum =
            add_up([counts("pay", [1, 2, 3], 3), counts("pay", [1, 1, 1], 2), counts("idle", [0, 0, 0], 0)]);
        assert_eq!(sum, [counts("idle", [0, 0, 0], 0), counts("pay", [2, 3, 4], 5)]);
        assert_eq!(slowest_first(sum).len(), 1);
    }
}
