//! Where this process counts, and what it has counted.

mod reading;
mod sampler;

pub use sampler::Sampler;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// The recorder of this process' metrics. The first call installs it.
///
/// # Errors
/// Another recorder was installed before.
pub fn recorder() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let install = || {
        let handle = PrometheusBuilder::new()
            .set_buckets(&BUCKETS_S)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_sagas".into()), &BUCKETS_SAGAS)
            })
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| error.to_string())?;
        Ok(handle)
    };
    HANDLE.get_or_init(install).clone().map_err(anyhow::Error::msg)
}

/// Bounds in seconds, from a cached read to the longest wait.
const BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0];
/// Bounds in sagas, from a single saga to the largest batch.
const BUCKETS_SAGAS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];
