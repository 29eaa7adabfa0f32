//! The simulated gateway's books: everything it knows, in memory and, if asked, in a file.
//!
//! A change happens under one lock: records are put, news is told, and [`Books::commit`] writes all of it as
//! one line of the file. So an effect, its events and the answer stored under its key are on disk together or
//! not at all, and a process that is killed between two lines has lost nothing that it answered.

mod agenda;
mod file;
pub(super) mod intent;
mod keys;
pub(super) mod news;
pub(super) mod refund;
mod refused;
pub(super) mod render;
mod shelf;
pub(super) mod summary;

pub(super) use agenda::Task;
pub(super) use keys::{Claim, Stored};

use agenda::Agenda;
use file::File;
use intent::Intent;
use keys::Keys;
use news::{Event, News};
use refund::Refund;
use serde::{Deserialize, Serialize};
use shelf::{Keyed, Shelf};
use std::{io, path::Path, time::Duration};

/// The most intents the books hold; then creating answers 429. About 1 KiB each.
pub(super) const INTENTS_MAX: usize = 200_000;
/// The most events that can be read back; older ones are forgotten. About 2 KiB each.
const EVENTS_MAX: usize = 100_000;

pub(super) struct Books {
    pub intents: Shelf<Intent>,
    pub refunds: Shelf<Refund>,
    pub events: Shelf<Event>,
    pub keys: Keys,
    /// What settles when.
    pub agenda: Agenda<Task>,
    /// What is to be delivered when: an event's id and the index of its delivery.
    pub mail: Agenda<(String, usize)>,
    news: Vec<News>,
    changes: Vec<Change>,
    file: Option<File>,
}

/// One record as it is after a change; a line of the file holds a list of them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Intent(Box<Intent>),
    Refund(Refund),
    Event(Event),
    Key(Stored),
}

impl Books {
    /// Empty books, or those of `path`, which is made if it isn't there.
    pub fn open(path: Option<&Path>, key_ttl: Duration) -> io::Result<Self> {
        let mut books = Self {
            intents: Shelf::new(INTENTS_MAX),
            refunds: Shelf::new(INTENTS_MAX),
            events: Shelf::new(EVENTS_MAX),
            keys: Keys::new(key_ttl),
            agenda: Agenda::default(),
            mail: Agenda::default(),
            news: vec![],
            changes: vec![],
            file: None,
        };
        if let Some(path) = path {
            let (file, lines) = File::open::<Vec<Change>>(path)?;
            for change in lines.into_iter().flatten() {
                books.apply(change);
            }
            books.file = Some(file);
        }
        Ok(books)
    }

    pub fn put_intent(&mut self, intent: Intent) {
        self.changes.push(Change::Intent(Box::new(intent.clone())));
        self.apply(Change::Intent(Box::new(intent)));
    }

    pub fn put_refund(&mut self, refund: Refund) {
        self.changes.push(Change::Refund(refund.clone()));
        self.apply(Change::Refund(refund));
    }

    pub fn put_event(&mut self, event: Event) {
        self.changes.push(Change::Event(event.clone()));
        self.apply(Change::Event(event));
    }

    pub fn put_key(&mut self, stored: Stored) {
        self.changes.push(Change::Key(stored.clone()));
        self.apply(Change::Key(stored));
    }

    /// Something the world will hear of, once it is planned how.
    pub fn add_news(&mut self, news: News) {
        self.news.push(news);
    }

    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Writes what changed since the last commit.
    pub fn commit(&mut self) -> io::Result<()> {
        let changes = std::mem::take(&mut self.changes);
        match &mut self.file {
            Some(file) if !changes.is_empty() => file.append(&changes),
            _ => Ok(()),
        }
    }

    /// Puts a record in its place and what it has still to do on the agenda.
    fn apply(&mut self, change: Change) {
        match change {
            Change::Intent(intent) => {
                let due = intent.due.as_ref().map(|due| due.at_ms);
                self.agenda.set(Task::Settle(intent.id().to_owned()), due);
                self.intents.put(*intent);
            }
            Change::Refund(refund) => {
                let due = refund.due.as_ref().map(|due| due.at_ms);
                self.agenda.set(Task::Refund(refund.id().to_owned()), due);
                self.refunds.put(refund);
            }
            Change::Event(event) => {
                for (index, delivery) in event.deliveries.iter().enumerate() {
                    self.mail.set((event.id.clone(), index), delivery.due_ms());
                }
                if let Some(oldest) = self.events.put(event) {
                    for index in 0..oldest.deliveries.len() {
                        self.mail.set((oldest.id.clone(), index), None);
                    }
                }
            }
            Change::Key(stored) => self.keys.put(stored),
        }
    }
}
