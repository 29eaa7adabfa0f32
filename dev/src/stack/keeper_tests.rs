//! A kept process is started again, drained, or given up; with a real process each time.

use super::keeper::{Keeper, Kept};
use crate::{
    DevError, Scratch,
    servers::{port, tests::until},
};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// This test program again, as a process that serves on a port and says goodbye into the folder.
fn kept(port: u16, folder: &Path) -> Kept {
    let folder = folder.to_owned();
    let command = move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "stack::keeper_tests::a_process_to_be_kept", "--nocapture"]);
        command.env("USHER_TEST_KEPT_PORT", port.to_string()).env("USHER_TEST_KEPT_FOLDER", &folder);
        command
    };
    Kept { name: "node", command: Box::new(command), ready_url: format!("http://127.0.0.1:{port}/readyz") }
}

/// Not a test by itself: what [`kept`] starts. Serves its pid until SIGTERM.
#[tokio::test]
async fn a_process_to_be_kept() {
    let Ok(port) = std::env::var("USHER_TEST_KEPT_PORT") else { return };
    let folder = std::env::var("USHER_TEST_KEPT_FOLDER").unwrap();
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let pid = std::process::id().to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", pid.len());
            let _ = stream.write_all((head + &pid).as_bytes());
        }
    });
    terminated.recv().await;
    std::fs::write(Path::new(&folder).join("drained"), "").unwrap();
}

async fn pid(http: &reqwest::Client, port: u16) -> u32 {
    let answer = http.get(format!("http://127.0.0.1:{port}")).send().await.unwrap();
    answer.text().await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_killed_process_is_started_again_and_a_stopped_one_is_drained() {
    let scratch = Scratch::new().unwrap();
    let (http, port) = (http(), port::free().unwrap());
    let keeper = Keeper::start(kept(port, scratch.path()), scratch.path()).unwrap();
    keeper.ready(&http).await.unwrap();
    let first = pid(&http, port).await;

    assert_eq!(keeper.kill().await, Some(first));
    keeper.ready(&http).await.unwrap();
    assert_ne!(pid(&http, port).await, first);

    assert!(!scratch.path().join("drained").exists());
    keeper.stop().await;
    assert!(scratch.path().join("drained").exists());
    assert!(http.get(format!("http://127.0.0.1:{port}")).send().await.is_err());
}

#[tokio::test]
async fn a_process_that_ends_again_and_again_is_given_up_with_its_last_words() {
    let scratch = Scratch::new().unwrap();
    let command = || {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out of luck; exit 3"]);
        command
    };
    let ready_url = "http://127.0.0.1:1/".to_owned();
    let kept = Kept { name: "gateway", command: Box::new(command), ready_url };
    let keeper = Keeper::start(kept, scratch.path()).unwrap();
    let error = keeper.ready(&http()).await.unwrap_err();
    let DevError::Died { name, status, tail, .. } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), status.code()), ("gateway", Some(3)));
    assert!(tail.contains("out of luck"), "{tail}");
    assert!(matches!(keeper.given_up().await, DevError::Died { .. }));
}

#[tokio::test]
async fn a_dropped_keeper_leaves_no_process() {
    let scratch = Scratch::new().unwrap();
    let (http, port) = (http(), port::free().unwrap());
    let keeper = Keeper::start(kept(port, scratch.path()), scratch.path()).unwrap();
    keeper.ready(&http).await.unwrap();
    let pid = pid(&http, port).await;
    drop(keeper);
    let process = Path::new("/proc").join(pid.to_string());
    until("the process is gone", || !process.exists()).await;
}
