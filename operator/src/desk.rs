//! The desk: everything that operators use.

use crate::{limits::Limits, rows::Rows};
use orchestrator::{Client, Settings, tools::Registry};
use sqlx::{PgConnection, PgPool};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How long a batch waits for the result of a saga that it acted on, unless told otherwise: longer than most steps'
/// policies.
const VERDICT_WITHIN: Duration = Duration::from_secs(60);

/// The interface for operators, on any node, with or without lanes. It is cheap to clone; clones are one desk.
#[derive(Clone)]
pub struct Operator {
    pub(crate) client: Client,
    pub(crate) rows: Option<Arc<dyn Rows>>,
    pub(crate) limits: Limits,
    /// How long a batch waits for the result of a saga.
    pub(crate) verdict_within: Duration,
    /// Tells the runner of this desk that there is a batch. It is only a hint.
    pub(crate) batches: Arc<Notify>,
}

impl Operator {
    /// The desk of this client's node.
    pub fn of(client: &Client) -> Self {
        Self {
            client: client.clone(),
            rows: None,
            limits: Limits::default(),
            verdict_within: VERDICT_WITHIN,
            batches: Arc::default(),
        }
    }

    /// Adds the service: its rows in previews, its words in searches, and its hints after actions.
    pub fn with_rows(mut self, rows: Arc<dyn Rows>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Sets the bounds on what one person may do alone.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a batch waits for the result of each saga.
    pub fn with_verdict_within(mut self, time: Duration) -> Self {
        self.verdict_within = time;
        self
    }

    /// The bounds on what one person may do alone.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.client.tools().registry()
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.client.tools().settings()
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.client.tools().pool()
    }

    /// A connection of its own, with the application name of the desk.
    pub(crate) async fn connect(&self, purpose: &str) -> Result<PgConnection, sqlx::Error> {
        self.client.tools().database().connect(purpose).await
    }

    /// A transaction on a connection of its own. If it is dropped, everything unfinished is rolled back.
    pub(crate) async fn begin(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.connect("operator").await?;
        sqlx::raw_sql("begin").execute(&mut connection).await?;
        Ok(connection)
    }
}
