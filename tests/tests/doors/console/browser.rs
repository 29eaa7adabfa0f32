//! A headless Chromium for one test: started on a port of its own, killed at the end.

use super::stage::{LONG, Stage};
use api::http::auth::Role;
use dev::{Child, Scratch, Signal};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tests::support::wait_until;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Wide enough for the widest table.
const SIZE: (u32, u32) = (1_360, 900);

/// One browser at a time, because one takes all the memory and time of a small machine.
static ONE: Semaphore = Semaphore::const_new(1);

pub struct Browser {
    pub client: Client,
    chromium: Option<i32>,
    driver: Child,
    _profile: Scratch,
    _turn: SemaphorePermit<'static>,
}

impl Browser {
    pub async fn open() -> Self {
        let turn = ONE.acquire().await.unwrap();
        let profile = Scratch::new().unwrap();
        let port_file = profile.path().join("driver.log");
        let log = std::fs::File::create(&port_file).unwrap();
        let mut command = Command::new(program("chromedriver"));
        command.arg("--port=0").stdout(Stdio::from(log)).stderr(Stdio::null());
        let driver = Child::spawn("chromedriver", command, Signal::TERM).unwrap();
        let port = wait_until("chromedriver says its port", LONG, async || port(&port_file)).await;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(profile.path()).as_object().unwrap().clone());
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        let chromium = client.capabilities().and_then(|known| known.get("goog:processID")?.as_i64());
        client.set_window_size(SIZE.0, SIZE.1).await.unwrap();
        let chromium = chromium.and_then(|pid| pid.try_into().ok());
        Self { client, chromium, driver, _profile: profile, _turn: turn }
    }

    /// Opens a browser and signs somebody in by the form.
    pub async fn signed_in(stage: &Stage, role: Role, subject: &str) -> Self {
        let browser = Self::open().await;
        let token = stage.token(role, subject).await;
        browser.goto(&stage.url("/console")).await;
        browser.find("#token").await.send_keys(&token).await.unwrap();
        browser.find("form button").await.click().await.unwrap();
        browser.find("nav[aria-label=Console]").await;
        browser
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The first element that a selector finds, as soon as there is one.
    pub async fn find(&self, css: &str) -> Element {
        wait_until(&format!("there is `{css}`"), LONG, async || {
            self.client.find(Locator::Css(css)).await.ok()
        })
        .await
    }

    /// Waits until the page says this.
    pub async fn reads(&self, words: &str) {
        wait_until(&format!("the page says `{words}`"), LONG, async || {
            self.text().await.contains(words).then_some(())
        })
        .await;
    }

    /// All that the page says.
    pub async fn text(&self) -> String {
        let text = self.client.execute("return document.body.innerText", Vec::new()).await;
        text.ok().and_then(|text| text.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Pictures of the whole page in both schemes, kept as output.
    pub async fn pictures(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.command(
                "Emulation.setEmulatedMedia",
                json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
            )
            .await;
            let height = self
                .script("return document.documentElement.scrollHeight")
                .await
                .as_i64()
                .unwrap()
                .clamp(400, 6_000);
            let metrics = json!({"width": SIZE.0, "height": height, "deviceScaleFactor": 1, "mobile": false});
            self.command("Emulation.setDeviceMetricsOverride", metrics).await;
            let picture = self.client.screenshot().await.unwrap();
            self.command("Emulation.clearDeviceMetricsOverride", json!({})).await;
            let folder = output();
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("console-{name}-{scheme}.png")), picture).unwrap();
        }
        self.command("Emulation.setEmulatedMedia", json!({"features": []})).await;
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub async fn command(&self, name: &str, params: Value) -> Value {
        self.client.issue_cmd(Cdp { name: name.to_owned(), params }).await.unwrap()
    }

    pub async fn close(self) {
        let _ = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    /// Runs also when a test fails half-way. The driver ends its browser; if it doesn't, we kill it.
    fn drop(&mut self) {
        self.driver.signal(Signal::TERM);
        if let Some(pid) = self.chromium.and_then(rustix::process::Pid::from_raw)
            && is_chromium(pid)
        {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Whether this is still a Chromium: another process may have got the id meanwhile.
fn is_chromium(pid: rustix::process::Pid) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero())).unwrap_or_default();
    name.trim().starts_with("chrom")
}

/// A command of the Chrome DevTools Protocol, through the driver.
#[derive(Debug)]
struct Cdp {
    name: String,
    params: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.name, "params": self.params}).to_string()))
    }
}

fn capabilities(profile: &Path) -> Value {
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": program("chromium"),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--force-prefers-reduced-motion", "--hide-scrollbars",
                format!("--user-data-dir={}", profile.join("profile").display()),
            ],
        },
    })
}

/// `ChromeDriver was started successfully on port 34567.`
fn port(log: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(log).ok()?;
    text.split("started successfully on port ").nth(1)?.split('.').next()?.parse().ok()
}

fn program(name: &str) -> PathBuf {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut found = env::split_paths(&folders).map(|folder| folder.join(name)).filter(|path| path.is_file());
    found.next().unwrap_or_else(|| panic!("`{name}` is missing: type `./test`, which installs it, or `sudo apt-get install chromium chromium-driver`"))
}

/// Where pictures are kept.
fn output() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-output");
    env::var_os("USHER_TEST_OUTPUT").map_or_else(default, PathBuf::from)
}
