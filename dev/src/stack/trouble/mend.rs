//! `usher dev mend`: asks the stack that runs on a folder to deploy code that works, and to end the gateway's faults.

use super::super::folder::Folder;
use super::super::stage::Stage;
use super::generation::Generation;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A node is killed and started.
const MENDED_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Mends the code and the bank of `usher dev --with-trouble`, so that repairs come to a good end.
#[derive(Clone, Debug, clap::Args)]
pub struct Mend {
    /// The folder that the stack runs on, as its `--data-dir`.
    #[arg(long, env = "USHER_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Mend {
    /// Asks, and waits until it is done.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let wish = wish(&Folder::find(self.data_dir.as_deref())?);
        std::fs::write(&wish, "").with_context(|| format!("writing `{}`", wish.display()))?;
        let asked = Instant::now();
        while wish.exists() {
            if asked.elapsed() > MENDED_MAX {
                // A later stack must not find it.
                let _ = std::fs::remove_file(&wish);
                bail!("nothing was mended: is `usher dev --with-trouble` running on this folder?");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        println!("mended: the node runs code that works, and the gateway does what it is asked for");
        Ok(ExitCode::SUCCESS)
    }
}

/// The file that asks for the mending. It is removed when that is done.
fn wish(folder: &Path) -> PathBuf {
    folder.join("mend")
}

/// Mends whenever somebody asks for it; never ends by itself.
///
/// # Errors
/// The node or the gateway is gone.
pub(crate) async fn when_asked_to_mend(stage: &Stage) -> anyhow::Result<()> {
    let wish = wish(stage.folder());
    loop {
        if wish.exists() {
            let rules = format!("{}/control/rules", stage.commands.gateway_url());
            stage.http.delete(rules).send().await?.error_for_status()?;
            stage.deploy(Generation::Mended).await?;
            std::fs::remove_file(&wish).with_context(|| format!("removing `{}`", wish.display()))?;
            println!("   mended: the node runs code that works, and the gateway does what it is asked for");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
