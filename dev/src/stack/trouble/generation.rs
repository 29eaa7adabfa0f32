//! Which code is deployed: read once, when a process starts, from a file that its command line names.

use super::workflow::{Deadly, Newer, Trouble};
use ::steps::Services;
use orchestrator::{Builder, Settings};
use service::node::booking_workflows;
use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, fs, io, path::Path};

/// What is deployed. Of the workflow's code there are two: what sagas began with, and what is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The code with which the sagas begin.
    Before,
    /// The code that was deployed next, and should not have been.
    Broken,
    /// A node that knows one workflow and dies of it.
    Deadly,
    /// What was deployed last, and works.
    Mended,
}

impl Generation {
    /// The word for it in the file.
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Broken => "broken",
            Self::Deadly => "deadly",
            Self::Mended => "mended",
        }
    }

    /// Makes this the code that every process runs which starts from now on.
    pub(crate) fn deploy(self, file: &Path) -> io::Result<()> {
        fs::write(file, self.word())
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

static RUNS: OnceLock<Generation> = OnceLock::new();

/// From now on this process runs what the file says; later calls change nothing. Without a file, or with another word
/// in it, it runs the code that works.
pub(crate) fn run_what_is_deployed(file: &Path) {
    let word = fs::read_to_string(file).unwrap_or_default();
    let all = [Generation::Before, Generation::Broken, Generation::Deadly];
    let deployed = all.into_iter().find(|one| one.word() == word.trim()).unwrap_or(Generation::Mended);
    RUNS.get_or_init(|| deployed);
}

/// What this process runs; none where there is to be no trouble.
pub(super) fn generation() -> Option<Generation> {
    RUNS.get().copied()
}

/// Whether this process runs what is broken.
pub(super) fn is_broken() -> bool {
    generation() == Some(Generation::Broken)
}

/// The workflows that this process's code knows. The one that kills is known to the node that it kills, and after
/// mending.
pub(crate) fn workflows(builder: Builder<Services>, settings: Settings) -> Builder<Services> {
    let settings = hasty(settings);
    match generation() {
        // It dies of the one workflow that it knows, so it must have no other.
        Some(Generation::Deadly) => builder.workflow::<Deadly>().settings(settings),
        Some(Generation::Before) => {
            booking_workflows(builder, settings).workflow::<Trouble>().workflow::<Newer>()
        }
        Some(Generation::Broken) => booking_workflows(builder, settings).workflow::<Trouble>(),
        Some(Generation::Mended) | None => booking_workflows(builder, settings)
            .workflow::<Trouble>()
            .workflow::<Newer>()
            .workflow::<Deadly>(),
    }
}

/// Settings with fewer attempts: people would otherwise wait for a day until a compensation has spent its policy.
fn hasty(settings: Settings) -> Settings {
    /// With the booking's backoff these take seconds.
    const ATTEMPTS_MAX: u32 = 4;
    /// Longer than any honest poll, short enough to be waited for.
    const POLL_MAX: Duration = Duration::from_secs(2);
    Settings { attempts_max: ATTEMPTS_MAX, poll_max: POLL_MAX, ..settings }
}
