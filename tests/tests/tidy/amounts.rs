//! Money: people read amounts by one formatter, so nobody else prints minor units or puts a currency beside a number.

use super::{
    printed::{Printed, printed},
    source::{File, files, places},
};
use steps::Currency;

/// The formatter itself.
const HOME: &str = "steps/src/money/";

/// Requests, versions of rows and data that is copied into a table: minor units as texts, and no person reads them.
const FOR_MACHINES: &[&str] =
    &["steps/src/gateway/stripe/form.rs", "steps/src/venue/load.rs", "api/src/http/routes/payments/read.rs"];

/// Why this print is not for people to read; `None` if it is.
fn wrong(printed: &Printed) -> Option<&'static str> {
    let prints =
        |end: &str| printed.names.iter().any(|name| name == end || name.ends_with(&format!("_{end}")));
    let says_units = printed.strings.contains("minor unit") && printed.strings.contains('{');
    match () {
        () if prints("minor") || says_units => Some("minor units are printed"),
        () if prints("currency") => Some("a currency is printed beside something"),
        () => None,
    }
}

fn is_of_the_service(file: &File) -> bool {
    let crates = [
        "api/src/",
        "dev/src/",
        "operator/src/",
        "orchestrator/src/",
        "service/src/",
        "steps/src/",
        "workflows/src/",
    ];
    let is_test = file.path.contains("/tests/") || file.path.ends_with("tests.rs");
    crates.iter().any(|part| file.path.starts_with(part))
        && !is_test
        && !file.path.starts_with(HOME)
        && !FOR_MACHINES.contains(&file.path.as_str())
}

/// All places of this text where an amount is printed without the formatter.
fn offences(text: &str) -> Vec<(usize, &'static str)> {
    printed(text).iter().filter_map(|printed| Some((printed.line, wrong(printed)?))).collect()
}

#[test]
fn people_read_amounts_by_one_formatter() {
    let mut found = Vec::new();
    for file in files(&["rs"]).iter().filter(|file| is_of_the_service(file)) {
        for (line, what) in offences(&file.text) {
            found.push(format!("{}:{line}: {what}: print `Money`, or `amount_in_words`", file.path));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_cell_and_no_page_shows_minor_units() {
    let found = places(&files(&["rs"]), |file, line| {
        let is_cell = ["minor.to_string()", ".amount.to_string()"].iter().any(|cell| line.contains(cell));
        let is_page =
            file.path.starts_with("api/src/console/") && splices(line).any(|name| name.ends_with("minor"));
        (is_of_the_service(file) && (is_cell || is_page))
            .then(|| "show `Money`, or `amount_in_words`".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// The paths that a line of markup shows: `(row.minor)`. Arguments of a call are none.
fn splices(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices('(').filter_map(|(at, _)| {
        let is_call = line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let path = line[at + 1..].split(')').next()?;
        let is_path = path.chars().all(|letter| letter.is_alphanumeric() || "_.&*".contains(letter));
        (!is_call && is_path).then_some(path)
    })
}

#[test]
fn invariants_leave_amounts_to_the_formatter() {
    let found = places(&files(&["sql"]), |file, line| {
        let joins = line.contains("_minor") && line.contains("||");
        (file.path.starts_with("service/src/verify/sql/") && joins)
            .then(|| "write `format('{%s %s}', amount_minor, currency)`".to_owned())
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn documents_write_amounts_as_their_currency_is_written() {
    let found = places(&files(&["md"]), |_, line| {
        let words: Vec<&str> = line.split([' ', '`', '|', '(', ')', ',', ';']).collect();
        words.windows(2).find_map(|pair| {
            let [number, code] = [pair[0], pair[1].trim_end_matches(['.', ':'])];
            let is_code = code.len() == 3 && code.chars().all(|letter| letter.is_ascii_uppercase());
            let is_number = number.starts_with(|letter: char| letter.is_ascii_digit())
                && number.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
            let places = number.split_once('.').map_or(0, |(_, part)| part.len());
            let currency: Currency = code.parse().ok().filter(|_| is_code && is_number)?;
            let known = ["EUR", "USD", "GBP", "CHF", "JPY", "KWD"].contains(&code);
            (known && places != currency.places())
                .then(|| format!("`{number} {code}` has {places} decimal places"))
        })
    });
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_print_without_the_formatter_is_seen() {
    let bad = [
        r#"format!("{minor} {}", theirs.currency)"#,
        r#"write!(f, "{} {}", self.amount, self.currency)"#,
        r#"format_args!("captured {captured} (minor units)")"#,
        r#"("ours", format!("{} {}", case.ours_minor, case.currency))"#,
        r#"println!("{:>8}", row.amount_minor.to_string())"#,
        r#"#[error("it costs {amount} {currency}")]"#,
        r#"tracing::warn!(amount = %row.amount_minor, "it is late")"#,
    ];
    for text in bad {
        assert_eq!(offences(text).len(), 1, "{text}");
    }
    let good = [
        r#"format!("captures {money} of {intent}")"#,
        r#"format!("{name} {}", sum(*minor))"#,
        r#"format!("refund of {}", Money::new(minor, theirs.currency))"#,
        r#"("must be a whole number of minor units above zero")"#,
        r#"format!("an event in {place}") // {minor} {currency}"#,
    ];
    for text in good {
        assert_eq!(offences(text), [], "{text}");
    }
}
