//! Where messages may be sent: not into our own network.
//!
//! Somebody else chooses the URL. Without a check it could make this service send requests to servers that only it can
//! reach: its database, its neighbours, the cloud's metadata service. So addresses are checked when a subscription is added,
//! and again by the [resolver](super::resolver) for each connection, because a name may lead elsewhere later.

use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether private addresses and plain http are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// Only https to public addresses is allowed.
    Refuse,
    /// Everything is allowed: for development, and for receivers in one's own network.
    Allow,
}

/// Why nothing is sent to a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The URL can't be read.
    #[error("`{0}` is not a URL such as `https://example.org/hooks`")]
    Unreadable(String),
    /// The scheme is neither https, nor http where that is allowed.
    #[error("only https is allowed; `outbox.private_addresses = \"allow\"` allows http too")]
    Scheme,
    /// It holds a user name or a password, which would end up in lists and logs.
    #[error("the URL must not hold a user name or a password; requests are signed instead")]
    Credentials,
    /// It is longer than [`URL_BYTES_MAX`].
    #[error("the URL is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// It leads into a private network.
    #[error("`{0}` is a private address; `outbox.private_addresses = \"allow\"` allows them")]
    Private(String),
}

/// The longest URL that is accepted, in bytes.
pub const URL_BYTES_MAX: usize = 2_000;

/// Reads the URL of a subscription.
///
/// # Errors
/// [`Forbidden`]. Where a name leads, only the resolver can tell.
pub fn check_url(text: &str, private: PrivateAddresses) -> Result<Url, Forbidden> {
    if text.len() > URL_BYTES_MAX {
        return Err(Forbidden::TooLong);
    }
    let url = Url::parse(text).map_err(|_| Forbidden::Unreadable(text.to_owned()))?;
    match (url.scheme(), private) {
        ("https", _) | ("http", PrivateAddresses::Allow) => {}
        ("http", PrivateAddresses::Refuse) => return Err(Forbidden::Scheme),
        _ => return Err(Forbidden::Unreadable(text.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden::Credentials);
    }
    let host = url.host_str().unwrap_or_default();
    // The parser has turned every spelling of an address (octal, one number, …) into the usual one.
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
        && private == PrivateAddresses::Refuse
        && !is_public(address)
    {
        return Err(Forbidden::Private(address.to_string()));
    }
    Ok(url)
}

/// Whether an address is public: in none of the special blocks of the IANA registries (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0                                // this network
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a >= 240                                     // reserved, broadcast
        || (a == 100 && (64..128).contains(&b))         // shared by a provider's customers
        || (a == 192 && b == 0 && c == 0)               // protocol assignments
        || (a == 192 && b == 88 && c == 99)             // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)); // benchmarks
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // An IPv4 address behind a prefix: mapped, translated (NAT64), 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, benchmarks, ORCHID; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        // Global unicast is 2000::/3. Everything else is loopback, local to a link or a site, multicast, or unassigned.
        [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_dress() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn urls_that_lead_home_are_refused() {
        use PrivateAddresses::{Allow, Refuse};
        for (url, private, allowed) in [
            ("https://example.org/hooks?a=b", Refuse, true),
            ("http://example.org/hooks", Refuse, false),
            ("http://127.0.0.1:8080/hooks", Allow, true),
            ("https://127.0.0.1/", Refuse, false),
            ("https://2130706433/", Refuse, false),
            ("https://0x7f.1/", Refuse, false),
            ("https://0177.0.0.1/", Refuse, false),
            ("https://[::1]/", Refuse, false),
            ("https://[::ffff:a00:1]/", Refuse, false),
            ("https://[2606:4700::1111]/", Refuse, true),
            ("https://user:secret@example.org/", Refuse, false),
            ("ftp://example.org/", Allow, false),
            ("file:///etc/passwd", Allow, false),
            ("example.org", Allow, false),
            ("https://", Allow, false),
        ] {
            assert_eq!(check_url(url, private).is_ok(), allowed, "{url}");
        }
        assert_eq!(
            check_url(&format!("https://e.org/{}", "x".repeat(URL_BYTES_MAX)), Allow),
            Err(Forbidden::TooLong)
        );
    }
}
