//! Where a child's output goes: a file that starts anew with each run, the one before kept beside it.

use super::error::{DevError, Doing};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The log file of one child.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// Begins a new log; the former one becomes `….previous`.
    pub fn begin(path: PathBuf) -> Result<Self, DevError> {
        let previous = path.with_extension("log.previous");
        if path.exists() {
            std::fs::rename(&path, &previous).doing(|| format!("renaming `{}`", path.display()))?;
        }
        File::create(&path).doing(|| format!("creating `{}`", path.display()))?;
        Ok(Self { path })
    }

    /// Appends both outputs of `command` to this file.
    pub fn take_output(&self, command: &mut Command) -> Result<(), DevError> {
        let open = || {
            let file = File::options().append(true).create(true).open(&self.path);
            file.doing(|| format!("opening `{}`", self.path.display()))
        };
        command.stdout(Stdio::from(open()?)).stderr(Stdio::from(open()?));
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is by now, to read later only what came after.
    pub fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// The last lines, at most 2 KiB, written after the first `from` bytes.
    pub fn tail(&self, from: u64) -> String {
        const TAIL_BYTES: u64 = 2048;
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let start = from.max(file.metadata()?.len().saturating_sub(TAIL_BYTES));
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
            Err(error) => format!("(unreadable: {error})"),
        }
    }
}
