//! What is kept of a bad run, before its servers and their folder are gone.

use super::world::World;
use anyhow::Context;
use std::{fs, path::Path};

/// Writes the story and copies every log into a folder.
pub(super) fn keep(world: &World, story: &str, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating `{}`", folder.display()))?;
    fs::write(folder.join("story.txt"), story).context("writing the story")?;
    for log in world.logs() {
        let name = log.file_name().context("a log has a name")?;
        fs::copy(&log, folder.join(name)).with_context(|| format!("copying `{}`", log.display()))?;
    }
    Ok(())
}
