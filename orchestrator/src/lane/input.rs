//! The inputs of a lane, and all inputs for one saga in one batch.

use crate::{
    id::SagaId,
    lane::{lease::Lease, watch::Snapshot},
    machine::{CallEnded, Place},
    record::Json,
    store::{mailbox::Letter, sagas::New},
};
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use tokio::sync::oneshot;

/// A saga to begin.
pub(crate) struct Start {
    pub new: New,
    pub input: Json,
    pub reply: oneshot::Sender<Result<Started, NotWritten>>,
}

/// A lane could not write a start, for this reason.
#[derive(Debug)]
pub(crate) struct NotWritten(pub String);

/// The answer to a start.
pub(crate) struct Started {
    /// The saga's id; the id of an older saga if the start key was known.
    pub id: SagaId,
    /// How far the saga came in this lane; `None` if the lane only knows that it exists.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Whether the saga existed already.
    pub existing: bool,
}

/// A letter to deliver.
pub(crate) struct Mail {
    pub saga: SagaId,
    pub letter: Letter,
    pub reply: oneshot::Sender<LetterAnswer>,
}

/// The answer to a letter.
pub(crate) enum LetterAnswer {
    /// It is in the mailbox, with the saga's progress if this lane had the saga.
    Stored(Option<Arc<Snapshot>>),
    /// Another holder has the saga: deliver the letter by waiting for the row.
    Busy,
}

/// A call's result, with the lease that it was made under: the saga is ours until it is written.
pub(crate) struct Returned {
    pub ended: CallEnded,
    #[expect(dead_code, reason = "a lease is owned to keep it, not to read it")]
    pub lease: Lease,
    pub came_at: Instant,
}

/// A saga that this node may go on with, if its row still has this token.
pub(crate) struct Resume {
    pub saga: SagaId,
    pub token: i64,
    /// It was claimed in a commit of its own.
    pub lease: Option<Lease>,
    /// It waited in line for this place.
    pub place: Option<Place>,
}

/// One thing for a lane to do.
pub(crate) enum Input {
    Returned(Box<Returned>),
    Mail(Mail),
    Wake(SagaId),
    Resume(Resume),
    Start(Start),
}

/// The kinds of input, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Results, and sagas to go on with. Other nodes wait for their leases to end.
    Result,
    Letter,
    Wake,
    Start,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Result, Self::Letter, Self::Wake, Self::Start];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Letter => "letter",
            Self::Wake => "wake",
            Self::Start => "start",
        }
    }
}

impl Input {
    pub fn saga(&self) -> SagaId {
        match self {
            Self::Returned(returned) => returned.ended.saga,
            Self::Mail(mail) => mail.saga,
            Self::Wake(saga) => *saga,
            Self::Resume(resume) => resume.saga,
            Self::Start(start) => start.new.id,
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Returned(_) | Self::Resume(_) => Kind::Result,
            Self::Mail(_) => Kind::Letter,
            Self::Wake(_) => Kind::Wake,
            Self::Start(_) => Kind::Start,
        }
    }
}

/// All inputs of a batch for one saga.
pub(crate) struct Group {
    pub id: SagaId,
    pub start: Option<Start>,
    /// Callers who asked for the same saga in the same batch. They are answered when it exists.
    pub same: Vec<oneshot::Sender<Result<Started, NotWritten>>>,
    pub mail: Vec<Mail>,
    pub returned: Vec<Returned>,
    pub resume: Vec<Resume>,
    /// How often it has been put off.
    pub put_off: u32,
}

impl Group {
    pub fn of(id: SagaId) -> Self {
        Self {
            id,
            start: None,
            same: Vec::new(),
            mail: Vec::new(),
            returned: Vec::new(),
            resume: Vec::new(),
            put_off: 0,
        }
    }

    /// These inputs, by saga in key order.
    pub fn all(inputs: impl IntoIterator<Item = (Input, u32)>) -> Vec<Self> {
        let mut groups: BTreeMap<SagaId, Self> = BTreeMap::new();
        for (input, put_off) in inputs {
            let id = input.saga();
            let group = groups.entry(id).or_insert_with(|| Self::of(id));
            group.put_off = group.put_off.max(put_off);
            match input {
                Input::Returned(returned) => group.returned.push(*returned),
                Input::Mail(mail) => group.mail.push(mail),
                Input::Wake(_) => {}
                Input::Resume(resume) => group.resume.push(resume),
                Input::Start(start) if group.start.is_some() => group.same.push(start.reply),
                Input::Start(start) => group.start = Some(start),
            }
        }
        groups.into_values().collect()
    }

    /// Its inputs, for another try, without those whose caller has left meanwhile.
    pub fn into_inputs(self) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        inputs.extend(self.returned.into_iter().map(|returned| Input::Returned(Box::new(returned))));
        inputs.extend(self.resume.into_iter().map(Input::Resume));
        inputs.extend(self.mail.into_iter().filter(|mail| !mail.reply.is_closed()).map(Input::Mail));
        if let Some(Start { new, input, reply }) = self.start {
            let replies = [reply].into_iter().chain(self.same).filter(|reply| !reply.is_closed());
            let start = |reply| Input::Start(Start { new: new.clone(), input: input.clone(), reply });
            inputs.extend(replies.map(start));
        }
        if inputs.is_empty() {
            inputs.push(Input::Wake(self.id));
        }
        inputs
    }

    /// Whether it is only a start, so that there is no row to lock yet.
    pub fn only_starts(&self) -> bool {
        self.start.is_some() && self.mail.is_empty() && self.returned.is_empty() && self.resume.is_empty()
    }

    /// The lease under which a call was made that has ended, or under which the saga was claimed.
    pub fn holds(&self, token: i64) -> bool {
        self.result(token).is_some()
            || self.resume.iter().any(|resume| resume.token == token && resume.lease.is_some())
    }

    /// How often this node, which lives, held the saga before somebody else claimed it under this token.
    pub fn late_for(&self, token: i64) -> usize {
        let results = self.returned.iter().filter(|returned| returned.ended.token != token).count();
        let claims = self.resume.iter().filter(|resume| resume.lease.is_some() && resume.token != token);
        results + claims.count()
    }

    /// The result of the call that was made under this token.
    pub fn result(&self, token: i64) -> Option<&CallEnded> {
        self.returned.iter().map(|returned| &returned.ended).find(|ended| ended.token == token)
    }

    /// The service that the saga waited in line for, if it has a place now.
    pub fn has_place(&self, token: i64) -> Option<&'static str> {
        let mut its = self.resume.iter().filter(|resume| resume.token == token);
        its.find_map(|resume| resume.place.as_ref()).map(Place::service)
    }

    /// That place, for the call that may be made.
    pub fn take_place(&mut self, service: &str) -> Option<Place> {
        let mut places = self.resume.iter_mut().map(|resume| &mut resume.place);
        places.find(|place| place.as_ref().is_some_and(|place| place.service() == service))?.take()
    }
}
