//! Resolves names at the moment of connecting, and drops private addresses.
//!
//! It runs for each new connection. So a name that was public a second ago and leads to 127.0.0.1 now (DNS rebinding) can't
//! be reached. Proxies would resolve names elsewhere, so no proxy is used.

use super::address::{PrivateAddresses, is_public};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{error::Error, io, net::SocketAddr};

/// The name leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads to private addresses only; `outbox.private_addresses = \"allow\"` allows them")]
pub struct LeadsHome(String);

/// Resolves names as the system does, and drops addresses that are not public.
#[derive(Clone, Copy, Debug)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = lookup(name.as_str()).await?;
            Ok(public(name.as_str(), found)?)
        })
    }
}

/// The system's addresses of a name. The connector sets the port.
async fn lookup(name: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

fn public(name: &str, found: Vec<SocketAddr>) -> Result<Addrs, LeadsHome> {
    let public: Vec<SocketAddr> = found.into_iter().filter(|address| is_public(address.ip())).collect();
    if public.is_empty() { Err(LeadsHome(name.to_owned())) } else { Ok(Box::new(public.into_iter())) }
}

/// Checks where a name leads before anything is sent. A name that can't be resolved now passes: it may work later.
///
/// # Errors
/// [`LeadsHome`].
pub async fn check_name(url: &Url, private: PrivateAddresses) -> Result<(), LeadsHome> {
    match (private, url.domain()) {
        (PrivateAddresses::Refuse, Some(name)) => match lookup(name).await {
            Ok(found) => public(name, found).map(drop),
            Err(_) => Ok(()),
        },
        (PrivateAddresses::Refuse, None) | (PrivateAddresses::Allow, _) => Ok(()),
    }
}

/// Whether a request failed because its name leads into a private network.
pub fn leads_home<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a LeadsHome> {
    let mut error = Some(error);
    while let Some(inner) = error {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        error = inner.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_home_leads_nowhere() {
        assert!(PublicOnly.resolve("localhost".parse().unwrap()).await.is_err());
    }

    #[test]
    fn of_mixed_addresses_the_public_ones_are_taken() {
        let mixed = ["10.0.0.1:0", "1.1.1.1:0", "[::1]:0"].map(|address| address.parse().unwrap());
        let taken: Vec<SocketAddr> = public("example.org", mixed.to_vec()).unwrap().collect();
        assert_eq!(taken, ["1.1.1.1:0".parse().unwrap()]);
    }
}
