//! Circles (import cycles): sets of files in which each file reaches each other one by imports.

use super::graph::{Edges, Graph};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl Graph {
    /// The circles of more than one file, each as the places of its files.
    pub fn circles(&self) -> Vec<BTreeSet<usize>> {
        let reached: Vec<BTreeSet<usize>> =
            (0..self.files.len()).map(|from| reached(&self.edges, from)).collect();
        let mut circles = BTreeSet::new();
        for (from, its) in reached.iter().enumerate() {
            if its.contains(&from) {
                circles.insert(its.iter().copied().filter(|to| reached[*to].contains(&from)).collect());
            }
        }
        circles.into_iter().collect()
    }

    /// A path round a circle, each import with its names. Each file has a shortest path through it; this is the
    /// longest of those.
    pub fn way_round(&self, circle: &BTreeSet<usize>) -> Vec<String> {
        let ways = circle.iter().filter_map(|at| way(&self.edges, *at, |to| to == *at));
        let way = ways.max_by_key(Vec::len).unwrap_or_default();
        way.windows(2).map(|step| self.describe(step[0], step[1])).collect()
    }

    /// A way by imports from one of these files to one of those, each import with its names.
    pub fn way_between(
        &self,
        from: impl Fn(usize) -> bool,
        to: impl Fn(usize) -> bool,
    ) -> Option<Vec<String>> {
        let starts = (0..self.files.len()).filter(|at| from(*at));
        let found = starts.filter_map(|at| way(&self.edges, at, &to)).min_by_key(Vec::len)?;
        Some(found.windows(2).map(|step| self.describe(step[0], step[1])).collect())
    }
}

fn reached(edges: &Edges, from: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(at) = waiting.pop() {
        waiting.extend(after(edges, at).filter(|to| seen.insert(*to)));
    }
    seen
}

/// The shortest way, both ends included.
fn way(edges: &Edges, from: usize, is_end: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    let mut before = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(at) = waiting.pop_front() {
        for to in after(edges, at) {
            if before.contains_key(&to) {
                continue;
            }
            before.insert(to, at);
            if is_end(to) {
                let mut way = vec![to];
                while way.len() == 1 || way.last() != Some(&from) {
                    way.push(before[&way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            waiting.push_back(to);
        }
    }
    None
}

fn after(edges: &Edges, at: usize) -> impl Iterator<Item = usize> {
    edges.range((at, 0)..=(at, usize::MAX)).map(|((_, to), _)| *to)
}
