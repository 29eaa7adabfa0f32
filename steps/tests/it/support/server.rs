//! A private Postgres for the whole test binary, and for each test a database from a migrated template.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

/// A database of one test's own.
pub struct Database {
    port: u16,
    name: String,
}

impl Database {
    /// A new connection to it.
    pub async fn connect(&self) -> PgConnection {
        let url = format!("postgres://postgres@127.0.0.1:{}/{}", self.port, self.name);
        PgConnection::connect(&url).await.expect("the private server takes connections")
    }
}

/// A migrated database.
pub async fn database() -> Database {
    create("template booking_template").await
}

/// A database without anything in it.
pub async fn empty_database() -> Database {
    create("").await
}

async fn create(template: &str) -> Database {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let port = server().await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = Database { port, name: "postgres".to_owned() }.connect().await;
    let create = format!("create database {name} {template}");
    sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    Database { port, name }
}

async fn server() -> u16 {
    static PORT: OnceCell<u16> = OnceCell::const_new();
    *PORT.get_or_init(start).await
}

async fn start() -> u16 {
    let port = free_port();
    let mut child = spawn(port);
    // The child says one line once the server answers.
    let mut ready = [0; 6];
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut ready)
        .expect("the private Postgres starts; is it installed?");
    std::mem::forget(child); // its standard input is closed by our death, whatever its manner: its sign to end
    let mut connection = Database { port, name: "postgres".to_owned() }.connect().await;
    sqlx::query("create database booking_template").execute(&mut connection).await.unwrap();
    let mut template = Database { port, name: "booking_template".to_owned() }.connect().await;
    steps::migrate(&mut template).await.unwrap();
    template.close().await.unwrap();
    port
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `initdb` and `postgres` in a folder of their own, gone as soon as our end of its standard input is closed.
fn spawn(port: u16) -> Child {
    let script = format!(
        r#"
        set -e
        bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
        dir=$(mktemp -d /var/tmp/usher-test-XXXXXX)
        "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C -N >"$dir/log" 2>&1
        "$bin/postgres" -D "$dir/data" -p {port} -h 127.0.0.1 -k "$dir" \
            -c fsync=off -c full_page_writes=off -c max_connections=200 >"$dir/log" 2>&1 </dev/null &
        server=$!
        until "$bin/pg_isready" -q -h 127.0.0.1 -p {port}; do kill -0 $server; done
        echo ready
        exec >/dev/null
        cat >/dev/null
        kill -QUIT $server
        wait $server || true
        rm -rf "$dir"
        "#
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir("/var/tmp").stdin(Stdio::piped()).stdout(Stdio::piped());
    if id(&["-u"]) == 0 {
        command.uid(id(&["-u", "postgres"])).gid(id(&["-g", "postgres"])); // the server refuses root
    }
    command.spawn().unwrap()
}

fn id(arguments: &[&str]) -> u32 {
    let output = Command::new("id").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().expect("`id` prints a number")
}
