//! The look ahead: sagas that have become due since each lane was served last.

use super::{Connection, Marks, PAGE, Partitions, is_ours, pause, room};
use crate::{
    database::in_time,
    lane::Shared,
    store::{
        due::{self, Place},
        mailbox,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tokio::time::Instant;

/// How much later than its `now()` a transaction may commit and still be seen by this look. The look behind sees later ones.
/// This much time is read again at each look.
const LATE: TimeDelta = TimeDelta::seconds(1);
/// How far back letters are read: a letter and its saga can miss each other only if they commit at the same time. The look
/// behind reads older letters.
const ORPHANS_RECENT: TimeDelta = TimeDelta::seconds(10);

pub(super) async fn run(shared: &Shared, marks: &Marks) {
    let mut connection = Connection::new("sweep");
    let mut partitions = Partitions { next: Instant::now() };
    loop {
        tokio::time::sleep(pause(shared)).await;
        let looked = async {
            let connection = connection.get(shared).await?;
            let now = look(shared, marks, connection).await?;
            adopt_recent(connection, now - ORPHANS_RECENT).await?;
            partitions.keep_ahead(connection).await;
            Ok(())
        };
        if let Err(error) = in_time(looked).await {
            connection.close(&error);
        }
    }
}

/// Gives each lane that has room the sagas that became due after its mark. It ends when all lanes are full or nothing is
/// left: each page except the last moves the earliest mark on. Returns the database's time.
async fn look(
    shared: &Shared,
    marks: &Marks,
    connection: &mut PgConnection,
) -> Result<DateTime<Utc>, sqlx::Error> {
    let mut rooms: Vec<usize> = (0..shared.queues.len()).map(|lane| room(shared, lane)).collect();
    let mut now = DateTime::UNIX_EPOCH;
    while let Some(after) = open(&rooms).map(|lane| marks.of(lane)).min() {
        let page = due::read_due(connection, after, PAGE).await?;
        now = page.now;
        for due in &page.rows {
            let lane = shared.lane_of(due.saga);
            if rooms[lane] == 0 || due.place <= marks.of(lane) {
                continue;
            }
            if is_ours(shared, due) {
                shared.queues[lane].wake(due.saga);
                rooms[lane] -= 1;
            }
            marks.pass(lane, due.place);
        }
        let Some(next) = page.next else {
            open(&rooms).for_each(|lane| marks.set(lane, Place::before(now - LATE)));
            break;
        };
        // The page's sagas of other lanes are passed too.
        open(&rooms).for_each(|lane| marks.pass(lane, next));
    }
    Ok(now)
}

/// The lanes that have room for more.
fn open(rooms: &[usize]) -> impl Iterator<Item = usize> {
    rooms.iter().enumerate().filter(|(_, room)| **room > 0).map(|(lane, _)| lane)
}

async fn adopt_recent(connection: &mut PgConnection, since: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for saga in due::read_orphans(connection, Place::before(since), PAGE).await?.rows {
        mailbox::adopt(connection, saga).await?;
    }
    Ok(())
}
