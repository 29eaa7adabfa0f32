//! What is outside and asked by steps and operators: the seat locks and the gateway that the configuration names.

use crate::config::{self, RedisKeys};
use anyhow::Context;
use secrecy::ExposeSecret;
use steps::{
    gateway::{Gateway, HttpConfig, Provider, standard::StandardGateway, stripe::Stripe},
    locks::{KeyTemplate, SeatLocks, SeatLocksConfig},
};

/// The seat locks that the configuration names.
///
/// # Errors
/// The URL can't be read.
pub fn locks(config: &config::Redis) -> anyhow::Result<SeatLocks> {
    SeatLocks::connect(SeatLocksConfig {
        keys: match config.keys {
            RedisKeys::Plain => KeyTemplate::plain(&config.prefix),
            RedisKeys::Clustered => KeyTemplate::clustered(&config.prefix),
        },
        ..SeatLocksConfig::new(config.url.expose_secret())
    })
    .context("reading `redis.url`")
}

/// The gateway that the configuration names.
pub fn gateway(config: &config::Gateway) -> anyhow::Result<Gateway> {
    let key = config.key.as_ref().context("`gateway.key` is not set; `USHER_GATEWAY_KEY` sets it")?;
    let http = HttpConfig {
        deadline: config.deadline,
        requests_per_s: config.requests_per_s,
        ..HttpConfig::new(&config.url, key.expose_secret())
    };
    Ok(match config.kind {
        Provider::Stripe => Gateway::new(Stripe::new(http).context("reading `gateway.url`")?),
        Provider::Standard => Gateway::new(StandardGateway::new(http).context("reading `gateway.url`")?),
    })
}
