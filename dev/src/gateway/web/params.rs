//! Stripe's form encoding: flat names with brackets (`metadata[payment_id]`, `created[gte]`, `expand[]`).

use super::super::error_reply::ErrorReply;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The most parameters of a request, and the most entries of `metadata` (Stripe's own bound).
const PARAMS_MAX: usize = 100;
const METADATA_MAX: usize = 50;

#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Only names in `known` (and `metadata[…]` if that is among them), each at most once unless it ends in `[]`.
    pub fn parse(form: &[u8], known: &[&str]) -> Result<Self, ErrorReply> {
        let mut params: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        if params.len() > PARAMS_MAX {
            return Err(ErrorReply::parameter("", "too_many_parameters", "At most 100 parameters."));
        }
        // Stable: the same request in another order is the same request, but lists keep their order.
        params.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (index, (name, _)) in params.iter().enumerate() {
            let plain = if name.starts_with("metadata[") { "metadata" } else { name };
            let doubled = index > 0 && params[index - 1].0 == *name && !name.ends_with("[]");
            if !known.contains(&plain) || doubled {
                let message = format!("Received unknown or repeated parameter: {name}");
                return Err(ErrorReply::parameter(name, "parameter_unknown", &message));
            }
        }
        Ok(Self(params))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn required(&self, name: &str) -> Result<&str, ErrorReply> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            ErrorReply::parameter(name, "parameter_missing", &format!("Missing required param: {name}."))
        })
    }

    /// `None` if it isn't there.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ErrorReply> {
        let invalid = || {
            let message = format!("Invalid integer: {name}");
            ErrorReply::parameter(name, "parameter_invalid_integer", &message)
        };
        self.get(name).map(|value| value.parse().map_err(|_| invalid())).transpose()
    }

    /// All values of a list, for example of `types[]`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn expands(&self, field: &str) -> bool {
        self.all("expand[]").any(|found| found == field)
    }

    pub fn metadata(&self) -> Result<BTreeMap<String, String>, ErrorReply> {
        let entries = self.0.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((name.to_owned(), value.clone()))
        });
        let metadata: BTreeMap<_, _> = entries.collect();
        if metadata.len() > METADATA_MAX {
            return Err(ErrorReply::parameter(
                "metadata",
                "parameter_invalid",
                "At most 50 keys of metadata.",
            ));
        }
        Ok(metadata)
    }

    /// The same for the same request to the same path.
    pub fn fingerprint(&self, path: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(path);
        for (name, value) in &self.0 {
            for part in [name, value] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["amount", "metadata", "expand[]"];

    #[test]
    fn names_with_brackets_are_read_and_unknown_ones_refused() {
        let params = Params::parse(b"metadata%5Ba%5D=1&amount=5&expand[]=x&expand[]=y", &KNOWN).unwrap();
        assert_eq!(params.integer("amount").unwrap(), Some(5));
        assert_eq!(params.metadata().unwrap(), BTreeMap::from([("a".to_owned(), "1".to_owned())]));
        assert!(params.expands("x") && params.expands("y") && !params.expands("z"));
        for bad in [&b"amonut=5"[..], b"amount=5&amount=6"] {
            assert!(Params::parse(bad, &KNOWN).is_err());
        }
        assert!(Params::parse(b"amount=five", &KNOWN).unwrap().integer("amount").is_err());
    }

    #[test]
    fn the_fingerprint_knows_the_request_whatever_its_order() {
        let of = |form: &[u8], path| Params::parse(form, &KNOWN).unwrap().fingerprint(path);
        assert_eq!(of(b"amount=5&metadata[a]=1", "/a"), of(b"metadata[a]=1&amount=5", "/a"));
        assert_ne!(of(b"amount=5", "/a"), of(b"amount=6", "/a"));
        assert_ne!(of(b"amount=5", "/a"), of(b"amount=5", "/b"));
    }
}
