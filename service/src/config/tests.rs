use super::*;
use std::collections::BTreeMap;

fn sources(variables: &[(&str, &str)]) -> Sources {
    let environment = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Sources { file: None, environment }
}

fn entry<'a>(loaded: &'a Loaded, key: &str) -> &'a ConfigEntry {
    loaded.entries.iter().find(|entry| entry.key == key).unwrap()
}

/// One refused variable and what the refusal must say.
fn refused(variable: &str, value: &str, says: &[&str]) {
    let error = load(&sources(&[(variable, value)])).unwrap_err().to_string();
    for words in says {
        assert!(error.contains(words), "`{error}` does not say `{words}`");
    }
}

#[test]
fn the_defaults_alone_are_a_configuration_and_fill_the_table() {
    let loaded = load(&Sources::default()).unwrap();
    assert_eq!(loaded.config.lanes.count, 2);
    assert_eq!(loaded.config.lanes.lease.as_secs(), 10);
    assert!(loaded.config.gateway.key.is_none());
    assert_eq!(loaded.entries.len(), KEYS.len());
    assert!(loaded.entries.iter().all(|entry| entry.source == "default"));
    let variables: BTreeMap<_, _> = KEYS.iter().map(|key| (key.variable(), key.parts())).collect();
    assert_eq!(variables.len(), KEYS.len(), "two keys share one variable");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let directory = std::env::temp_dir().join(format!("usher-config-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("usher.toml");
    std::fs::write(&file, "[lanes]\ncount = 3\nbatch_max = 64\n").unwrap();
    let mut sources = sources(&[("USHER_LANES_COUNT", "4")]);
    sources.file = Some(file.clone());
    let loaded = load(&sources).unwrap();
    std::fs::write(&file, "[lanes]\ncuont = 3\n").unwrap();
    let unknown = load(&sources).unwrap_err().to_string();
    std::fs::write(&file, "[lanes\n").unwrap();
    let broken = load(&sources).unwrap_err().to_string();
    std::fs::remove_dir_all(&directory).unwrap();

    assert_eq!((loaded.config.lanes.count, loaded.config.lanes.batch_max), (4, 64));
    assert_eq!(entry(&loaded, "lanes.count").source, "USHER_LANES_COUNT");
    assert!(entry(&loaded, "lanes.batch_max").source.ends_with("usher.toml"));
    assert_eq!(entry(&loaded, "lanes.poll_ms").source, "default");
    assert!(unknown.contains("`lanes.cuont`") && unknown.contains("usher.toml"), "{unknown}");
    assert!(unknown.contains("`batch_scope`"), "{unknown}");
    assert!(broken.contains("usher.toml"), "{broken}");
    assert!(matches!(load(&sources), Err(ConfigError::NoFile(_))));
}

#[test]
fn a_bad_value_is_refused_with_key_source_and_what_is_allowed() {
    refused("USHER_LANES_COUNT", "0", &["`lanes.count`", "is 0", "USHER_LANES_COUNT", "from 1 to 64"]);
    refused("USHER_LANES_LEASE_MS", "soon", &["`lanes.lease_ms`", "`soon`", "whole number from 100"]);
    refused("USHER_LANES_BATCH_SCOPE", "cluster", &["`cluster`", "`database` or `bucket`"]);
    refused("USHER_HTTP_LISTEN", "everywhere", &["`http.listen`", "127.0.0.1:8080"]);
    refused("USHER_DATABASE_URL", "postgres://localhost/usher", &["names the user"]);
    refused("USHER_DATABASE_URL", "mysql://a@b/c", &["`postgres://`"]);
    refused("USHER_GATEWAY_WEBHOOK_SECRETS", "whsec_a until tomorrow", &["webhook_secrets", "RFC 3339"]);
}

#[test]
fn secrets_are_masked_wherever_they_could_be_seen() {
    let loaded = load(&sources(&[
        ("USHER_DATABASE_URL", "postgres://usher:hun@ter2@db.example/usher"),
        ("USHER_GATEWAY_KEY", "424242"),
        ("USHER_GATEWAY_WEBHOOK_SECRETS", "whsec_hunter2, whsec_old_hunter2 until 2027-01-01T00:00:00Z"),
    ]))
    .unwrap();
    let all = format!("{loaded:?}");
    assert!(!all.contains("hunter2") && !all.contains("ter2") && !all.contains("424242"), "{all}");
    assert_eq!(entry(&loaded, "database.url").value, "`postgres://usher:********@db.example/usher`");
    assert_eq!(entry(&loaded, "gateway.key").value, "********");
    let secrets = &loaded.config.gateway.webhook_secrets;
    assert_eq!(secrets.len(), 2);
    assert!(secrets[0].until.is_none() && secrets[1].until.is_some());
}

#[test]
fn a_variable_that_names_no_key_is_reported() {
    let loaded = load(&sources(&[("USHER_LANES_CUONT", "3"), ("USHER_CONFIG", "x"), ("HOME", "/")])).unwrap();
    assert_eq!(loaded.ignored, ["USHER_LANES_CUONT"]);
}
