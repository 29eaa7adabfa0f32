//! Named points at which tests make the engine fail. Compiled to nothing without the feature `failpoints`.

/// A point that can be held (`pause`), delayed (`sleep`) or be the place where the process dies (`return`): on every
/// node of this process under its plain name, on one of them as `name@node`.
#[inline]
pub fn point(name: &str, node: &str) {
    #[cfg(feature = "failpoints")]
    {
        fn die(_: Option<String>) {
            std::process::abort()
        }
        let _ = fail::eval(name, die);
        let _ = fail::eval(&format!("{name}@{node}"), die);
    }
    let _ = (name, node);
}
