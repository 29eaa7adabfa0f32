//! What can go wrong, one case each.

use crate::machine::Done;

/// A fault at one of the steps that are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step's first attempt fails before its effect.
    Before(Done),
    /// The step's first attempt fails after its effect.
    After(Done),
    /// Every attempt fails before its effect.
    AlwaysBefore(Done),
    /// Every attempt fails after its effect.
    AlwaysAfter(Done),
    /// The call is made twice under its key.
    Twice(Done),
    /// The node dies when the call has had its effect, before its answer is heard.
    AnswerLost(Done),
}

/// One case: how stretches are cut, which faults meet the saga, where the lane crashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub(super) full: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) crash_at: Option<u32>,
}

impl Case {
    /// A case without a fault, with `full` stretches or with stretches cut after each entry.
    pub fn plain(full: bool) -> Self {
        Self { full, faults: Vec::new(), crash_at: None }
    }

    /// Adds one fault.
    pub fn with(full: bool, fault: Fault) -> Self {
        Self { full, faults: vec![fault], crash_at: None }
    }

    /// Adds another fault.
    pub fn and(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds a crash of the lane at this boundary.
    pub fn crash_at(mut self, boundary: u32) -> Self {
        self.crash_at = Some(boundary);
        self
    }
}

impl Fault {
    /// All faults that can meet the steps on the way forward.
    pub(super) fn all_of(done: &[Done]) -> Vec<Self> {
        let steps = distinct(done.iter().filter(|done| !done.undo));
        let faults = steps.into_iter().flat_map(|done| {
            let ours = [Self::Before(done.clone()), Self::AlwaysBefore(done.clone())];
            let theirs = [
                Self::After(done.clone()),
                Self::AlwaysAfter(done.clone()),
                Self::Twice(done.clone()),
                Self::AnswerLost(done.clone()),
            ];
            ours.into_iter().chain(theirs.into_iter().filter(move |_| !done.ours))
        });
        faults.collect()
    }

    /// All faults that can meet the compensations and still end well.
    pub(super) fn all_of_undos(done: &[Done]) -> Vec<Self> {
        let undos = distinct(done.iter().filter(|done| done.undo));
        let faults = undos.into_iter().flat_map(|done| {
            let ours = [Self::Before(done.clone())];
            let theirs =
                [Self::After(done.clone()), Self::Twice(done.clone()), Self::AnswerLost(done.clone())];
            ours.into_iter().chain(theirs.into_iter().filter(move |_| !done.ours))
        });
        faults.collect()
    }

    /// Whether it makes its step impossible.
    pub(super) fn is_for_good(&self) -> bool {
        matches!(self, Self::AlwaysBefore(_) | Self::AlwaysAfter(_))
    }

    pub(super) fn at(&self) -> &Done {
        match self {
            Self::Before(done)
            | Self::After(done)
            | Self::AlwaysBefore(done)
            | Self::AlwaysAfter(done)
            | Self::Twice(done)
            | Self::AnswerLost(done) => done,
        }
    }
}

fn distinct<'a>(all: impl Iterator<Item = &'a Done>) -> Vec<Done> {
    let mut seen = Vec::new();
    for done in all {
        if !seen.contains(done) {
            seen.push(done.clone());
        }
    }
    seen
}
