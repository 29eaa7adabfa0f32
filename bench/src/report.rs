//! The figures: medians over the rounds, as a table for people and as JSON for programs.

use crate::{
    Options,
    round::{Contender, Figures},
};
use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;
use std::{collections::HashMap, path::Path};

/// The results of all rounds.
#[derive(Default)]
pub(crate) struct Report {
    rounds: HashMap<Contender, Vec<Figures>>,
}

#[derive(Serialize)]
struct Json {
    sagas_per_s: f64,
    two_statement_floor_per_s: f64,
    batched_floor_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    commits_per_saga: f64,
    wal_bytes_per_saga: f64,
}

impl Report {
    pub fn add(&mut self, contender: Contender, figures: Figures) {
        self.rounds.entry(contender).or_default().push(figures);
    }

    /// The median over a contender's rounds; NaN without any.
    fn median(&self, contender: Contender, figure: impl Fn(&Figures) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.get(&contender).into_iter().flatten().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        match values.len() {
            0 => f64::NAN,
            len if len % 2 == 1 => values[len / 2],
            len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
        }
    }

    /// Prints the figures for people.
    pub fn table(&self, options: &Options) -> String {
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY);
        let contenders = options.contenders();
        let names = contenders.iter().map(|contender| match contender {
            Contender::Engine => contender.name().to_owned(),
            Contender::TwoStatements | Contender::Batched => format!("floor: {}", contender.name()),
        });
        table.set_header(std::iter::once(String::new()).chain(names));
        let mut row = |title: &str, cell: &dyn Fn(Contender) -> String| {
            table.add_row(
                std::iter::once(title.to_owned()).chain(contenders.iter().map(|contender| cell(*contender))),
            );
        };
        let speed = |contender| self.median(contender, |figures| figures.sagas_per_s);
        row("sagas/s", &|contender| thousands(speed(contender)));
        if options.only.is_none() {
            row("engine ÷ floor", &|contender| match contender {
                Contender::Engine => String::new(),
                floor => format!("{:.2}", speed(Contender::Engine) / speed(floor)),
            });
        }
        row("p50 start to confirmed, ms", &|it| format!("{:.2}", self.median(it, |figures| figures.p50_ms)));
        row("p99 start to confirmed, ms", &|it| format!("{:.2}", self.median(it, |figures| figures.p99_ms)));
        row("commits a saga", &|it| format!("{:.3}", self.median(it, |figures| figures.commits_per_saga)));
        row("WAL bytes a saga", &|it| thousands(self.median(it, |figures| figures.wal_bytes_per_saga)));
        for (title, part) in CPU_PARTS {
            row(title, &|it| match self.median(it, |figures| figures.cpu.map_or(f64::NAN, part)) {
                unknown if unknown.is_nan() => "unknown".to_owned(),
                micros => format!("{micros:.0}"),
            });
        }
        row("rounds, sagas/s", &|contender| self.each(contender));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let Options { seconds, rounds, in_flight, .. } = options;
        format!(
            "{table}\nMedians of {rounds} rounds of {seconds} s; the engine with {in_flight} sagas in flight. \
             Every round was checked: each saga has its one booking, paid once."
        )
    }

    fn each(&self, contender: Contender) -> String {
        let rounds = self.rounds.get(&contender).into_iter().flatten();
        rounds.map(|figures| thousands(figures.sagas_per_s)).collect::<Vec<_>>().join("\n")
    }

    /// The figures for programs.
    pub fn write_json(&self, file: &Path) -> anyhow::Result<()> {
        let engine = |figure: fn(&Figures) -> f64| self.median(Contender::Engine, figure);
        let json = Json {
            sagas_per_s: engine(|figures| figures.sagas_per_s),
            two_statement_floor_per_s: self.median(Contender::TwoStatements, |figures| figures.sagas_per_s),
            batched_floor_per_s: self.median(Contender::Batched, |figures| figures.sagas_per_s),
            p50_ms: engine(|figures| figures.p50_ms),
            p99_ms: engine(|figures| figures.p99_ms),
            commits_per_saga: engine(|figures| figures.commits_per_saga),
            wal_bytes_per_saga: engine(|figures| figures.wal_bytes_per_saga),
        };
        let text = serde_json::to_string_pretty(&json)? + "\n";
        std::fs::write(file, text).with_context(|| format!("writing the figures to `{}`", file.display()))
    }
}

type CpuPart = fn(crate::cpu::Cpu) -> f64;
const CPU_PARTS: [(&str, CpuPart); 3] = [
    ("CPU µs a saga: Postgres", |cpu| cpu.postgres_us),
    ("CPU µs a saga: Redis", |cpu| cpu.redis_us),
    ("CPU µs a saga: this process", |cpu| cpu.own_us),
];

/// Digits in groups of three.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!(
            ["7", "1,234", "123,456"],
            [7.0, 1_234.4, 123_456.0].map(thousands).each_ref().map(|s| s.as_str())
        );
    }
}
