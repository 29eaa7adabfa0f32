//! Who books what.

use super::{Planned, between};
use rand::{Rng, rngs::StdRng};
use std::time::Duration;

/// An event of the run.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Event {
    pub name: &'static str,
    pub seats: i16,
    pub hold: Duration,
    /// How many of a hundred journeys go there.
    percent: u32,
}

/// A hot one that is soon sold out, two where everybody finds a seat, and one whose seats are not held for long.
pub(in super::super) const EVENTS: [Event; 4] = [
    Event { name: "hot", seats: 40, hold: Duration::from_secs(20), percent: 25 },
    Event { name: "calm", seats: 400, hold: Duration::from_secs(20), percent: 30 },
    Event { name: "quiet", seats: 400, hold: Duration::from_secs(20), percent: 25 },
    Event { name: "hasty", seats: 400, hold: Duration::from_secs(4), percent: 20 },
];

/// What a customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Kind {
    /// Pays with a card, and wants the booking.
    Paid,
    /// Pays by something that the gateway settles later.
    PaidSlowly,
    /// Has a card that is declined.
    Declined,
    /// Pays by something that fails later.
    FailsSlowly,
    /// Reserves and goes away.
    Abandoned,
    /// Gives the seats back and has not paid.
    CancelledBefore,
    /// Pays and gives the seats back at the same time.
    CancelledMeanwhile,
    /// Gives the booking back.
    GivenBack,
    /// Proves who they are when the time is up, so that the money comes late.
    Late,
    /// Disputes the charge after the booking.
    Disputed,
}

/// One customer's journey.
#[derive(Clone, Debug)]
pub(in super::super) struct Journey {
    pub kind: Kind,
    /// Which of [`EVENTS`].
    pub event: usize,
    /// Seats by their numbers, from 0.
    pub seats: Vec<usize>,
    /// How long the customer thinks between two things.
    pub thinks: Duration,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Paid,
        Self::PaidSlowly,
        Self::Declined,
        Self::FailsSlowly,
        Self::Abandoned,
        Self::CancelledBefore,
        Self::CancelledMeanwhile,
        Self::GivenBack,
        Self::Late,
        Self::Disputed,
    ];

    /// How many of a hundred customers do so.
    fn percent(self) -> u32 {
        match self {
            Self::Paid => 32,
            Self::PaidSlowly => 10,
            Self::Declined => 9,
            Self::FailsSlowly => 6,
            Self::Abandoned => 10,
            Self::CancelledBefore => 6,
            Self::CancelledMeanwhile => 8,
            Self::GivenBack => 7,
            Self::Late => 6,
            Self::Disputed => 6,
        }
    }

    /// Whether this customer wants a booking and keeps it.
    pub fn wants_a_booking(self) -> bool {
        matches!(self, Self::Paid | Self::PaidSlowly | Self::Disputed)
    }
}

/// The journeys of all customers who come in this time.
pub(super) fn draw(length: Duration, random: &mut StdRng) -> Vec<Planned<Journey>> {
    /// Five customers a second on average.
    const APART_MS: (u64, u64) = (10, 390);
    let (mut journeys, mut at) = (Vec::new(), Duration::ZERO);
    loop {
        at += between(random, APART_MS.0, APART_MS.1);
        if at > length {
            return journeys;
        }
        journeys.push(Planned { at, what: journey(random) });
    }
}

fn journey(random: &mut StdRng) -> Journey {
    const SEATS_MAX: usize = 3;
    let kind = weighted(random, &Kind::ALL.map(|kind| (kind, kind.percent())));
    let event = match kind {
        // These customers wait for the end of the hold, so they go to the event with the short one.
        Kind::Abandoned | Kind::Late => EVENTS.len() - 1,
        _ => weighted(random, &std::array::from_fn::<_, 4, _>(|event| (event, EVENTS[event].percent))),
    };
    let count = random.random_range(1..=SEATS_MAX);
    let first = random.random_range(0..EVENTS[event].seats as usize - count);
    Journey { kind, event, seats: (first..first + count).collect(), thinks: between(random, 0, 800) }
}

/// One of these, by weights that add up to a hundred.
fn weighted<T: Copy>(random: &mut StdRng, of: &[(T, u32)]) -> T {
    let mut drawn = random.random_range(0..of.iter().map(|(_, percent)| percent).sum());
    for (what, percent) in of {
        if drawn < *percent {
            return *what;
        }
        drawn -= percent;
    }
    of[of.len() - 1].0
}
