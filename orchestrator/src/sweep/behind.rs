//! The look behind: it goes slowly round through everything that is due.

use super::{Connection, Marks, PAGE, is_ours, pause, room};
use crate::{
    database::in_time,
    lane::Shared,
    store::{
        due::{self, Place},
        mailbox,
    },
};
use sqlx::PgConnection;
use tokio::time::Instant;

/// It works for one part in this many of its time, however much is due. With 300,000 due sagas that no node knows, a round
/// takes half a minute; if nothing has piled up, there is one round in each pause.
const SHARE: u32 = 20;

/// The places that the rounds have reached.
struct Rounds {
    due: Place,
    orphans: Place,
}

pub(super) async fn run(shared: &Shared, marks: &Marks) {
    let mut connection = Connection::new("sweep behind");
    let mut rounds = Rounds { due: Place::BEGIN, orphans: Place::BEGIN };
    loop {
        let began = Instant::now();
        let looked = async { rounds.page(shared, marks, connection.get(shared).await?).await };
        let is_round = in_time(looked).await.unwrap_or_else(|error| {
            connection.close(&error);
            true
        });
        let rest = began.elapsed() * (SHARE - 1);
        tokio::time::sleep(if is_round { rest.max(pause(shared)) } else { rest }).await;
    }
}

impl Rounds {
    /// Reads one page of each round. Returns whether both rounds have reached their end.
    async fn page(
        &mut self,
        shared: &Shared,
        marks: &Marks,
        connection: &mut PgConnection,
    ) -> Result<bool, sqlx::Error> {
        let page = due::read_due(connection, self.due, PAGE).await?;
        for due in page.rows {
            let lane = shared.lane_of(due.saga);
            // The look ahead handles everything after the mark.
            if due.place <= marks.of(lane) && is_ours(shared, &due) && room(shared, lane) > 0 {
                shared.queues[lane].wake(due.saga);
            }
        }
        let letters = due::read_orphans(connection, self.orphans, PAGE).await?;
        for saga in letters.rows {
            mailbox::adopt(connection, saga).await?;
        }
        self.due = page.next.unwrap_or(Place::BEGIN);
        self.orphans = letters.next.unwrap_or(Place::BEGIN);
        Ok(page.next.is_none() && letters.next.is_none())
    }
}
