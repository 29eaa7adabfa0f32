//! Operators at the command line, as they run it: real processes, a real server, sagas that really wait.

use super::{
    running::Running,
    world::{World, program, serving},
};
use serde_json::{Value, json};
use service::operators::{Parameter, REASON_CHARS_MAX, action_rows};
use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

/// A name that would clear the screen of whoever lists it.
const NAME: &str = "Ada \u{1b}[2JEve";

impl World {
    /// Reservations that wait for their customer to pay; their node is gone.
    async fn waiting(&self, many: usize) -> BTreeSet<String> {
        self.reserved(many, None).await
    }

    /// The same; with a gateway, a payment is ordered for each, by a method that settles later.
    async fn reserved(&self, many: usize, gateway: Option<&str>) -> BTreeSet<String> {
        let token = self.theatre_and_customer(NAME);
        let mut serve = self.usher(&["serve"]);
        if let Some(url) = gateway {
            serve.env("USHER_GATEWAY_URL", url);
        }
        let ((mut node, url), http) = (serving(serve), reqwest::Client::new());
        let read = async |path: String| -> Value {
            http.get(format!("{url}{path}")).send().await.unwrap().json().await.unwrap()
        };
        let events = read("/events".into()).await;
        let seats = read(format!("/events/{}/seats", events["items"][0]["event_id"].as_str().unwrap())).await;
        let mut sagas = BTreeSet::new();
        for seat in seats["seats"].as_array().unwrap().iter().take(many) {
            let ask = http.post(format!("{url}/reservations")).bearer_auth(&token);
            let ask = ask.header("idempotency-key", seat["seat_id"].as_str().unwrap());
            let reserved: Value =
                ask.json(&json!({"seat_id": seat["seat_id"]})).send().await.unwrap().json().await.unwrap();
            if gateway.is_some() {
                let order =
                    json!({"reservation_id": reserved["reservation_id"], "method": "pm_processing_settles"});
                let pay = http.post(format!("{url}/payments")).bearer_auth(&token);
                let paid = pay.header("idempotency-key", "pay").json(&order).send().await.unwrap();
                assert!(paid.status().is_success(), "{paid:?}");
            }
            sagas.insert(reserved["saga_id"].as_str().unwrap().to_owned());
        }
        assert!(node.leaves("-TERM").success());
        sagas
    }
}

/// With Olga at the machine.
async fn open() -> World {
    World::open().await.with_user("olga")
}

#[tokio::test(flavor = "multi_thread")]
async fn sagas_are_found_and_their_ids_go_through_a_pipe() {
    let world = open().await;
    let sagas = world.waiting(2).await;
    let (all, paused) = (["saga", "list", "--ids"], ["saga", "list", "--trouble", "paused", "--ids"]);
    assert_eq!(world.lines(&all), sagas);
    assert_eq!(
        world.lines(&["saga", "list", "--status", "waiting", "--workflow", "booking", "--ids"]),
        sagas
    );
    assert_eq!(world.lines(&["saga", "list", "--search", "ada@example.org", "--ids"]), sagas);
    assert_eq!(
        world.prints(&["saga", "list", "--search", "nobody@example.org", "--ids"]),
        "",
        "not every saga"
    );
    assert_eq!(world.prints(&["saga", "list", "--older-than", "1h", "--ids"]), "");
    assert_eq!(world.lines(&paused), BTreeSet::new());
    assert_eq!(world.lines(&["saga", "list", "--limit", "1", "--ids"]).len(), 1);

    // usher saga list --ids | xargs …
    for saga in world.lines(&all) {
        world.prints(&["saga", "act", &saga, "pause", "--reason", "looking into it"]);
    }
    assert_eq!(world.lines(&paused), sagas);
    let listed = world.json(&["saga", "list", "--trouble", "paused", "--json"]);
    assert_eq!(listed[0]["line"], "paused by olga: looking into it");
    assert!(world.prints(&["saga", "list"]).contains("paused by olga"), "every row has its line");
    let groups = world.json(&["saga", "groups", "--trouble", "paused", "--json"]);
    let group = &groups[0];
    assert_eq!((groups.as_array().unwrap().len(), &group["count"]), (1, &json!(2)));
    let fingerprint = group["fingerprint"].as_str().unwrap();
    let told = world.prints(&["saga", "groups", "--trouble", "paused"]);
    assert!(told.contains(fingerprint) && told.contains(group["suggestion"].as_str().unwrap()), "{told}");
    let cause = ["saga", "list", "--trouble", "paused", "--cause", fingerprint, "--ids"];
    assert_eq!(world.lines(&cause), sagas);

    let audit = world.json(&["audit", "list", "--by", "olga", "--action", "pause", "--json"]);
    assert_eq!(audit.as_array().unwrap().len(), 2);
    assert!(world.prints(&["audit", "list"]).contains("looking into it"));
    for (wrong, told) in [
        (["saga", "list", "--status", "sad"], "must be one of running, waiting, unwinding"),
        (["saga", "list", "--trouble", "sad"], "must be one of stuck, in_doubt, owed"),
        (["saga", "groups", "--cause", "abc"], "64 hexadecimal digits"),
        (["saga", "list", "--older-than", "soon"], "90s, 30m, 24h or 7d"),
        (["audit", "list", "--saga", "one"], "'one'"),
    ] {
        let output = world.run(&wrong);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(told), "{wrong:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_of_the_table_is_a_command_and_a_slip_is_told_which_there_are() {
    let world = World::open().await;
    let saga = world.waiting(1).await.pop_first().unwrap();
    let value = |parameter| match parameter {
        Parameter::Output => "{\"a\": 1}",
        Parameter::DownTo | Parameter::To => "1",
        Parameter::Until => "2031-01-01T00:00:00Z",
    };
    for row in action_rows() {
        let mut act = vec!["saga", "act", &saga, row.word];
        act.extend(row.takes.iter().filter(|takes| takes.is_required).map(|takes| value(takes.parameter)));
        act.push("--preview");
        let output = world.run(&act);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{act:?}: {output:?}");
        for old in [row.kind.name()].iter().chain(row.old_words) {
            act[3] = old;
            assert_eq!(world.run(&act).stdout, output.stdout, "{act:?}");
        }
    }
    for line in [&["saga", "act", &saga, "explode", "--reason", "x"][..], &["batch", "start", "explode"]] {
        let output = world.run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for row in action_rows() {
            assert!(said.contains(row.word), "no `{}` in {said}", row.word);
        }
    }
    let reason = "x".repeat(REASON_CHARS_MAX + 1);
    let id = uuid::Uuid::now_v7().to_string();
    for line in [
        &["saga", "act", &saga, "pause", "--reason", &reason][..],
        &["batch", "start", "--status", "waiting", "pause", "--yes", "--reason", &reason],
        &["batch", "pause", &id, "--reason", &reason],
        &["proposal", "decline", &id, "--reason", &reason],
        &["case", "resolve", &id, "--reason", &reason],
        &["inbox", "settle", "evt_1", "--reason", &reason],
    ] {
        let output = world.run(line);
        let said = String::from_utf8(output.stderr).unwrap();
        let told = format!("`--reason` must have at most {REASON_CHARS_MAX} characters");
        assert!(output.status.code() == Some(2) && said.contains(&told), "{said}");
    }
    assert_eq!(world.run(&["saga", "act", &saga, "pause"]).status.code(), Some(2), "a reason is asked for");
    assert_eq!(world.json(&["audit", "list", "--json"]), json!([]), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_much_money_is_proposed_and_another_agrees() {
    let world = open().await;
    let gateway = Running::printing(world.usher(&["gateway"]));
    let url = gateway.line_with("listening on").split_whitespace().last().unwrap().to_owned();
    let saga = world.reserved(1, Some(&url)).await.pop_first().unwrap();
    let alone = |arguments: &[&str]| {
        let mut command = world.usher(arguments);
        command.env("USHER_OPERATORS_SECOND_PERSON_ABOVE_MINOR", "100").output().unwrap()
    };
    let asked = alone(&["saga", "act", &saga, "cancel", "--reason", "the bank called"]);
    let told = String::from_utf8(asked.stdout).unwrap();
    assert_eq!(asked.status.code(), Some(3), "it waits: {told}");
    assert!(told.contains("a second person must agree") && told.contains("usher proposal consent"), "{told}");
    assert_eq!(world.json(&["saga", "show", &saga, "--json"])["saga"]["state"], "waiting");

    let open = ["proposal", "list", "--open", "--ids"];
    let proposal = world.prints(&open).trim().to_owned();
    assert!(world.prints(&["proposal", "list"]).contains("the bank called"));
    assert!(world.prints(&["proposal", "show", &proposal]).contains("would leave the saga unwinding"));
    let consent = ["proposal", "consent", &proposal, "--reason", "as agreed"];
    assert_eq!(alone(&consent).status.code(), Some(1), "olga asked, so olga can't agree");
    let done = world.json(&[&consent[..], &["--by", "eric", "--json"]].concat());
    assert_eq!((&done["action"], &done["state"]), (&json!("cancel"), &json!("unwinding")));
    assert_eq!(world.prints(&open), "");
    assert_eq!(world.run(&["proposal", "decline", &proposal, "--reason", "x"]).status.code(), Some(1));
    assert_eq!(world.run(&["proposal", "show", &saga]).status.code(), Some(2), "there is none of this id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_shown_before_it_is_made_and_goes_on_without_whoever_made_it() {
    let world = open().await;
    let sagas = world.waiting(2).await;
    let start = ["batch", "start", "--status", "waiting", "cancel", "--reason", "the evening is off"];
    let with = |more: &[&'static str]| [&start[..], more].concat();
    let preview = world.prints(&with(&["--preview"]));
    assert!(preview.contains("`cancel` on 2 sagas") && preview.contains("waiting for payment"), "{preview}");
    assert_eq!(world.run(&start).status.code(), Some(2), "nobody can be asked in a pipe");
    assert_eq!(world.prints(&["batch", "list", "--ids"]), "");
    let none =
        world.run(&["batch", "start", "--search", "nobody@example.org", "cancel", "--reason", "x", "--yes"]);
    assert_eq!(none.status.code(), Some(1), "and not every saga: {none:?}");

    let id = uuid::Uuid::now_v7().to_string();
    let again = [&start[..], &["--yes", "--json", "--id", &id]].concat();
    assert_eq!(world.json(&again)["items"], 2);
    assert_eq!(world.json(&again)["id"], id.as_str(), "the same id is the same batch");
    assert_eq!(world.prints(&["batch", "list", "--ids"]).trim(), id);
    assert_eq!(world.lines(&["batch", "items", &id, "--ids"]), sagas);
    let steer =
        |how: &str| world.json(&["batch", how, &id, "--reason", "as agreed", "--json"])["state"].clone();
    assert_eq!(steer("pause"), "paused");
    assert_eq!(world.run(&["batch", "pause", &id, "--reason", "x"]).status.code(), Some(1));
    assert!(world.prints(&["batch", "show", &id]).contains("usher batch resume"));
    assert_eq!(steer("resume"), "canary");

    // One watcher leaves and one stays; the node starts after them.
    let mut leaves = Running::printing(world.usher(&["batch", "show", &id, "--watch"]));
    assert!(leaves.line().contains("canary: 2 waiting"));
    leaves.signal("-INT");
    assert!(leaves.line_with("the batch goes on").contains(&format!("usher batch show {id}")));
    assert_eq!(leaves.ends().code(), Some(0));
    let _node = Running::logging(world.usher(&["serve", "--no-http"]));
    let watched = world.prints(&["batch", "show", &id, "--watch"]);
    assert!(watched.contains("done") && watched.contains("2 mended"), "{watched}");
    assert_eq!(world.lines(&["batch", "items", &id, "--result", "mended", "--ids"]), sagas);
}

#[tokio::test(flavor = "multi_thread")]
async fn colour_is_for_terminals_and_what_others_wrote_commands_none() {
    let world = open().await;
    let sagas = world.waiting(1).await;
    let show = ["saga", "show", sagas.first().unwrap()];
    let plain = world.prints(&show);
    assert!(!plain.contains('\u{1b}'), "no terminal, no colour: {plain:?}");
    assert!(plain.contains("Ada \u{fffd}[2JEve") && plain.contains("reservation"), "{plain}");
    let mut coloured = world.usher(&[&show[..], &["--color", "always"]].concat());
    let output = coloured.env("NO_COLOR", "1").output().unwrap();
    let coloured = String::from_utf8(output.stdout).unwrap();
    assert!(coloured.contains('\u{1b}') && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
    let shown = world.json(&["saga", "show", sagas.first().unwrap(), "--json"]);
    assert_eq!(shown["rows"]["reservations"][0]["user"], NAME, "JSON has it as it is");
    assert_eq!(shown["timeline"][0]["kind"], "begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_in_a_pipe_appends_what_is_new_and_leaves_on_ctrl_c() {
    let world = open().await;
    let sagas = world.waiting(1).await;
    let saga = sagas.first().unwrap();
    let mut watch = Running::printing(world.usher(&["saga", "list", "--watch"]));
    let line = watch.line();
    assert!(line.contains(saga) && line.contains("waiting for payment"), "{line}");
    world.prints(&["saga", "act", saga, "pause", "--reason", "looking into it"]);
    let line = watch.line();
    assert!(line.contains(saga) && line.contains("paused by olga"), "{line}");
    assert_eq!(watch.leaves("-INT").code(), Some(0));
}

#[test]
fn completions_are_scripts_that_their_shell_can_read() {
    for shell in ["bash", "zsh", "fish"] {
        // Also where the configuration is wrong.
        let made = program(&["completions", shell]).env("USHER_LANES_COUNT", "many").output().unwrap();
        let script = String::from_utf8(made.stdout.clone()).unwrap();
        assert!(
            made.status.success() && script.contains("groups") && script.contains("--trouble")
                || shell == "fish"
        );
        assert!(script.contains("usher"), "{shell}");
    }
    let script = program(&["completions", "bash"]).output().unwrap().stdout;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), &script).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn every_command_of_operators_says_how_it_is_used() {
    let commands: &[&[&str]] = &[
        &["saga", "list"],
        &["saga", "groups"],
        &["saga", "show"],
        &["saga", "why"],
        &["saga", "act"],
        &["proposal", "list"],
        &["proposal", "show"],
        &["proposal", "consent"],
        &["proposal", "decline"],
        &["batch", "start"],
        &["batch", "list"],
        &["batch", "show"],
        &["batch", "items"],
        &["batch", "pause"],
        &["batch", "resume"],
        &["batch", "cancel"],
        &["batch", "consent"],
        &["audit", "list"],
        &["audit", "verify"],
        &["completions"],
    ];
    for command in commands {
        let output = program(command).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("Examples:\n  usher "), "{command:?}: {help}");
    }
}
