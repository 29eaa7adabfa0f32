//! Which code is deployed: read once, when a process starts, from a file that a variable names.

use super::workflow::{Deadly, Newer, Trouble};
use ::steps::Services;
use orchestrator::{Builder, Settings};
use std::sync::OnceLock;
use std::time::Duration;
use std::{fmt, fs, io, path::Path};

/// Names the file. Hidden: nobody needs it but `usher dev --with-trouble`.
pub(crate) const VARIABLE: &str = "USHER_TROUBLE";

/// What is deployed. Of the workflow's code there are two: what sagas began with, and what is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// With this the sagas begin.
    Before,
    /// What was deployed then, and should not have been.
    Broken,
    /// A node that knows one workflow and dies of it.
    Deadly,
    /// What was deployed last, and works.
    Mended,
}

impl Generation {
    /// As the file has it.
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Broken => "broken",
            Self::Deadly => "deadly",
            Self::Mended => "mended",
        }
    }

    /// Whoever starts from now on runs this.
    pub(in crate::dev) fn deploy(self, file: &Path) -> io::Result<()> {
        fs::write(file, self.word())
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What this process runs; none where there is to be no trouble.
pub(crate) fn generation() -> Option<Generation> {
    static READ: OnceLock<Option<Generation>> = OnceLock::new();
    *READ.get_or_init(|| {
        let word = fs::read_to_string(std::env::var_os(VARIABLE)?).unwrap_or_default();
        let all = [Generation::Before, Generation::Broken, Generation::Deadly];
        Some(all.into_iter().find(|one| one.word() == word.trim()).unwrap_or(Generation::Mended))
    })
}

/// Whether this process runs what is broken.
pub(super) fn is_broken() -> bool {
    generation() == Some(Generation::Broken)
}

/// With the workflows that this generation knows. The one that kills is known where it kills, and once it is mended.
pub(crate) fn register(builder: Builder<Services>, generation: Generation) -> Builder<Services> {
    match generation {
        Generation::Before => builder.workflow::<Trouble>().workflow::<Newer>(),
        Generation::Broken => builder.workflow::<Trouble>(),
        Generation::Deadly => builder.workflow::<Deadly>(),
        Generation::Mended => builder.workflow::<Trouble>().workflow::<Newer>().workflow::<Deadly>(),
    }
}

/// Nobody wants to watch for a day until a compensation has spent its policy.
pub(crate) fn settings(settings: Settings) -> Settings {
    /// With the booking's backoff, seconds.
    const ATTEMPTS_MAX: u32 = 4;
    /// Longer than any honest poll, short enough to be waited for.
    const POLL_MAX: Duration = Duration::from_secs(2);
    Settings { attempts_max: ATTEMPTS_MAX, poll_max: POLL_MAX, ..settings }
}
