//! Work-lists: sagas by what is wrong with them, groups of them, and search by a word. All of it only reads, with bounds.

use crate::{
    desk::Operator,
    error::OperatorError,
    filter::Filter,
    listed::{Group, Listed},
    seen,
    store::work_list::{self, WorkListQuery},
    suggest::suggested,
    why::{self, why},
};
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId, State, Status,
    journal::History,
    tools::{Trouble, read_journals, rows},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// The most sagas of one page: their journals are read for their lines.
const PAGE_MAX: i64 = 500;
/// Rows that one statement reads if no index covers the whole filter: this takes some tens of milliseconds.
const SCANNED_MAX: i64 = 20_000;
/// The most such statements for one page or count. Sagas beyond them are found with a narrower filter.
const WINDOWS_MAX: usize = 25;
/// The most sagas that are grouped. If there are as many, counts say that they are capped.
const GROUPED_MAX: i64 = 10_000;
/// The most groups that are returned, the largest first.
const GROUPS_MAX: i64 = 200;
/// The most sagas that a word may find.
const SEARCH_MAX: i64 = 100;
/// The longest word, in characters: no id, key or label is longer.
const WORD_CHARS_MAX: usize = 200;

impl Operator {
    /// Sagas, newest first; `after` is the last one of the previous page. A page shorter than `limit` is the last one,
    /// except for a filter that no index covers: in a very large table only the newest half a million sagas are searched.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<SagaId>,
        limit: i64,
    ) -> Result<Vec<Listed>, OperatorError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let Some(query) = work_list_query(filter) else { return Ok(Vec::new()) };
        let scanned = if query.narrows() { SCANNED_MAX } else { limit };
        let mut connection = self.pool().acquire().await?;
        let now = rows::now(&mut connection).await?;
        let mut before = after.map_or(Uuid::max(), SagaId::uuid);
        let mut found: Vec<Status> = Vec::new();
        for _ in 0..WINDOWS_MAX {
            let left = limit - found.len() as i64;
            found.extend(work_list::find(&mut connection, &query, before, scanned, left).await?);
            if found.len() as i64 >= limit || !query.narrows() {
                break;
            }
            match work_list::window_end(&mut connection, &query, before, scanned).await? {
                Some(end) => before = end,
                None => break,
            }
        }
        self.listed(&mut connection, found, now).await
    }

    /// The number of sagas that match, counted to `at_most`. It never counts the whole table.
    pub async fn count(&self, filter: &Filter, at_most: i64) -> Result<i64, OperatorError> {
        let Some(query) = work_list_query(filter) else { return Ok(0) };
        let at_most = at_most.max(0);
        let scanned = if query.narrows() { SCANNED_MAX } else { at_most };
        let mut connection = self.pool().acquire().await?;
        let (mut before, mut count) = (Uuid::max(), 0);
        for _ in 0..WINDOWS_MAX {
            let left = at_most - count;
            count += work_list::count(&mut connection, &query, before, scanned, left).await?;
            if count >= at_most || !query.narrows() {
                break;
            }
            match work_list::window_end(&mut connection, &query, before, scanned).await? {
                Some(end) => before = end,
                None => break,
            }
        }
        Ok(count)
    }

    /// Sagas that failed, grouped by cause, the largest group first. With [`Trouble::Paused`], [`Trouble::Overdue`] or
    /// [`Trouble::Silent`] also sagas in which nothing failed.
    pub async fn groups(&self, filter: &Filter) -> Result<Vec<Group>, OperatorError> {
        let Some(mut query) = work_list_query(filter) else { return Ok(Vec::new()) };
        if query.list == "all" {
            query.list = "caused";
        }
        let mut connection = self.pool().acquire().await?;
        let groups = work_list::group(&mut connection, &query, GROUPED_MAX, GROUPS_MAX).await?;
        let full = work_list::window_end(&mut connection, &query, Uuid::max(), GROUPED_MAX).await?;
        let capped = full.is_some();
        let group = |shared: work_list::Shared| {
            // Paused, overdue and silent are not a column, so they follow from the list.
            let trouble = filter.trouble.or(shared.trouble);
            let (suggested, suggestion) = suggested(shared.stuck.as_ref(), trouble);
            Group {
                fingerprint: shared.fingerprint,
                cause: shared.cause,
                step: shared.step,
                workflow: shared.workflow,
                count: shared.count,
                capped,
                first_seen: shared.first_seen,
                last_seen: shared.last_seen,
                stakes: shared.stakes,
                suggested,
                suggestion,
            }
        };
        Ok(groups.into_iter().map(group).collect())
    }

    /// The sagas that a word names, newest first, at most a hundred. The word may be an id, a start key, a label, or a word
    /// of the service's own rows.
    pub async fn search(&self, word: &str) -> Result<Vec<SagaId>, OperatorError> {
        let word = word.trim();
        if word.is_empty() || word.chars().count() > WORD_CHARS_MAX || word.contains('\0') {
            return Ok(Vec::new());
        }
        let mut connection = self.pool().acquire().await?;
        let mut found = Vec::new();
        if let Ok(id) = word.parse::<SagaId>()
            && rows::status(&mut connection, id).await?.is_some()
        {
            found.push(id);
        }
        let workflows = self.registry().workflow_names();
        found.extend(work_list::started_under(&mut connection, &workflows, word, SEARCH_MAX).await?);
        found.extend(rows::find_by_label(&mut connection, word, SEARCH_MAX).await?);
        if let Some(rows) = &self.rows {
            found.extend(rows.find(&mut connection, word).await?);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
        found.truncate(SEARCH_MAX as usize);
        Ok(found)
    }

    async fn listed(
        &self,
        connection: &mut PgConnection,
        found: Vec<Status>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Listed>, OperatorError> {
        let ids: Vec<SagaId> = found.iter().map(|row| row.id).collect();
        let mut journals = read_journals(connection, &ids).await?;
        let listed = found.into_iter().map(|row| {
            let history = journals.remove(&row.id).unwrap_or_else(|| Ok(History::default()));
            self.listed_row(row, history.as_ref().ok(), now)
        });
        Ok(listed.collect())
    }

    fn listed_row(&self, row: Status, history: Option<&History>, now: DateTime<Utc>) -> Listed {
        let why = why(&row, history, self.registry(), now);
        Listed {
            line: why.line(now),
            why,
            trouble: trouble(&row, now),
            etag: seen::etag(&row),
            id: row.id,
            workflow: row.workflow,
            version: row.version,
            state: row.state,
            step: row.step,
            cause: row.cause,
            fingerprint: row.fingerprint,
            stakes: row.stakes,
            attempts: row.attempts,
            due_at: row.due_at,
            paused: row.paused,
            node: row.node,
            created_at: row.created_at,
            updated_at: row.updated_at,
            first_stuck_at: row.first_stuck_at,
        }
    }
}

/// The first trouble of a saga, if only one is to be named.
fn trouble(row: &Status, now: DateTime<Utc>) -> Option<Trouble> {
    let stuck = (row.state == State::Stuck).then_some(Trouble::Stuck);
    let paused = row.paused.then_some(Trouble::Paused);
    let overdue = row.due_at.is_some_and(|due| why::overdue(due, now)).then_some(Trouble::Overdue);
    let silent = row.silent.then_some(Trouble::Silent);
    row.trouble.or(stuck).or(paused).or(overdue).or(silent)
}

/// The filter for the database: the index that finds the sagas, and what narrows that. `None` if nothing can match.
fn work_list_query(filter: &Filter) -> Option<WorkListQuery> {
    let Filter { status, workflow, step, cause, trouble, older_than_s, ids } = filter;
    if cause.as_ref().is_some_and(|cause| !is_fingerprint(cause)) {
        return None;
    }
    let mut query = WorkListQuery {
        list: "all",
        value: None,
        ids: ids.iter().map(|id| id.uuid()).collect(),
        status: status.map(State::as_str),
        workflow: workflow.clone(),
        step: step.clone(),
        cause: cause.clone(),
        trouble: trouble.map(Trouble::as_str),
        older_than_s: *older_than_s,
    };
    // Sagas that are only paused, overdue or silent have no fingerprint in an index.
    let marked = !matches!(trouble, Some(Trouble::Paused | Trouble::Overdue | Trouble::Silent));
    if !ids.is_empty() {
        query.list = "ids";
    } else if cause.is_some() && marked {
        (query.list, query.value) = ("cause", query.cause.take());
    } else if let Some(trouble) = trouble {
        query.trouble = None;
        match trouble {
            Trouble::Stuck => query.list = "stuck",
            Trouble::Paused => query.list = "paused",
            Trouble::Overdue => query.list = "overdue",
            Trouble::Silent => query.list = "silent",
            Trouble::InDoubt | Trouble::Owed | Trouble::Retrying => {
                (query.list, query.value) = ("trouble", Some(trouble.to_string()));
            }
        }
    } else if *status == Some(State::Stuck) {
        (query.list, query.status) = ("stuck", None);
    }
    Some(query)
}

/// SHA-256 in lower-case hexadecimal.
fn is_fingerprint(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
