//! Claiming: the sagas of a batch that this lane gets, and their state at the beginning.

use crate::{
    id::SagaId,
    journal::{Entry, History, Unreadable},
    lane::{cached::Cached, input::Group, suspects::Suspect, verdict::Verdict},
    machine::{Env, Held, Run, TurnError},
    medium::Tx,
    record::{State, StuckCause},
    store::{
        journal, leases, mailbox,
        sagas::{self, New, SagaRow, Trying},
    },
};
use std::collections::{HashMap, HashSet};

/// The result of a claim: the sagas to move, and a verdict on the others.
pub(super) struct Claimed {
    pub runs: Vec<Run>,
    pub verdicts: HashMap<SagaId, Verdict>,
}

/// The rows of these groups that nobody else has locked.
pub(super) async fn lock(tx: &mut Tx, groups: &[Group]) -> Result<HashMap<SagaId, SagaRow>, TurnError> {
    let wanted: Vec<SagaId> =
        groups.iter().filter(|group| !group.only_starts()).map(|group| group.id).collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sagas::lock(&mut tx.connection, &wanted).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// Sagas that may have killed a node: their lease ran out, they have been due for longer than a lease, or they were lost
/// before and are not cleared yet. They are claimed in a commit of their own, so that the claim counts even if the claimer
/// dies. Their journals are read before, because a saga that only a newer binary can read must not be claimed.
pub(super) async fn suspects(
    tx: &mut Tx,
    rows: &HashMap<SagaId, SagaRow>,
    groups: &[Group],
    cache: &mut HashMap<SagaId, Cached>,
    env: &Env<'_>,
) -> Result<Vec<Suspect>, TurnError> {
    let overdue = groups.iter().filter_map(|group| {
        let row = rows.get(&group.id)?;
        let suspected = row.is_overdue(env) && !group.holds_lease(row) && env.guilt_of(row.id).is_none();
        (suspected && !row.paused && !row.is_lost_too_often() && env.can_move(row)).then_some(row)
    });
    let overdue: Vec<&SagaRow> = overdue.collect();
    let mut suspects = Vec::with_capacity(overdue.len());
    for (id, held) in histories(tx, overdue.into_iter(), cache, env).await? {
        match held {
            // Under the token of the claim, so that it is not read again when the claim is resumed.
            Ok(held) => drop(cache.insert(id, Cached { token: env.token, held })),
            Err(Unreadable::Newer(_)) => continue,
            Err(Unreadable::Broken(_)) => {}
        }
        if let Some(row) = rows.get(&id) {
            suspects.push(row.suspect());
        }
    }
    suspects.sort_unstable_by_key(|suspect| suspect.saga);
    Ok(suspects)
}

/// Begins new sagas, delivers letters, and loads what the others need to go on.
pub(super) async fn claim(
    tx: &mut Tx,
    groups: &[Group],
    rows: HashMap<SagaId, SagaRow>,
    cache: &mut HashMap<SagaId, Cached>,
    env: &Env<'_>,
) -> Result<Claimed, TurnError> {
    let mut verdicts = HashMap::new();
    let fresh = begin(tx, groups, &mut verdicts, env).await?;
    deliver(tx, groups, &rows, &fresh, &mut verdicts, env).await?;
    let mut rows = rows;
    pardon(tx, groups, &mut rows).await?;

    let mut ours: Vec<(&Group, SagaRow)> = Vec::with_capacity(groups.len());
    let mut for_others = Vec::new();
    for group in groups {
        match rows.remove(&group.id) {
            Some(row) if group.may_move(&row, env) => ours.push((group, row)),
            Some(_) => {
                if !group.mail.is_empty() {
                    for_others.push(group.id);
                }
                verdicts.entry(group.id).or_insert(Verdict::Stored);
            }
            None => {}
        }
    }
    let mut histories = histories(tx, ours.iter().map(|(_, row)| row), cache, env).await?;
    ours.retain(|(group, row)| {
        let newer = matches!(histories.get(&row.id), Some(Err(Unreadable::Newer(_))));
        if newer {
            for_others.extend((!group.mail.is_empty()).then_some(row.id));
            verdicts.entry(row.id).or_insert(Verdict::Stored);
        }
        !newer
    });
    // A letter to a workflow that only other nodes know must not wait there for its saga's deadline.
    if !for_others.is_empty() {
        sagas::make_due(&mut tx.connection, &for_others, env.now).await?;
    }
    let mut runs: Vec<Run> = fresh;
    for (group, row) in ours {
        runs.push(run_of(group, row, &mut histories, env));
    }
    let mail: Vec<(SagaId, usize)> =
        runs.iter().map(|run| (run.id(), run.core.history().letters_chosen())).collect();
    if !mail.is_empty() {
        let mut letters = mailbox::read(&mut tx.connection, &mail).await?;
        for run in &mut runs {
            run.letters = letters.remove(&run.id()).unwrap_or_default();
        }
    }
    runs.sort_by_key(Run::id);
    Ok(Claimed { runs, verdicts })
}

/// Handles a result, or a claim that is resumed, after somebody else has claimed the saga. It is useless, but it proves
/// that the saga did not kill its node: one loss is taken off.
async fn pardon(tx: &mut Tx, groups: &[Group], rows: &mut HashMap<SagaId, SagaRow>) -> Result<(), TurnError> {
    let mut pardoned = Vec::new();
    for group in groups {
        let Some(row) = rows.get_mut(&group.id).filter(|row| row.claims > 0) else { continue };
        let late = group.late_for(row.token);
        let left = row.claims.saturating_sub(i16::try_from(late).unwrap_or(i16::MAX)).max(0);
        if left < row.claims {
            row.claims = left;
            pardoned.push((group.id, left));
        }
    }
    if !pardoned.is_empty() {
        leases::set_claims(&mut tx.connection, &pardoned).await?;
    }
    Ok(())
}

async fn begin(
    tx: &mut Tx,
    groups: &[Group],
    verdicts: &mut HashMap<SagaId, Verdict>,
    env: &Env<'_>,
) -> Result<Vec<Run>, TurnError> {
    let starts: Vec<_> = groups.iter().filter_map(|group| group.start.as_ref()).collect();
    if starts.is_empty() {
        return Ok(Vec::new());
    }
    let new: Vec<&New> = starts.iter().map(|start| &start.new).collect();
    let inserted: HashSet<SagaId> =
        sagas::insert(&mut tx.connection, &new, env.lease_end(), env.now).await?.into_iter().collect();
    let mut fresh = Vec::with_capacity(starts.len());
    for start in starts {
        let id = start.new.id;
        if inserted.contains(&id) {
            let mut history = History::default();
            let begun = Entry::Begun {
                workflow: start.new.workflow.to_owned(),
                version: start.new.version as u32,
                input: start.input.clone(),
            };
            history.append(begun).map_err(|error| TurnError::Halve(error.to_string()))?;
            fresh.push(Run::new(begun_row(&start.new), true, history, env));
        } else {
            let known = match &start.new.start_key {
                Some(key) => {
                    sagas::find_started(&mut tx.connection, start.new.workflow, key, id.bucket()).await?
                }
                None => None,
            };
            verdicts.insert(id, Verdict::Existing(known.unwrap_or(id)));
        }
    }
    Ok(fresh)
}

/// Puts letters into the mailboxes of sagas that are locked, new, or don't exist yet. Letters to other sagas are left out:
/// their holder may already have read the mailbox.
async fn deliver(
    tx: &mut Tx,
    groups: &[Group],
    rows: &HashMap<SagaId, SagaRow>,
    fresh: &[Run],
    verdicts: &mut HashMap<SagaId, Verdict>,
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let fresh: HashSet<SagaId> = fresh.iter().map(Run::id).collect();
    let mut letters = Vec::new();
    for group in groups.iter().filter(|group| !group.mail.is_empty()) {
        let ours = rows.contains_key(&group.id) || fresh.contains(&group.id);
        let orphan = !ours && crate::store::status::look(&mut tx.connection, group.id).await?.is_none();
        if ours || orphan {
            letters.extend(group.mail.iter().map(|mail| (group.id, &mail.letter, orphan)));
        }
        if !ours {
            verdicts.insert(group.id, if orphan { Verdict::Stored } else { Verdict::Busy });
        }
    }
    if !letters.is_empty() {
        mailbox::add(&mut tx.connection, &letters, env.now).await?;
    }
    Ok(())
}

/// Histories by saga, or the reason why one can't be read.
type Histories = HashMap<SagaId, Result<Held, Unreadable>>;

/// The histories of these sagas: from the cache if this lane wrote the saga last, otherwise from the journal. A journal
/// that only a newer binary can read is remembered as such.
async fn histories<'a>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'a SagaRow>,
    cache: &mut HashMap<SagaId, Cached>,
    env: &Env<'_>,
) -> Result<Histories, TurnError> {
    let mut histories = HashMap::new();
    let mut missing = Vec::new();
    for row in rows {
        match cache.remove(&row.id) {
            Some(Cached { token, held })
                if token == row.token && held.core.history().len() == row.journal_len as usize =>
            {
                histories.insert(row.id, Ok(held));
            }
            Some(_) | None => missing.push((row.id, row.journal_len, row.epoch)),
        }
    }
    if !missing.is_empty() {
        let ids: Vec<SagaId> = missing.iter().map(|(id, ..)| *id).collect();
        let mut journals = journal::read(&mut tx.connection, &ids).await?;
        for (id, len, epoch) in missing {
            let entries = journals.remove(&id).unwrap_or_else(|| Ok(Vec::new()));
            let history = entries.and_then(|entries| Ok(History::of(entries)?));
            let history = history.and_then(|history| match history.len() {
                found if found == len as usize => Ok(history),
                found => Err(Unreadable::Broken(format!("{found} entries, the saga's row says {len}"))),
            });
            if let Err(Unreadable::Newer(word)) = &history {
                env.registry.newer.remember(id, epoch, word);
            }
            histories.insert(id, history.map(|history| Held::of(id, history)));
        }
    }
    Ok(histories)
}

fn run_of(group: &Group, row: SagaRow, histories: &mut Histories, env: &Env<'_>) -> Run {
    let held = histories.remove(&row.id).unwrap_or_else(|| Ok(Held::of(row.id, History::default())));
    let lost_too_often = row.is_lost_too_often() && !group.holds_lease(&row);
    let claims = row.claims;
    let given_place = group.has_place(row.token);
    let ended = group.result(row.token).filter(|_| row.leased).cloned();
    match held {
        Ok(held) => {
            let mut run = Run::resumed(row, false, held, env);
            run.ended = ended;
            run.given_place = given_place;
            if claims > 0 {
                run.take_over();
            }
            if let Some(cause) = env.guilt_of(run.id()) {
                run.mark_stuck(cause, env);
            } else if lost_too_often {
                run.mark_stuck(StuckCause::Quarantined { claims }, env);
            }
            run
        }
        Err(unreadable) => {
            let mut run = Run::new(row, false, History::default(), env);
            run.mark_stuck(
                StuckCause::Undecodable { what: "the journal".into(), error: unreadable.to_string() },
                env,
            );
            run
        }
    }
}

fn begun_row(new: &New) -> SagaRow {
    SagaRow {
        id: new.id,
        workflow: new.workflow.to_owned(),
        version: new.version,
        state: State::Running,
        due_at: None,
        leased: false,
        paused: false,
        epoch: 0,
        token: 0,
        journal_len: 0,
        journal_bytes: 0,
        trying: Trying::default(),
        claims: 0,
        unheld: true,
        stuck: None,
        newer: None,
    }
}

impl SagaRow {
    /// Whether it may have killed a node.
    fn is_overdue(&self, env: &Env<'_>) -> bool {
        let suspected = self.leased || self.claims > 0;
        let long_ago = env.now - env.settings.lease;
        self.due_at.is_some_and(|due_at| due_at < long_ago || suspected && due_at <= env.now)
    }
}

impl Group {
    /// Whether this batch comes with the lease that the row is under.
    pub(super) fn holds_lease(&self, row: &SagaRow) -> bool {
        row.leased && self.holds(row.token)
    }

    /// Whether the saga may be moved now, and by us.
    pub(super) fn may_move(&self, row: &SagaRow, env: &Env<'_>) -> bool {
        let due = row.due_at.is_some_and(|due_at| due_at <= env.now);
        let called_for = match row.state {
            State::Completed | State::Unwound => false,
            State::Stuck => due || self.holds_lease(row),
            State::Running | State::Waiting | State::Unwinding => {
                let free = !row.leased && (!self.mail.is_empty() || self.has_place(row.token).is_some());
                due || self.holds_lease(row) || free
            }
        };
        called_for && (!row.paused || self.holds_lease(row)) && env.can_move(row)
    }
}

impl Env<'_> {
    /// Whether this binary knows the saga's workflow and everything recorded about the saga.
    fn can_move(&self, row: &SagaRow) -> bool {
        if let Some(word) = &row.newer {
            self.registry.newer.remember(row.id, row.epoch, word);
        }
        self.registry.knows(row.id, row.epoch, &row.workflow, row.version)
    }
}
