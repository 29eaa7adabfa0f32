//! A workflow: a name, a version, the list of its steps, and one async function.

use crate::{error::Failure, id::Bucket, saga::Saga};
use serde::{Serialize, de::DeserializeOwned};

/// The definition that sagas run. The function decides; steps act.
///
/// The function must depend on nothing but its input and what the saga gives it. It reads no clock, does no I/O, draws
/// no random numbers and awaits nothing but the saga, because it runs again from its start in every attempt.
pub trait Workflow: Sized + 'static {
    /// The workflow's name in the database, for ever.
    const NAME: &'static str;
    /// Raise it when new code can't replay old journals. Versions run side by side.
    const VERSION: u32 = 1;
    /// The steps that it may take, as a tuple. The compiler refuses any other step.
    type Steps;
    /// What a saga begins with. It is journaled.
    type Input: Serialize + DeserializeOwned + Send + 'static;
    /// What a saga ends with. It is journaled.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The bucket that the saga lives in: that of the rows which its `Tx` steps touch. The default is any bucket.
    fn route(input: &Self::Input) -> Route {
        let _ = input;
        Route::anywhere()
    }

    /// Decides which steps are taken, in which order.
    ///
    /// # Errors
    /// Any error makes the saga unwind: every step that was begun is undone, the latest first.
    fn run(saga: Saga<Self>, input: Self::Input) -> impl Future<Output = Result<Self::Output, Failure>>;
}

/// The bucket that a saga is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(Option<Bucket>);

impl Route {
    /// This bucket.
    pub fn of(bucket: Bucket) -> Self {
        Self(Some(bucket))
    }

    /// The bucket that this key is hashed to, with everything else of that key.
    pub fn of_key(key: &str) -> Self {
        Self(Some(Bucket::of_key(key)))
    }

    /// Any bucket, because the workflow touches no rows of its own.
    pub fn anywhere() -> Self {
        Self(None)
    }

    pub(crate) fn bucket(self) -> Option<Bucket> {
        self.0
    }
}
