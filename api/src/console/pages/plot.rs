//! Small plots, drawn by the server.

use maud::{Markup, html};
use std::fmt::Write;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 60.0;

/// One curve over time.
pub struct Plot<'a> {
    /// The plot's title.
    pub title: &'a str,
    /// The value now, in words.
    pub figure: String,
    /// Points, oldest first: the place in time from 0 to 1, and the value.
    pub points: Vec<(f64, f64)>,
    /// Writes a value in words.
    pub unit: fn(f64) -> String,
    /// The time at the left end, in words. The right end is now.
    pub since: &'a str,
}

impl Plot<'_> {
    /// Draws the plot with its words. People who can't see it are told the present and the largest value.
    pub fn draw(&self) -> Markup {
        let unit = self.unit;
        let most = self.points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
        let summary = format!(
            "{}: now {}, at most {}, from {} until now",
            self.title,
            self.figure,
            unit(most),
            self.since
        );
        html! {
            section.plot {
                h2 { (self.title) }
                div.figure { (self.figure) }
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(summary) {
                    line.floor x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                    @if self.points.len() > 1 && most > 0.0 {
                        path.area d=(self.area(most)) {}
                        path.curve d=(self.curve(most)) {}
                    }
                }
                div.scale {
                    span { (self.since) }
                    span { @if most > 0.0 { "most " (unit(most)) } @else { "nothing" } }
                    span { "now" }
                }
            }
        }
    }

    fn curve(&self, most: f64) -> String {
        let mut path = String::new();
        for (index, (at, value)) in self.points.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{step}{:.1} {:.1}", at * WIDTH, HEIGHT - value / most * (HEIGHT - 2.0));
        }
        path
    }

    fn area(&self, most: f64) -> String {
        let x = |point: Option<&(f64, f64)>| point.map_or(0.0, |(at, _)| at * WIDTH);
        let (first, last) = (x(self.points.first()), x(self.points.last()));
        format!("{}L{last:.1} {HEIGHT}L{first:.1} {HEIGHT}Z", self.curve(most))
    }
}
