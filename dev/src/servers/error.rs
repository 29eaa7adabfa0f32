//! What can go wrong with a private server, in words that say what to do.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use thiserror::Error;

/// Why a private server could not be started, stopped or found.
#[derive(Debug, Error)]
pub enum DevError {
    /// No program of this kind on the machine, or only older ones.
    #[error("found no {what}; {advice}")]
    Missing {
        /// The program, with the version that is needed.
        what: String,
        /// What to type.
        advice: String,
    },
    /// A file, folder or process that the operating system refused.
    #[error("{doing}")]
    Io {
        /// What was being done, to which thing.
        doing: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The program ended although it should be running.
    #[error("{name} ended at once ({status}); its log `{log}` ends with:\n{tail}", log = log.display())]
    Died {
        /// The program's name.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The program runs but isn't ready, or doesn't stop.
    #[error("{name} is not {state} after {bound:?}; its log `{log}` ends with:\n{tail}", log = log.display())]
    Slow {
        /// The program's name.
        name: String,
        /// What was waited for.
        state: &'static str,
        /// For how long.
        bound: Duration,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// Another process uses the folder.
    #[error("`{}` is in use by another process; stop that process, or name another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// We are root, the server may not be, and its user can't get at the file.
    #[error(
        "root runs the servers as the user `{user}`, who can't enter `{}`; use a folder that everybody may enter, such as one in `/var/tmp`",
        path.display()
    )]
    Unreachable {
        /// The user that runs the server.
        user: String,
        /// What it can't reach.
        path: PathBuf,
    },
    /// The data were written by a PostgreSQL that isn't here.
    #[error(
        "the data in `{}` were written by PostgreSQL {written}, and only {found} is installed; install PostgreSQL {written}, or empty the folder with `./run --reset`",
        data.display()
    )]
    OtherVersion {
        /// The data directory.
        data: PathBuf,
        /// The version that wrote it.
        written: String,
        /// The versions that were found.
        found: String,
    },
}

/// Puts what was being done in front of the system's error.
pub(crate) trait Doing<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, DevError>;
}

impl<T, E: Into<std::io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, DevError> {
        self.map_err(|error| DevError::Io { doing: doing(), source: error.into() })
    }
}
