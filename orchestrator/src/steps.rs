//! The list of a workflow's steps. The compiler checks membership, and steps are registered at start-up.

use crate::{medium::Provide, registry::StepTable, step::Step};

/// The tuple has the step `S`. `At` is its place there, which the compiler infers.
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a step of this workflow",
    label = "not in the list of steps",
    note = "add `{S}` to the workflow's `type Steps = (…)`"
)]
pub trait Contains<S, At> {}

/// The place of a step in its workflow's tuple.
#[doc(hidden)]
pub struct At<const PLACE: usize>;

/// A tuple of steps that services of type `S` can run.
pub trait StepList<S> {
    #[doc(hidden)]
    fn register(services: &S, table: &mut StepTable);
}

macro_rules! contains {
    ([$($all:ident)*] $one:ident $place:literal) => {
        impl<$($all),*> Contains<$one, At<$place>> for ($($all,)*) {}
    };
}

macro_rules! list {
    ($($one:ident $place:literal)*) => { list!([$($one)*] $($one $place)*); };
    ($all:tt $($one:ident $place:literal)*) => {
        $(contains!($all $one $place);)*

        impl<S, $($one),*> StepList<S> for ($($one,)*)
        where
            S: Clone + Send + Sync + 'static,
            $($one: Step, $one::Medium: Provide<S>,)*
        {
            fn register(services: &S, table: &mut StepTable) {
                $(table.add::<$one, S>(services);)*
            }
        }
    };
}

list!(A 0);
list!(A 0 B 1);
list!(A 0 B 1 C 2);
list!(A 0 B 1 C 2 D 3);
list!(A 0 B 1 C 2 D 3 E 4);
list!(A 0 B 1 C 2 D 3 E 4 F 5);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
list!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
