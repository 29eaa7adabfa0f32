//! `/reservations`: seats held for a customer until they are paid for or the time is up.

mod cancel;
mod create;
mod read;
mod request;
pub mod view;

pub use cancel::cancel;
pub use create::create;
pub use read::read;
pub use view::Reservation;

// `routes!` looks for these beside the handlers.
pub use cancel::__path_cancel;
pub use create::__path_create;
pub use read::__path_read;

use super::super::{app::App, auth::Caller, problem::Problem};
use chrono::{DateTime, Utc};
use steps::{
    ReservationId,
    store::reservations::{self, ReservationRow},
};

/// A reservation that the caller may see, and the database's time.
///
/// # Errors
/// 404 if there is none, or it is somebody else's.
pub async fn find(
    app: &App,
    caller: &Caller,
    id: ReservationId,
) -> Result<(ReservationRow, DateTime<Utc>), Problem> {
    let mut connection = app.service.connection().await?;
    let found = reservations::find(&mut connection, id).await?;
    let row = found.filter(|row| caller.may_see(row.user)).ok_or_else(Problem::not_found)?;
    let now = service::clock::now(&mut connection).await?;
    Ok((row, now))
}
