//! Ids that name the bucket of their rows.
//!
//! Every row is in one of 1,024 buckets. A bucketed id is a UUIDv7 whose last ten bits are the bucket, so the id
//! alone tells the bucket. [`Bucket::of_id`] and [`Bucket::new_id`] are the only two places that know where the bits are.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// One of the 1,024 parts of the data. A saga commits in one bucket only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(i16);

impl Bucket {
    /// The number of buckets. It is fixed for the life of a database, because ids contain buckets.
    pub const COUNT: u16 = 1024;

    /// The bucket that an id carries in its last ten bits.
    pub fn of_id(id: Uuid) -> Self {
        Self((id.as_u128() & u128::from(Self::COUNT - 1)) as i16)
    }

    /// The bucket of a key that belongs together (a name, an address). FNV-1a, folded; stable for ever.
    pub fn of_key(key: &str) -> Self {
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(((hash ^ (hash >> 32)) & u64::from(Self::COUNT - 1)) as i16)
    }

    /// A random bucket.
    pub fn random() -> Self {
        Self((Uuid::now_v7().as_u128() & u128::from(Self::COUNT - 1)) as i16)
    }

    /// The bucket with this number, if there is one.
    pub fn from_number(number: i16) -> Option<Self> {
        (0..Self::COUNT as i16).contains(&number).then_some(Self(number))
    }

    /// The number, as the `bucket` columns hold it.
    pub fn number(self) -> i16 {
        self.0
    }

    /// A new UUIDv7 in this bucket.
    pub fn new_id(self) -> Uuid {
        self.mark(Uuid::now_v7())
    }

    fn mark(self, id: Uuid) -> Uuid {
        let mask = u128::from(Self::COUNT - 1);
        Uuid::from_u128((id.as_u128() & !mask) | self.0 as u128)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The smallest UUID whose UUIDv7 time is this moment.
pub fn first_id_of(moment: DateTime<Utc>) -> Uuid {
    Uuid::from_u128((moment.timestamp_millis().unsigned_abs() as u128) << 80)
}

/// Defines a type for one kind of bucketed id: UUIDv7 with serde, `Display`, `FromStr` and sqlx's traits.
///
/// ```
/// orchestrator::bucketed_id! {
///     /// A parcel.
///     ParcelId
/// }
/// let bucket = orchestrator::Bucket::of_key("warehouse 7");
/// assert_eq!(ParcelId::new_in(bucket).bucket(), bucket);
/// ```
#[macro_export]
macro_rules! bucketed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            $crate::reexport::serde::Serialize, $crate::reexport::serde::Deserialize, $crate::reexport::sqlx::Type,
        )]
        #[serde(transparent, crate = "orchestrator::reexport::serde")]
        #[sqlx(transparent)]
        pub struct $name($crate::reexport::uuid::Uuid);

        impl $name {
            /// A new id in `bucket`.
            pub fn new_in(bucket: $crate::Bucket) -> Self {
                Self(bucket.new_id())
            }

            /// The id with this value.
            pub fn from_uuid(id: $crate::reexport::uuid::Uuid) -> Self {
                Self(id)
            }

            /// The plain value.
            pub fn uuid(self) -> $crate::reexport::uuid::Uuid {
                self.0
            }

            /// The bucket of its rows.
            pub fn bucket(self) -> $crate::Bucket {
                $crate::Bucket::of_id(self.0)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::reexport::uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

bucketed_id! {
    /// One run of a workflow.
    SagaId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_bucket_and_stays_a_uuid_v7() {
        for number in 0..Bucket::COUNT as i16 {
            let bucket = Bucket::from_number(number).unwrap();
            let id = bucket.new_id();
            assert_eq!(Bucket::of_id(id), bucket);
            assert_eq!(id.get_version_num(), 7);
        }
    }

    #[test]
    fn keys_spread_over_all_buckets() {
        let seen: std::collections::HashSet<_> =
            (0..20_000).map(|n| Bucket::of_key(&format!("key {n}"))).collect();
        assert!(seen.len() > 1000, "only {} buckets used", seen.len());
        assert_eq!(
            Bucket::of_key("usher").number(),
            145,
            "the hash is part of the data and must never change"
        );
    }
}
