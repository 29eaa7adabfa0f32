//! A workflow: a name, a version, the list of its steps, one async function.

use crate::{Bucket, error::Failure, saga::Saga};
use serde::{Serialize, de::DeserializeOwned};

/// The definition that sagas run. The function decides; steps act.
///
/// It must be a pure function of its input and of what the saga gives it: it reads no clock, does no I/O, draws no
/// randomness, and awaits nothing but the saga.
pub trait Workflow: Sized + 'static {
    /// Its name in the database, for ever.
    const NAME: &'static str;
    /// Raised when old journals could not be replayed by new code; versions run side by side.
    const VERSION: u32 = 1;
    /// A tuple of the steps it may take.
    type Steps;
    /// What it begins with, journaled.
    type Input: Serialize + DeserializeOwned + Send + 'static;
    /// What it ends with, journaled.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Which bucket its saga lives in.
    fn route(input: &Self::Input) -> Route {
        let _ = input;
        Route::anywhere()
    }

    /// The workflow itself.
    fn run(saga: Saga<Self>, input: Self::Input) -> impl Future<Output = Result<Self::Output, Failure>>;
}

/// Which bucket a saga lives in: that of the rows which its `Tx` steps touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(Option<Bucket>);

impl Route {
    /// With the rows of this bucket.
    pub fn of(bucket: Bucket) -> Self {
        Self(Some(bucket))
    }

    /// With whatever else this key names.
    pub fn of_key(key: &str) -> Self {
        Self(Some(Bucket::of_key(key)))
    }

    /// It touches no rows of its own, so any bucket will do.
    pub fn anywhere() -> Self {
        Self(None)
    }

    pub(crate) fn bucket(self) -> Option<Bucket> {
        self.0
    }
}

/// A typed message to a saga. Durable, buffered if early, deduplicated by its sender's id.
pub trait Signal: Serialize + DeserializeOwned + Send + 'static {
    /// Its name in mailboxes and journals, for ever.
    const NAME: &'static str;
}
