//! `usher dev deployed FILE COMMAND…`: another command, by a process that knows the demonstration's workflows too.
//!
//! A serving node knows none of them, and no variable makes it. So the demonstration starts its nodes this way, and the
//! file that it writes for people's shells calls `usher` this way.

use super::trouble;
use service::node::Workflows;
use std::{ffi::OsString, path::PathBuf};

/// A command, and the code that it is to run with.
#[derive(Clone, Debug, clap::Args)]
pub struct Deployed {
    /// The file that says which code is deployed
    #[arg(value_name = "FILE")]
    code: PathBuf,
    /// The command, as it would be typed after `usher`
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

impl Deployed {
    /// Makes this process run the code that is deployed; gives the workflows that it knows, and the command line.
    pub fn deploy(self) -> (Workflows, Vec<OsString>) {
        trouble::run_what_is_deployed(&self.code);
        let line = std::iter::once(OsString::from("usher")).chain(self.command);
        (trouble::workflows, line.collect())
    }
}
