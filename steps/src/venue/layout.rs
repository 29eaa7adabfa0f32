//! The plans of the houses, and the geometry that turns a plan into places.

use super::random::Random;
use super::{Kind, Place, Row, Section};

/// From one row to the next, in decimetres.
const ROW_PITCH_DM: f64 = 9.0;
/// From one seat to the next in a straight row, in decimetres.
const SEAT_PITCH_DM: f64 = 5.5;
/// How much of a ring's section is seats; the rest is the aisle.
const SEATED: f64 = 0.92;
/// Places for wheelchairs at one end of the front row of a section that has them.
const ACCESSIBLE: usize = 5;

/// A section to be built.
pub(super) struct Plan {
    name: String,
    shape: Shape,
    rows: usize,
    seats: usize,
    tier: &'static str,
    /// So many rows at the front are of the tier premium.
    premium_rows: usize,
    accessible: bool,
}

/// How a section's rows lie. Angles are in degrees, 0 straight away from the stage.
enum Shape {
    Arc { radius_dm: f64, centre: f64, span: f64 },
    Grid { left_dm: f64, front_dm: f64 },
}

/// What premium, standard and economy cost, in minor units.
pub(super) type Prices = [i64; 3];

/// The kind's prices, moved by up to a fifth either way, in steps of half a unit.
pub(super) fn prices(kind: Kind, random: &mut Random) -> Prices {
    let usual = match kind {
        Kind::Theatre => [9_500, 6_500, 3_500],
        Kind::Arena => [14_900, 8_900, 4_900],
        Kind::Stadium => [12_900, 7_500, 3_900],
    };
    let percent = 80 + random.below(41) as i64;
    usual.map(|price| price * percent / 100 / 50 * 50)
}

pub(super) fn plans(kind: Kind) -> Vec<Plan> {
    match kind {
        Kind::Theatre => theatre(),
        Kind::Arena => arena(),
        Kind::Stadium => stadium(),
    }
}

/// 12×22 + 7×20 + 4×18 + 6×4 = 500.
fn theatre() -> Vec<Plan> {
    let arc = |radius_dm, span| Shape::Arc { radius_dm, centre: 0.0, span };
    let plan = |name: &str, shape, rows, seats, tier, premium_rows, accessible| Plan {
        name: name.to_owned(),
        shape,
        rows,
        seats,
        tier,
        premium_rows,
        accessible,
    };
    let mut plans = vec![
        plan("Stalls", arc(120.0, 60.0), 12, 22, "standard", 5, true),
        plan("Circle", arc(250.0, 50.0), 7, 20, "standard", 0, false),
        plan("Balcony", arc(340.0, 45.0), 4, 18, "economy", 0, false),
    ];
    for (number, left_dm) in [-180.0, 170.0].into_iter().flat_map(|side| [side; 3]).enumerate() {
        let shape = Shape::Grid { left_dm, front_dm: 60.0 + 40.0 * (number % 3) as f64 };
        plans.push(plan(&format!("Box {}", number + 1), shape, 2, 2, "premium", 0, false));
    }
    plans
}

/// 4×25×20 + 20×20×20 + 20×25×20 = 20,000.
fn arena() -> Vec<Plan> {
    let corners = [(-115.0, -230.0), (5.0, -230.0), (-115.0, 5.0), (5.0, 5.0)];
    let floor = corners.into_iter().enumerate().map(|(number, (left_dm, front_dm))| Plan {
        name: format!("Floor {}", number + 1),
        shape: Shape::Grid { left_dm, front_dm },
        rows: 25,
        seats: 20,
        tier: "premium",
        premium_rows: 0,
        accessible: true,
    });
    let lower = ring("Lower", 101, 20, 400.0, (20, 20), ("standard", 5), true);
    let upper = ring("Upper", 201, 20, 610.0, (25, 20), ("economy", 0), false);
    floor.chain(lower).chain(upper).collect()
}

/// 40×30×25 + 40×20×25 + 40×30×25 = 80,000.
fn stadium() -> Vec<Plan> {
    let lower = ring("Lower", 101, 40, 900.0, (30, 25), ("standard", 0), true);
    let club = ring("Club", 201, 40, 1200.0, (20, 25), ("premium", 0), true);
    let upper = ring("Upper", 301, 40, 1410.0, (30, 25), ("economy", 0), true);
    lower.chain(club).chain(upper).collect()
}

/// Sections all the way round.
fn ring(
    name: &str,
    first: usize,
    sections: usize,
    radius_dm: f64,
    (rows, seats): (usize, usize),
    (tier, premium_rows): (&'static str, usize),
    accessible: bool,
) -> impl Iterator<Item = Plan> {
    let step = 360.0 / sections as f64;
    (0..sections).map(move |section| Plan {
        name: format!("{name} {}", first + section),
        shape: Shape::Arc { radius_dm, centre: step * section as f64, span: step * SEATED },
        rows,
        seats,
        tier,
        premium_rows,
        accessible,
    })
}

pub(super) fn build(plan: &Plan, [premium, standard, economy]: Prices, random: &mut Random) -> Section {
    let accessible_left = random.below(2) == 0;
    let row = |row: usize| {
        let tier = if row < plan.premium_rows { "premium" } else { plan.tier };
        let price_minor = match tier {
            "premium" => premium,
            "standard" => standard,
            _ => economy,
        };
        let place = |seat: usize| {
            let from_end = if accessible_left { seat } else { plan.seats - 1 - seat };
            let (x_dm, y_dm) = spot(plan, row, seat);
            let accessible = plan.accessible && row == 0 && from_end < ACCESSIBLE;
            Place { number: seat as i16 + 1, accessible, x_dm, y_dm }
        };
        Row { name: row_name(row), tier, price_minor, places: (0..plan.seats).map(place).collect() }
    };
    Section { name: plan.name.clone(), rows: (0..plan.rows).map(row).collect() }
}

fn spot(plan: &Plan, row: usize, seat: usize) -> (i16, i16) {
    let behind = ROW_PITCH_DM * row as f64;
    let (x, y) = match plan.shape {
        Shape::Grid { left_dm, front_dm } => (left_dm + SEAT_PITCH_DM * seat as f64, front_dm + behind),
        Shape::Arc { radius_dm, centre, span } => {
            let along = (seat as f64 + 0.5) / plan.seats as f64 - 0.5;
            let angle = (centre + span * along).to_radians();
            let radius = radius_dm + behind;
            (radius * angle.sin(), radius * angle.cos())
        }
    };
    (x.round() as i16, y.round() as i16)
}

/// A, B, … Z, AA, AB, …
fn row_name(row: usize) -> String {
    let letter = |number: usize| char::from(b'A' + (number % 26) as u8);
    match row / 26 {
        0 => letter(row).to_string(),
        more => [letter(more - 1), letter(row)].iter().collect(),
    }
}
