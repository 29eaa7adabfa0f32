//! The private servers, held to what they promise: own folder, own port, kept data, no survivors.

use super::*;
use sqlx::{Connection, PgConnection};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

async fn postgres(scratch: &Scratch) -> Postgres {
    Postgres::start(PostgresOptions::in_dir(scratch.path().join("services"))).await.unwrap()
}

async fn connect(postgres: &Postgres) -> PgConnection {
    PgConnection::connect(&postgres.url("postgres")).await.unwrap()
}

async fn write(postgres: &Postgres) {
    let mut connection = connect(postgres).await;
    let made = sqlx::raw_sql("create table t (n int); insert into t values (7)").execute(&mut connection);
    made.await.unwrap();
}

async fn read(postgres: &Postgres) -> i32 {
    sqlx::query_scalar("select n from t").fetch_one(&mut connect(postgres).await).await.unwrap()
}

#[tokio::test]
async fn a_committed_row_survives_kill_9_on_the_same_port() {
    let scratch = Scratch::new().unwrap();
    let postgres = postgres(&scratch).await;
    write(&postgres).await;
    let port = postgres.port();
    let busy = a_busy_session(&postgres).await;

    postgres.kill().await;
    assert!(PgConnection::connect(&postgres.url("postgres")).await.is_err());
    postgres.restart().await.unwrap();

    assert_eq!((read(&postgres).await, postgres.port()), (7, port));
    let _ = busy.await;
}

/// A session that computes for a second or two: too busy to notice that its server is gone, it keeps the
/// server's memory, and the successor has to wait for it.
async fn a_busy_session(postgres: &Postgres) -> tokio::task::JoinHandle<()> {
    let mut connection = connect(postgres).await;
    let busy = tokio::spawn(async move {
        let _ =
            sqlx::query("select count(*) from generate_series(1, 10000000)").execute(&mut connection).await;
    });
    let mut witness = connect(postgres).await;
    loop {
        let active = "select exists (select from pg_stat_activity where state = 'active' and query like '%series%' and pid <> pg_backend_pid())";
        if sqlx::query_scalar(active).fetch_one(&mut witness).await.unwrap() {
            return busy;
        }
        assert!(!busy.is_finished(), "over before it was seen");
    }
}

#[tokio::test]
async fn data_are_kept_from_one_start_to_the_next() {
    let scratch = Scratch::new().unwrap();
    let first = postgres(&scratch).await;
    write(&first).await;
    first.stop().await.unwrap();
    drop(first);

    let again = postgres(&scratch).await;
    assert_eq!(read(&again).await, 7);
}

#[tokio::test]
async fn durable_means_fsync_and_only_loopback_is_served() {
    let scratch = Scratch::new().unwrap();
    let mut options = PostgresOptions::in_dir(scratch.path().join("services"));
    options.durable = false;
    let server = Postgres::start(options).await.unwrap();
    for (setting, expected) in [("fsync", "off"), ("listen_addresses", "127.0.0.1")] {
        assert_eq!(show(&server, setting).await, expected);
    }
    drop(server);
    assert_eq!(show(&postgres(&scratch).await, "fsync").await, "on");
}

async fn show(postgres: &Postgres, setting: &str) -> String {
    let mut connection = connect(postgres).await;
    sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn one_folder_is_used_by_one_process() {
    let scratch = Scratch::new().unwrap();
    let running = postgres(&scratch).await;
    let second = Postgres::start(PostgresOptions::in_dir(scratch.path().join("services"))).await;
    assert!(matches!(second, Err(DevError::InUse { .. })), "{second:?}");
    assert!(running.log().starts_with(scratch.path()));
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_stranger_is_no_obstacle() {
    let scratch = Scratch::new().unwrap();
    let server = postgres(&scratch).await;
    write(&server).await;
    let folder = scratch.path().join("services/postgres");
    let written = std::fs::read_to_string(folder.join("postmaster.pid")).unwrap();
    server.kill().await;
    drop(server);

    let mut stranger = Command::new("sleep");
    owner::Owner::of_servers().unwrap().run(stranger.arg("600").stdout(Stdio::null()));
    let stranger = Child::spawn("stranger", stranger, Signal::KILL).unwrap();
    let own_pid = written.lines().next().unwrap();
    let stale = written.replacen(own_pid, &stranger.pid().to_string(), 1);
    std::fs::write(folder.join("postmaster.pid"), stale).unwrap();
    assert_eq!(read(&postgres(&scratch).await).await, 7);
    assert!(stranger.status().is_none(), "the stranger was signalled");
}

#[tokio::test]
async fn a_server_that_ends_at_once_says_why() {
    let scratch = Scratch::new().unwrap();
    let mut options = PostgresOptions::in_dir(scratch.path().join("services"));
    options.extra_settings.push(("no_such_setting".to_owned(), "1".to_owned()));
    let error = Postgres::start(options).await.unwrap_err().to_string();
    assert!(error.contains("unrecognized configuration parameter \"no_such_setting\""), "{error}");
}

#[tokio::test]
async fn root_is_told_of_a_folder_that_the_servers_user_cannot_reach() {
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return; // Everybody else runs the servers as themselves.
    }
    let scratch = Scratch::new().unwrap();
    let private = scratch.path().join("private");
    std::fs::create_dir(&private).unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).unwrap();
    let started = Postgres::start(PostgresOptions::in_dir(private.join("services"))).await;
    assert!(matches!(started, Err(DevError::Unreachable { .. })), "{started:?}");
}

#[tokio::test]
async fn redis_comes_back_empty_on_the_same_port() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(RedisOptions::in_dir(scratch.path().join("services"))).await.unwrap();
    let client = ::redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = ::redis::cmd("SET").arg("k").arg("v").query_async(&mut connection).await.unwrap();

    redis.kill().await;
    redis.restart().await.unwrap();

    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let value: Option<String> = ::redis::cmd("GET").arg("k").query_async(&mut connection).await.unwrap();
    assert_eq!(value, None);
}

#[tokio::test]
async fn a_paused_redis_answers_after_it_is_resumed() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(RedisOptions::in_dir(scratch.path().join("services"))).await.unwrap();
    let client = ::redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis.pause().await;
    let ping: Result<String, _> = ::redis::cmd("PING").query_async(&mut connection).await;
    assert!(ping.is_err());
    redis.resume().await;
    let ping: String = ::redis::cmd("PING").query_async(&mut connection).await.unwrap();
    assert_eq!(ping, "PONG");
    redis.pause().await; // A frozen one must stop as well.
    redis.stop().await.unwrap();
}

#[tokio::test]
async fn children_inherit_no_open_files() {
    let scratch = Scratch::new().unwrap();
    let path = scratch.path().join("ours");
    let file = std::fs::File::create(&path).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();

    let mut command = Command::new("sleep");
    command.arg("600").stdout(Stdio::null()).stderr(Stdio::null());
    let child = Child::spawn("sleep", command, Signal::KILL).unwrap();
    let files = Path::new("/proc").join(child.pid().to_string()).join("fd");
    let files = files.read_dir().unwrap().filter_map(|fd| fd.unwrap().path().read_link().ok());
    // The child may just be starting: its locale is no file of ours.
    let inherited: Vec<_> = files.filter(|file| !file.starts_with("/usr")).collect();
    assert_eq!(inherited, [Path::new("/dev/null"); 3]);
}

/// Not a test by itself: the process that [`servers_die_with_the_process_that_started_them`] kills.
#[tokio::test]
async fn a_process_with_servers_to_be_killed() {
    let Ok(folder) = std::env::var("USHER_TEST_TO_BE_KILLED") else { return };
    let folder = Path::new(&folder);
    let _postgres = Postgres::start(PostgresOptions::in_dir(folder.join("services"))).await.unwrap();
    let _redis = Redis::start(RedisOptions::in_dir(folder.join("services"))).await.unwrap();
    std::fs::write(folder.join("up"), "").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn servers_die_with_the_process_that_started_them() {
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "servers::tests::a_process_with_servers_to_be_killed", "--nocapture"]);
    command.env("USHER_TEST_TO_BE_KILLED", folder).stdout(Stdio::null()).stderr(Stdio::null());
    let victim = Child::spawn("victim", command, Signal::KILL).unwrap();
    until("the servers are up", || folder.join("up").exists()).await;
    let servers = processes_in(folder);
    assert!(servers.len() > 2, "no servers found: {servers:?}");

    victim.signal(Signal::KILL);

    victim.exited().await;
    until("the servers are gone", || processes_in(folder).is_empty()).await;
    postgres(&scratch).await.stop().await.unwrap();
}

/// The processes whose working directory is in `folder`.
fn processes_in(folder: &Path) -> Vec<u32> {
    let pids = Path::new("/proc").read_dir().unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .collect()
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
