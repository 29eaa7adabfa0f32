//! W3C trace context: the trace that a request belongs to.

use rand::random;
use std::fmt;

/// One span of a trace, as `traceparent` carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl TraceParent {
    /// Our span for a request: in the caller's trace if its header is valid, otherwise in a new one.
    pub fn continue_from(header: Option<&str>) -> Self {
        let span = nonzero(random::<u64>);
        match header.and_then(parse) {
            Some(parent) => Self { span, ..parent },
            None => Self { trace: nonzero(random::<u128>), span, sampled: true },
        }
    }

    /// The trace's id, 32 hex digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

/// Reads version 00 exactly. Later versions may append fields; of these it reads the part that we know.
fn parse(header: &str) -> Option<TraceParent> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lower_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let shaped = lower_hex(version, 2) && lower_hex(trace, 32) && lower_hex(span, 16) && lower_hex(flags, 2);
    if !shaped || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace != 0)?;
    let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(TraceParent { trace, span, sampled: flags & 1 == 1 })
}

/// A drawn value that is not zero: zero means "invalid" in both ids.
fn nonzero<T: Default + PartialEq>(draw: fn() -> T) -> T {
    std::iter::repeat_with(draw).find(|drawn| *drawn != T::default()).expect("the iterator never ends")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_valid_parent_is_continued_under_a_span_of_our_own() {
        let ours = TraceParent::continue_from(Some(GIVEN));
        assert_eq!(ours.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert!(ours.to_string().ends_with("-01") && ours.to_string() != GIVEN);
        assert_eq!(parse(&ours.to_string()), Some(ours));
    }

    #[test]
    fn an_invalid_parent_starts_a_new_trace() {
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
