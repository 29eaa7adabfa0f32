//! What follows a commit: callers are answered, calls are made, sagas go on.

use crate::{
    id::SagaId,
    lane::{
        input::{Group, LetterAnswer, Started},
        lease::Lease,
        service::{Lane, Shared},
        verdict::{Moved, Turn, Verdict},
    },
    record::{State, StuckCause},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How many leases long a result that waits for a locked row is kept. Then the saga goes on as if the result had been lost.
/// This is far longer than anybody may hold a row, and the other side still knows the key.
const KEPT_LEASES_MAX: u32 = 30;

impl Lane {
    pub(super) fn publish(&self, groups: Vec<Group>, turn: Turn) {
        self.tx.signs.commit();
        for state in [State::Completed, State::Unwound] {
            let ended = |verdict: &&Verdict| matches!(verdict, Verdict::Moved(moved) if moved.snapshot.state == state);
            let ended = turn.verdicts.iter().filter(ended).count();
            if ended > 0 {
                metrics::counter!("usher_sagas_ended_total", "state" => state.as_str())
                    .increment(ended as u64);
            }
        }
        for (group, verdict) in groups.into_iter().zip(turn.verdicts) {
            self.follow_up(group, verdict, turn.token, turn.since);
        }
    }

    fn follow_up(&self, mut group: Group, verdict: Verdict, token: i64, since: Instant) {
        let shared = self.shared();
        match verdict {
            Verdict::Moved(moved) => {
                shared.culprits.settle(group.id);
                answer_starts(&mut group, None, Some(&moved));
                for mail in group.mail.drain(..) {
                    let _ = mail.reply.send(LetterAnswer::Stored(Some(moved.snapshot.clone())));
                }
                go_on(shared, group, *moved, token, since);
            }
            Verdict::Existing(found) => {
                answer_starts(&mut group, Some(found), None);
                answer_letters(&mut group, || LetterAnswer::Stored(None));
            }
            Verdict::Stored => {
                answer_starts(&mut group, None, None);
                answer_letters(&mut group, || LetterAnswer::Stored(None));
            }
            Verdict::Claimed => {
                answer_starts(&mut group, None, None);
                answer_letters(&mut group, || LetterAnswer::Busy);
            }
            Verdict::LeftOut(pause) => {
                answer_letters(&mut group, || LetterAnswer::Stored(None));
                self.put_off(group, Some(pause));
            }
            Verdict::Busy => {
                answer_starts(&mut group, None, None);
                answer_letters(&mut group, || LetterAnswer::Busy);
                self.wait_for_row(group);
            }
        }
    }

    /// Keeps a result whose row is locked. The holder mostly releases the row within a batch, and the saga is ours as long as
    /// nobody has claimed it, whether its lease could be renewed or not.
    fn wait_for_row(&self, mut group: Group) {
        let kept = self.shared().settings.lease.saturating_mul(KEPT_LEASES_MAX).max(Duration::from_secs(1));
        group.returned.retain(|returned| returned.came_at.elapsed() < kept);
        group.resume.retain(|resume| resume.lease.as_ref().is_some_and(Lease::holds));
        if !group.returned.is_empty() || !group.resume.is_empty() {
            self.put_off(group, None);
        }
    }
}

/// Makes the call under its lease; or puts the saga in line, or lets it go on in the next batch.
fn go_on(shared: &Arc<Shared>, mut group: Group, moved: Moved, token: i64, since: Instant) {
    let id = group.id;
    if matches!(moved.snapshot.stuck, Some(StuckCause::PollTooLong { .. } | StuckCause::Hung { .. })) {
        tracing::error!(saga = %id, "a saga at which a lane hung is stuck");
    }
    shared.watchers.publish(id, &moved.snapshot);
    if let Some(call) = moved.call {
        let place = moved.place.or_else(|| group.take_place(call.step.service()));
        let mut lease = shared.leases.take(id, token, since + call.lease);
        if !moved.cleared {
            let suspicions = group.resume.into_iter().filter_map(|resume| resume.lease?.suspicion.take());
            lease.suspicion = suspicions.last();
        }
        shared.calls.hand_out(call, place, lease, shared.queue(id).clone());
    } else if let Some(service) = moved.waits_for {
        shared.places.wait(service, id, token);
    } else if moved.again {
        shared.queue(id).wake(id);
    }
}

fn answer_letters(group: &mut Group, answer: impl Fn() -> LetterAnswer) {
    group.mail.drain(..).for_each(|mail| drop(mail.reply.send(answer())));
}

/// Answers the callers of a start. The first one has begun the saga, if this batch did.
fn answer_starts(group: &mut Group, found: Option<SagaId>, moved: Option<&Moved>) {
    let begun = moved.is_some_and(|moved| moved.begun);
    let id = found.unwrap_or(group.id);
    let replies = group.start.take().map(|start| start.reply).into_iter().chain(group.same.drain(..));
    for (place, reply) in replies.enumerate() {
        let snapshot = moved.map(|moved| moved.snapshot.clone());
        let _ = reply.send(Ok(Started { id, snapshot, existing: !begun || place > 0 }));
    }
}
