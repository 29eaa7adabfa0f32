//! Named points at which tests make the engine fail. Compiled to nothing without the feature `failpoints`.

/// A point that can be held (`pause`), delayed (`sleep`) or be the place where the process dies (`return`).
#[inline]
pub(crate) fn point(name: &str) {
    #[cfg(feature = "failpoints")]
    {
        let die = |_: Option<String>| -> () { std::process::abort() };
        let _ = fail::eval(name, die);
    }
    let _ = name;
}
