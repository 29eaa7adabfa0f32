//! Houses to sell seats in: made from a kind and a seed, loaded with `copy`.
//!
//! The picture: a venue is a list of sections, a section a list of rows, a row a list of places. Where each
//! place is on the map is computed here and stored with the seat, so that a map can be drawn from the seats
//! alone. The same kind and seed give the same house for ever; ids are given when it is loaded.

mod layout;
mod load;
mod random;

pub use load::{LoadError, Loaded, Opening, load};

use crate::status::status;
use random::Random;

status! {
    /// The kinds of houses.
    Kind {
        /// 500 seats: stalls, circle, balcony and boxes before a stage.
        Theatre = "theatre",
        /// 20,000 seats: a floor and two rings around it.
        Arena = "arena",
        /// 80,000 seats: three rings around a field.
        Stadium = "stadium",
    }
}

/// A house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// What it is.
    pub kind: Kind,
    /// What it was made from.
    pub seed: i64,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part of a house, as it is printed on tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Unlike any other in the house.
    pub name: String,
    /// From the front to the back.
    pub rows: Vec<Row>,
}

/// A row of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// A, B, … Z, AA, AB, …
    pub name: String,
    /// The price class.
    pub tier: &'static str,
    /// What each place in it costs, in minor units.
    pub price_minor: i64,
    /// From left to right, seen from the stage.
    pub places: Vec<Place>,
}

/// A place in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub number: i16,
    /// Whether a wheelchair gets there.
    pub accessible: bool,
    /// On the map in decimetres, to the right.
    pub x_dm: i16,
    /// On the map in decimetres, away from the stage or, around a field, from its centre upwards.
    pub y_dm: i16,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Theatre, Self::Arena, Self::Stadium];

    /// How many seats such a house has, whatever the seed.
    pub fn seats(self) -> usize {
        match self {
            Self::Theatre => 500,
            Self::Arena => 20_000,
            Self::Stadium => 80_000,
        }
    }
}

/// No kind of house has this name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a kind of venue: choose theatre, arena or stadium")]
pub struct NotAKind(String);

impl std::str::FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| NotAKind(text.to_owned()))
    }
}

impl Venue {
    /// Makes the house of this kind and seed. The seed moves the prices and says where wheelchairs get to.
    pub fn generate(kind: Kind, seed: i64) -> Self {
        let mut random = Random::new(kind, seed);
        let prices = layout::prices(kind, &mut random);
        let sections =
            layout::plans(kind).iter().map(|plan| layout::build(plan, prices, &mut random)).collect();
        Self { kind, seed, sections }
    }

    /// Every place, with its section and row.
    pub fn places(&self) -> impl Iterator<Item = (&Section, &Row, &Place)> {
        self.sections.iter().flat_map(|section| {
            section.rows.iter().flat_map(move |row| row.places.iter().map(move |place| (section, row, place)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_house_has_its_number_of_seats_each_with_a_label_and_a_spot_of_its_own() {
        for kind in Kind::ALL {
            let venue = Venue::generate(kind, 7);
            let labels: HashSet<_> = venue
                .places()
                .map(|(section, row, place)| (&section.name, &row.name, place.number))
                .collect();
            let spots: HashSet<_> = venue.places().map(|(_, _, place)| (place.x_dm, place.y_dm)).collect();
            assert_eq!((labels.len(), spots.len()), (kind.seats(), kind.seats()), "{kind}");
        }
    }

    #[test]
    fn one_seed_is_one_house_and_another_seed_another() {
        for kind in Kind::ALL {
            assert_eq!(Venue::generate(kind, 7), Venue::generate(kind, 7));
            assert_ne!(Venue::generate(kind, 7).sections, Venue::generate(kind, 8).sections);
        }
    }

    /// What a seed makes is in people's databases: the first seats of seed 1 must never change.
    #[test]
    fn a_house_never_changes() {
        let venue = Venue::generate(Kind::Theatre, 1);
        let (section, row, place) = venue.places().next().unwrap();
        let first = format!("{} {} {} {} {place:?}", section.name, row.name, row.tier, row.price_minor);
        assert_eq!(
            first,
            "Stalls A premium 10700 Place { number: 1, accessible: false, x_dm: -58, y_dm: 105 }"
        );
    }

    #[test]
    fn wheelchairs_get_somewhere_and_prices_fall_from_tier_to_tier() {
        for kind in Kind::ALL {
            let venue = Venue::generate(kind, 3);
            let accessible = venue.places().filter(|(_, _, place)| place.accessible).count();
            assert!(
                accessible * 200 >= kind.seats(),
                "{kind}: {accessible} accessible seats are under half a percent"
            );
            let price = |tier| {
                let of_tier =
                    venue.places().filter(|(_, row, _)| row.tier == tier).map(|(_, row, _)| row.price_minor);
                of_tier.max().unwrap()
            };
            assert!(price("premium") > price("standard") && price("standard") > price("economy"), "{kind}");
        }
    }
}
