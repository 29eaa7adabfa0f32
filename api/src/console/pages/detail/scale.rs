//! Where moments are on a bar.
//!
//! A saga does things in milliseconds and waits for minutes: on an even scale nothing but the wait would be seen. So each
//! gap between two moments is as wide as its logarithm; which came first and which took long is seen, how much longer is
//! written beside it.

use chrono::{DateTime, Utc};

/// The units of a bar's width.
pub const WIDTH: f64 = 1_000.0;

/// Moments in order, each with its place on the bar.
pub struct Scale(Vec<(DateTime<Utc>, f64)>);

impl Scale {
    /// The scale of all moments that are shown.
    pub fn of(mut moments: Vec<DateTime<Utc>>) -> Self {
        moments.sort_unstable();
        moments.dedup();
        let mut at = 0.0;
        let mut places = Vec::with_capacity(moments.len());
        for (index, moment) in moments.iter().enumerate() {
            if index > 0 {
                let gap_ms =
                    (*moment - moments[index - 1]).num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0;
                at += (1.0 + gap_ms / 5.0).ln().max(0.15);
            }
            places.push((*moment, at));
        }
        let end = if at > 0.0 { at } else { 1.0 };
        for place in &mut places {
            place.1 = place.1 / end * WIDTH;
        }
        Self(places)
    }

    /// The place of a moment. A moment that is not shown gets the place where it would be inserted.
    pub fn place(&self, moment: DateTime<Utc>) -> f64 {
        match self.0.binary_search_by(|(known, _)| known.cmp(&moment)) {
            Ok(index) => self.0[index].1,
            Err(index) => self.0.get(index).map_or(WIDTH, |(_, at)| *at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn moments_keep_their_order_and_short_gaps_beside_long_ones_are_seen() {
        let start = Utc::now();
        let at = |ms| start + TimeDelta::milliseconds(ms);
        let scale = Scale::of(vec![at(600_000), at(0), at(20), at(20)]);
        assert_eq!(scale.place(at(0)), 0.0);
        assert_eq!(scale.place(at(600_000)), WIDTH);
        let short = scale.place(at(20));
        assert!(short > WIDTH / 20.0 && short < WIDTH / 2.0, "{short}");
        assert!(Scale::of(vec![at(0)]).place(at(0)) == 0.0);
    }
}
