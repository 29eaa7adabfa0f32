//! Records by id, in the order in which they came.

use std::collections::{HashMap, VecDeque};

pub(in crate::gateway) trait Keyed {
    fn id(&self) -> &str;
}

/// At most `max` records; one more pushes the oldest out.
pub(in crate::gateway) struct Shelf<T> {
    records: VecDeque<T>,
    places: HashMap<String, u64>,
    /// The place of `records[0]`: places go on counting when the oldest is gone.
    first_place: u64,
    max: usize,
}

impl<T: Keyed> Shelf<T> {
    pub fn new(max: usize) -> Self {
        Self { records: VecDeque::new(), places: HashMap::new(), first_place: 0, max }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        let place = self.places.get(id)?;
        self.records.get(usize::try_from(place - self.first_place).ok()?)
    }

    /// For what is not part of the record as it is kept in the file.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let place = self.places.get(id)?;
        self.records.get_mut(usize::try_from(place - self.first_place).ok()?)
    }

    pub fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.records.iter()
    }

    /// From the newest to the oldest, starting below `after`; nothing if `after` isn't here.
    pub fn newest_first<'a>(
        &'a self,
        after: Option<&str>,
    ) -> Option<impl Iterator<Item = &'a T> + use<'a, T>> {
        let end = match after {
            Some(id) => usize::try_from(self.places.get(id)? - self.first_place).ok()?,
            None => self.records.len(),
        };
        Some(self.records.range(..end).rev())
    }

    /// Replaces the record with this id, or adds it; returns the one that had to go.
    pub fn put(&mut self, record: T) -> Option<T> {
        if let Some(place) = self.places.get(record.id()) {
            let index = (place - self.first_place) as usize;
            self.records[index] = record;
            return None;
        }
        self.places.insert(record.id().to_owned(), self.first_place + self.records.len() as u64);
        self.records.push_back(record);
        if self.records.len() <= self.max {
            return None;
        }
        let oldest = self.records.pop_front()?;
        self.places.remove(oldest.id());
        self.first_place += 1;
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for (&'static str, u32) {
        fn id(&self) -> &str {
            self.0
        }
    }

    #[test]
    fn records_keep_their_place_and_the_oldest_goes_first() {
        let mut shelf = Shelf::new(3);
        for record in [("a", 1), ("b", 1), ("c", 1), ("b", 2)] {
            assert_eq!(shelf.put(record), None);
        }
        assert_eq!(shelf.put(("d", 1)), Some(("a", 1)));
        assert_eq!(shelf.get("a"), None);
        assert_eq!(shelf.get("b"), Some(&("b", 2)));
        let newest =
            |after| shelf.newest_first(after).map(|all| all.map(|record| record.0).collect::<Vec<_>>());
        assert_eq!(newest(None).unwrap(), ["d", "c", "b"]);
        assert_eq!(newest(Some("c")).unwrap(), ["b"]);
        assert_eq!(newest(Some("a")), None);
    }
}
