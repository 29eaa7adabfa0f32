//! A port of our own on loopback.
//!
//! It is taken from below the range that the system gives to outgoing connections (32768 and up on Linux). There a
//! client that keeps trying a stopped server can be given the very port as its own end. Then it connects to itself,
//! and the server never gets its port back.

use super::error::{DevError, Doing};
use rand::Rng;
use std::net::{Ipv4Addr, TcpListener};

/// A port on 127.0.0.1 that nobody listens on now. Somebody may be quicker, so whoever uses it tries again.
///
/// # Errors
/// [`DevError::Io`] if none of many can be listened on.
pub fn free() -> Result<u16, DevError> {
    const TRIES: usize = 100;
    let mut last = Ok(0);
    for _ in 0..TRIES {
        let port = rand::rng().random_range(15_000..32_000);
        last = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|_| port);
        if last.is_ok() {
            break;
        }
    }
    last.doing(|| "looking for a free port on 127.0.0.1".to_owned())
}

/// `wanted` on 127.0.0.1, or the next one that is free.
#[cfg(feature = "stack")]
pub(crate) fn from(wanted: u16) -> Result<u16, DevError> {
    const TRIES: u16 = 100;
    let ports = wanted..=wanted.saturating_add(TRIES);
    let free = ports.into_iter().find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    let none = || std::io::Error::from(std::io::ErrorKind::AddrInUse);
    free.ok_or_else(none).doing(|| format!("looking for a free port on 127.0.0.1 from {wanted} on"))
}
