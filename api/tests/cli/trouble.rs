//! `usher dev --with-trouble` as people use it: each kind of trouble is found and repaired by commands alone.
//!
//! One stack for all of it: it takes a minute to make. What is typed and answered is kept in `docs/repairs.md`, which
//! must say what really happens; `USHER_REPAIRS=write` writes it anew.

use super::{running::Running, world::program};
use dev::Scratch;
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The most time for making PostgreSQL, loading a theatre, and waiting for the slowest kind of trouble.
const MADE_MAX: Duration = Duration::from_secs(240);
/// From a repair to a good end.
const ENDS_MAX: Duration = Duration::from_secs(60);

/// A saga in trouble, as the stack reports it.
#[derive(Clone, Debug, Deserialize)]
struct TroubledSaga {
    kind: String,
    saga: String,
    line: String,
    console: String,
    command: String,
    ends: String,
}

/// What each kind's line must say, whatever else it says.
const SAYS: [(&str, &str); 19] = [
    ("diverged", "journal does not match: expected step trouble_note at 0, workflow asks uuid"),
    ("panicked", "workflow trouble panicked: index out of bounds: the len is 0 but the index is 7"),
    ("oversize", "output of step trouble_note is too large: 409602, and the bound is 262144"),
    ("foreign_wait", "workflow waits for something that will never wake it"),
    ("abandoned", "workflow went on to step trouble_note without the answer to its request 0"),
    ("debt", "compensation pay failed 4×, gateway 503"),
    ("failed_after_pivot", "capture failed 4× after the pivot, gateway 400 imgsrcxonerroralert1"),
    (
        "refused_after_pivot",
        "trouble_refuse refused after the pivot: rejected with `house-closed`: closed <img src=x",
    ),
    ("contradicted", "pay contradicted: "),
    ("poll_too_long", "a poll of the workflow took longer than 2000 ms"),
    ("quarantined", "quarantined: 3 nodes in a row stopped while they had it, again in "),
    ("undecodable", "output of step trouble_remember can't be read: missing field `colour`"),
    ("payment_order", "waiting for payment order, "),
    ("payment_news", "waiting for payment news, "),
    ("retrying", "retrying capture #"),
    ("outcome_unknown", "outcome of trouble_send is unknown, and its key has expired"),
    ("paused", "paused by grace: is this customer real?"),
    ("unknown_version", "no node knows version 3"),
    ("call_out", "call trouble_linger is out on node-"),
];

/// The stack; stopped when dropped.
struct Stack {
    dev: Running,
    scratch: Scratch,
}

impl Stack {
    fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scratch = Scratch::new().unwrap();
        let mut command = program(&["dev", "--with-trouble", "--data-dir"]);
        command.arg(scratch.path().join("dev"));
        let dev = Running::logging(command);
        dev.line_within(MADE_MAX, "serving until Ctrl-C");
        Self { dev, scratch }
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join("dev")
    }

    fn troubled_sagas(&self) -> Vec<TroubledSaga> {
        serde_json::from_str(&std::fs::read_to_string(self.folder().join("trouble.json")).unwrap()).unwrap()
    }

    /// Types a command into a shell.
    fn types(&self, command: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_usher")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        let line = format!(". {}; {command}", self.folder().join("env").display());
        shell.args(["-c", &line]).env("PATH", path).env("USER", "grace");
        shell.env("USHER_DATA_DIR", self.folder());
        shell.output().unwrap()
    }

    /// Types a command that must succeed, and gives what it prints.
    fn prints(&self, command: &str) -> String {
        let output = self.types(command);
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "`{command}`: {printed}{said}");
        printed
    }

    /// The line of a saga.
    fn why(&self, saga: &str) -> String {
        self.prints(&format!("usher saga why {saga}")).lines().next().unwrap().trim().to_owned()
    }

    /// Waits until a saga's line says this.
    fn until(&self, saga: &str, says: &str) -> String {
        let asked = Instant::now();
        loop {
            let line = self.why(saga);
            if line.contains(says) {
                return line;
            }
            assert!(asked.elapsed() < ENDS_MAX, "{saga} should say `{says}`, and says `{line}`");
            std::thread::yield_now();
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SIGTERM, so that the servers stop too.
        self.dev.stop();
    }
}

#[test]
fn every_trouble_is_found_shown_and_repaired_by_command() {
    let stack = Stack::start();
    let all = stack.troubled_sagas();
    assert_eq!(all.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), SAYS.map(|(kind, _)| kind));
    for (one, (_, says)) in all.iter().zip(SAYS) {
        assert!(stack.until(&one.saga, says).contains(says), "{one:?}");
        assert!(one.line.contains(says), "{one:?}");
        assert!(one.console.ends_with(&one.saga), "{one:?}");
    }
    let stuck = stack.prints("usher saga list --trouble stuck --ids");
    for one in &all[..12] {
        assert!(stuck.contains(&one.saga), "the work-list has every stuck saga: {one:?}\n{stuck}");
    }
    assert_eq!(stuck.lines().count(), 12, "and no other:\n{stuck}");
    let groups = stack.prints("usher saga groups");
    assert!(groups.contains("gateway 503"), "{groups}");
    let by_name = stack.prints("usher saga list --search '<script>alert' --ids");
    assert_eq!(by_name.lines().count(), 7, "a customer is found by the beginning of a name:\n{by_name}");

    let mut transcript = String::new();
    for one in &all {
        assert!(stack.types(&format!("usher saga show {}", one.saga)).status.success(), "{one:?}");
    }
    stack.prints("usher dev mend");
    for one in &all {
        let _ =
            writeln!(transcript, "\n### {}\n\n```\n$ usher saga why {}\n{}", one.kind, one.saga, one.line);
        let _ = writeln!(transcript, "$ {}", one.command);
        if one.command != "usher dev mend" {
            stack.prints(&one.command);
        }
        let line = stack.until(&one.saga, &format!("at rest: {}", one.ends));
        let _ = writeln!(transcript, "$ usher saga why {}\n{line}\n```", one.saga);
    }
    assert_eq!(stack.prints("usher saga list --trouble stuck --ids"), "", "the work-list is empty");
    stack.prints("usher verify");
    stack.prints("usher audit verify");
    check_document(&transcript, &all);
}

/// The document has the transcript of a real run, up to ids and times.
fn check_document(transcript: &str, all: &[TroubledSaga]) {
    let mut shown = transcript.to_owned();
    for one in all {
        shown = shown.replace(&one.saga, "0199…");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/repairs.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (head, kept) =
        document.split_once("\n### ").map(|(head, kept)| (head, format!("\n### {kept}"))).unwrap();
    if std::env::var("USHER_REPAIRS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, format!("{head}{shown}")).unwrap();
        return;
    }
    assert_eq!(steady(&kept), steady(&shown), "`docs/repairs.md` says something else: USHER_REPAIRS=write");
}

/// Without what differs from run to run: ids of other things, times, nodes.
fn steady(text: &str) -> String {
    let word = |word: &str| {
        let hex =
            |letter: char| letter.is_ascii_hexdigit() || matches!(letter, '-' | ':' | '_' | '.' | 'p' | 'i');
        if word.chars().any(|letter| letter.is_ascii_digit()) && word.len() > 3 && word.chars().all(hex) {
            "…".to_owned()
        } else {
            word.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect()
        }
    };
    let words: Vec<String> = text.split(' ').map(word).collect();
    let text = words.join(" ");
    let text =
        text.replace(" h 00 min", " s").replace(" h 0 min", " s").replace(" min", " s").replace(" h", " s");
    let mut text = text;
    while text.contains("00") {
        text = text.replace("00", "0");
    }
    text
}
