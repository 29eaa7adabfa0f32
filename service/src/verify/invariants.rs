//! The invariants, one SQL file each. A file begins with a comment that says what must not be, and its query returns a
//! `subject` and a `detail` for each violation.

/// One invariant.
pub struct Invariant {
    /// Its name, which is the file's.
    pub name: &'static str,
    /// The query that returns violations.
    pub sql: &'static str,
}

macro_rules! invariants {
    ($($name:literal),+ $(,)?) => {
        &[$(Invariant { name: $name, sql: include_str!(concat!("sql/", $name, ".sql")) }),+]
    };
}

/// All invariants, in the order in which they are printed: seats, money, sagas, the rest.
pub const INVARIANTS: &[Invariant] = invariants![
    "seat_booked_twice",
    "seat_owner",
    "reservation_seats",
    "reservation_overdue",
    "booking_links",
    "booking_money",
    "money_kept",
    "money_balance",
    "ledger_accounts",
    "ledger_captured_twice",
    "refunded_too_much",
    "refund_owed",
    "payment_orphan",
    "inbox_waiting",
    "inbox_twice",
    "outbox_undelivered",
    "outbox_order",
    "saga_forgotten",
    "saga_stuck_silently",
    "saga_lease_silent",
    "saga_passed_over",
    "journal_gap",
    "journal_epoch",
    "journal_end",
    "compensation_missing",
    "compensation_twice",
    "start_key_twice",
    "audit_anonymous",
    "told_confirmed",
    "bucket_strayed",
];

impl Invariant {
    /// What must not be: the file's first line.
    pub fn about(&self) -> &'static str {
        let sql: &'static str = self.sql;
        sql.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap_or(self.name)
    }
}
