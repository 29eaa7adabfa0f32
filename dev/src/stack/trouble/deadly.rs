//! A saga that kills its nodes: a node of its own is started for it again and again, until nobody takes it any more.

use super::super::stage::Stage;
use super::generation::Generation;
use super::make::{start, why};
use super::workflow::Deadly;
use crate::servers::child::Child;
use anyhow::{Context, bail};
use rustix::process::Signal;
use std::process::Stdio;
use std::time::Duration;

/// A claim counts once the saga has been due for a lease; three of them fail, the fourth marks it.
const NODES_MAX: usize = 40;
/// A node that lives longer than this was not killed.
const LIVES_MAX: Duration = Duration::from_secs(5);

/// Starts the saga, and waits until it is quarantined.
pub(super) async fn quarantine(stage: &Stage) -> anyhow::Result<String> {
    let saga = start::<Deadly>(stage, &()).await?;
    let file = stage.folder().join("trouble.deadly");
    Generation::Deadly.deploy(&file).with_context(|| format!("writing `{}`", file.display()))?;
    for _ in 0..NODES_MAX {
        let mut command = stage.commands.deadly_node(&file);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let node = Child::spawn("deadly node", command, Signal::KILL)?;
        // One that is not killed has nothing to do any more, or nothing to do yet.
        if node.exited_within(LIVES_MAX).await.is_none() {
            drop(node);
            if why(stage, &saga).await?.contains("quarantined") {
                return Ok(saga);
            }
        }
    }
    bail!("saga {saga} has killed {NODES_MAX} nodes and is not quarantined");
}
