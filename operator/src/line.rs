//! A [`Why`] in words: with absolute times for logs, and with times relative to now for people.

use crate::why::Why;
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::StuckCause;
use std::fmt;

/// The most characters of an error that a line shows. The attempts have all of it.
const ERROR_CHARS_MAX: usize = 120;

impl Why {
    /// One line for people, with times relative to `now`.
    pub fn line(&self, now: DateTime<Utc>) -> String {
        let (since, until) =
            (|moment: &DateTime<Utc>| span(now - *moment), |moment: &DateTime<Utc>| span(*moment - now));
        match self {
            Self::AtRest { .. } | Self::Paused { .. } => self.to_string(),
            Self::Unreadable { error } => error.clone(),
            Self::CallOut { step, node, until: end } => {
                format!("call {step} is out on {node}, lease ends in {}", until(end))
            }
            Self::Silent { step, node, since: written } => {
                format!("call {step} is out on {node} for {}, longer than any call may be", since(written))
            }
            Self::WaitingForSignal { signal, since: began, deadline } => {
                format!("waiting for {}, {}, deadline in {}", words(signal), since(began), until(deadline))
            }
            Self::Sleeping { until: end } => format!("sleeping for another {}", until(end)),
            Self::Retrying { step, undo, attempt, next, error, code } => {
                let what = if *undo { "compensation " } else { "" };
                let said = code.clone().unwrap_or_else(|| short(error));
                format!("retrying {what}{step} #{attempt}, next {}, {said}", clock(*next - now))
            }
            Self::Due { since: due } if super::why::overdue(*due, now) => {
                format!("due for {}, and no node takes it", since(due))
            }
            Self::Due { .. } => "due now".into(),
            Self::UnknownVersion { version, .. } => format!("no node knows version {version}"),
            Self::OutcomeUnknown { step, .. } => {
                format!("outcome of {step} is unknown, and its key has expired")
            }
            Self::Stuck { cause, times, again, code } => {
                let mut line = stuck_line(cause, *times, code.as_deref());
                match again {
                    Some(again) if *again > now => line.push_str(&format!(", again in {}", until(again))),
                    Some(_) => line.push_str(", again now"),
                    None => {}
                }
                line
            }
        }
    }
}

fn stuck_line(cause: &StuckCause, times: i32, code: Option<&str>) -> String {
    let said = |error: &str| code.map_or_else(|| short(error), str::to_owned);
    match cause {
        StuckCause::Diverged { ask, journal, code, difference } => {
            let (journal, code) = (plain(journal), plain(code));
            let code = code.strip_prefix("step ").unwrap_or(&code);
            let which = difference.as_ref().map(|difference| format!(": {}", short(difference)));
            let which = which.unwrap_or_default();
            format!("journal does not match: expected {journal} at {ask}, workflow asks {code}{which}")
        }
        StuckCause::Panicked { at, message } => format!("{} panicked: {}", plain(at), short(message)),
        StuckCause::Debt { step, error, .. } => {
            format!("compensation {step} failed {times}×, {}", said(error))
        }
        StuckCause::FailedAfterPivot { at, error } => {
            format!("{at} failed {times}× after the pivot, {}", said(error))
        }
        StuckCause::RefusedAfterPivot { at, error } => {
            format!("{at} refused after the pivot: {}", short(error))
        }
        StuckCause::Contradicted { step, detail } => format!("{step} contradicted: {}", short(detail)),
        StuckCause::Unwritable { what, error } => {
            format!("{} can't be written: {}", plain(what), short(error))
        }
        StuckCause::Undecodable { what, error } => format!("{} can't be read: {}", plain(what), short(error)),
        StuckCause::Oversize { .. }
        | StuckCause::ForeignWait
        | StuckCause::Abandoned { .. }
        | StuckCause::PollTooLong { .. }
        | StuckCause::Hung { .. }
        | StuckCause::Quarantined { .. } => {
            let whole = Why::Stuck { cause: cause.clone(), times, again: None, code: None };
            plain(&whole.to_string())
        }
    }
}

/// A span with its largest unit: `46 s`, `14 min`, `3 h 20 min`, `2 d 4 h`.
fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < 60 => format!("{seconds} s"),
        () if minutes < 60 => format!("{minutes} min"),
        () if hours < 24 && minutes % 60 == 0 => format!("{hours} h"),
        () if hours < 24 => format!("{hours} h {} min", minutes % 60),
        () if hours % 24 == 0 => format!("{days} d"),
        () => format!("{days} d {} h", hours % 24),
    }
}

/// A span as a clock shows it: `00:41`, `1:02:03`.
fn clock(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// A signal's name as words.
fn words(signal: &str) -> String {
    signal.replace(['-', '_'], " ")
}

fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The beginning of an error, on one line.
fn short(error: &str) -> String {
    let line = error.replace(['\n', '\r'], " ");
    match line.char_indices().nth(ERROR_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtRest { state } => write!(f, "at rest: {state}"),
            Self::Paused { by, reason } => write!(f, "paused by {by}: {reason}"),
            Self::CallOut { step, node, until } => {
                write!(f, "call `{step}` is out on {node} until {}", time(until))
            }
            Self::Silent { step, node, since } => {
                write!(f, "call `{step}` is out on {node} since {}, longer than any call may be", time(since))
            }
            Self::WaitingForSignal { signal, since, deadline } => {
                write!(f, "waiting for {signal} since {}, deadline {}", time(since), time(deadline))
            }
            Self::Sleeping { until } => write!(f, "sleeping until {}", time(until)),
            Self::Retrying { step, undo, attempt, next, error, .. } => {
                let what = if *undo { "compensation of " } else { "" };
                write!(f, "retrying {what}{step} #{attempt}, next {}, {error}", time(next))
            }
            Self::Due { since } => write!(f, "due since {}", time(since)),
            Self::UnknownVersion { workflow, version } => {
                write!(f, "no node knows version {version} of workflow `{workflow}`")
            }
            Self::OutcomeUnknown { step, key_expired_at } => {
                write!(f, "outcome of {step} is unknown, and its key has expired {}", time(key_expired_at))
            }
            Self::Unreadable { error } => f.write_str(error),
            Self::Stuck { cause, times, again, .. } => {
                stuck(f, cause, *times)?;
                again.as_ref().map_or(Ok(()), |again| write!(f, ", again {}", time(again)))
            }
        }
    }
}

fn stuck(f: &mut fmt::Formatter<'_>, cause: &StuckCause, times: i32) -> fmt::Result {
    match cause {
        StuckCause::Diverged { ask, journal, code, difference } => {
            write!(f, "journal does not match: expected {journal} at {ask}, workflow asks {code}")?;
            difference.as_ref().map_or(Ok(()), |difference| write!(f, ": {difference}"))
        }
        StuckCause::Panicked { at, message } => write!(f, "{at} panicked: {message}"),
        StuckCause::Oversize { what, size, bound } => {
            write!(f, "{what} is too large: {size}, and the bound is {bound}")
        }
        StuckCause::ForeignWait => write!(f, "workflow waits for something that will never wake it"),
        StuckCause::Abandoned { ask, next } => {
            write!(f, "workflow went on to {next} without the answer to its request {ask}")
        }
        StuckCause::Debt { step, position, error } => {
            write!(f, "compensation {step} of {position} failed {times}×: {error}")
        }
        StuckCause::FailedAfterPivot { at, error } => {
            write!(f, "{at} failed {times}× after the pivot: {error}")
        }
        StuckCause::RefusedAfterPivot { at, error } => write!(f, "{at} refused after the pivot: {error}"),
        StuckCause::Contradicted { step, detail } => write!(f, "{step} contradicted: {detail}"),
        StuckCause::PollTooLong { bound_ms } => {
            write!(f, "a poll of the workflow took longer than {bound_ms} ms")
        }
        StuckCause::Quarantined { claims } => {
            write!(f, "quarantined: {claims} nodes in a row stopped while they had it")
        }
        StuckCause::Hung { at, bound_ms } => write!(f, "{at} did not return within {bound_ms} ms"),
        StuckCause::Unwritable { what, error } => write!(f, "{what} can't be written: {error}"),
        StuckCause::Undecodable { what, error } => write!(f, "{what} can't be read: {error}"),
    }
}

fn time(moment: &DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000 + seconds, 0).expect("a moment of 2030")
    }

    #[track_caller]
    fn check(why: Why, line: &str) {
        assert_eq!(why.line(later(0)), line);
    }

    #[test]
    fn each_line_says_what_is_waited_for_how_long_and_what_was_said() {
        let signal = "payment-news".to_owned();
        check(
            Why::WaitingForSignal { signal, since: later(-14 * 60), deadline: later(46) },
            "waiting for payment news, 14 min, deadline in 46 s",
        );
        let retrying = |undo, code: Option<&str>| Why::Retrying {
            step: "pay".into(),
            undo,
            attempt: 7,
            next: later(41),
            error: "outcome unknown: no answer".into(),
            code: code.map(str::to_owned),
        };
        check(retrying(false, Some("gateway 402")), "retrying pay #7, next 00:41, gateway 402");
        check(retrying(true, None), "retrying compensation pay #7, next 00:41, outcome unknown: no answer");
        check(Why::UnknownVersion { workflow: "booking".into(), version: 3 }, "no node knows version 3");
        check(
            Why::OutcomeUnknown { step: "pay".into(), key_expired_at: later(-9) },
            "outcome of pay is unknown, and its key has expired",
        );
        check(
            Why::Silent { step: "pay".into(), node: "node-1".into(), since: later(-200) },
            "call pay is out on node-1 for 3 min, longer than any call may be",
        );
        check(Why::Due { since: later(-200) }, "due for 3 min, and no node takes it");
        check(Why::Due { since: later(-2) }, "due now");
    }

    #[test]
    fn each_line_of_a_stuck_saga_says_why_and_when_it_is_tried_again() {
        let stuck = |cause, again, code: Option<&str>| Why::Stuck {
            cause,
            times: 5,
            again,
            code: code.map(str::to_owned),
        };
        let diverged = |code: &str, difference: Option<&str>| StuckCause::Diverged {
            ask: 2,
            journal: "step `lock`".into(),
            code: code.into(),
            difference: difference.map(str::to_owned),
        };
        check(
            stuck(diverged("step `pay`", None), None, None),
            "journal does not match: expected step lock at 2, workflow asks pay",
        );
        check(
            stuck(diverged("step `lock` with another input", Some("`a`: 1 in …")), None, None),
            "journal does not match: expected step lock at 2, workflow asks lock with another input: `a`: 1 in …",
        );
        let debt = StuckCause::Debt { step: "refund".into(), position: 4.into(), error: "no answer".into() };
        check(
            stuck(debt, Some(later(14 * 60)), Some("gateway 500")),
            "compensation refund failed 5×, gateway 500, again in 14 min",
        );
        check(
            stuck(StuckCause::Quarantined { claims: 3 }, None, None),
            "quarantined: 3 nodes in a row stopped while they had it",
        );
    }
}
