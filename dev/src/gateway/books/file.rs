//! The file of the books: one JSON line a change, only ever appended to.

use crate::locked::Locked;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

pub(super) struct File(Locked);

impl File {
    /// Opens the file or makes it, and reads its lines. A last line without its end was cut short by a kill. Nobody
    /// got an answer for it, so it is removed. The file is locked against a second simulator until it is closed.
    pub fn open<T: DeserializeOwned>(path: &Path) -> io::Result<(Self, Vec<T>)> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        let file = fs::OpenOptions::new().create(true).append(true).read(true).open(path).map_err(named)?;
        let file = Locked::take(file).map_err(|error| match error {
            fs::TryLockError::WouldBlock => named(io::Error::other("another simulator has it open")),
            fs::TryLockError::Error(error) => named(error),
        })?;
        let (mut whole_bytes, mut lines, mut line) = (0, vec![], String::new());
        let mut reader = BufReader::new(&*file);
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            let place = || format!("line {} of the books `{}`", lines.len() + 1, path.display());
            let value = serde_json::from_str(&line).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", place()))
            })?;
            lines.push(value);
            whole_bytes += line.len() as u64;
            line.clear();
        }
        file.set_len(whole_bytes)?;
        Ok((Self(file), lines))
    }

    /// Appends a line in one write, so that a kill leaves a whole line or a cut last one. The file is not synced: the
    /// books must survive the process, not the machine.
    pub fn append<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        (&*self.0).write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_comes_back_and_a_cut_line_does_not() {
        let folder = std::env::temp_dir().join(format!("usher-books-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("books.jsonl");
        let (mut file, lines) = File::open::<u32>(&path).unwrap();
        assert!(lines.is_empty());
        file.append(&1).unwrap();
        (&*file.0).write_all(b"12345").unwrap();
        assert!(File::open::<u32>(&path).is_err(), "one simulator at a time");
        drop(file);
        let (mut file, lines) = File::open::<u32>(&path).unwrap();
        assert_eq!(lines, [1]);
        file.append(&2).unwrap();
        drop(file);
        assert_eq!(File::open::<u32>(&path).unwrap().1, [1, 2]);
        fs::write(&path, "1\nnonsense\n").unwrap();
        assert!(File::open::<u32>(&path).err().unwrap().to_string().contains("line 2"));
        fs::remove_dir_all(folder).unwrap();
    }
}
