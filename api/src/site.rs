//! What one address serves: the API and the operators' console.

use crate::{
    console::{self, Console},
    http::{self, App},
};
use axum::Router;
use service::Service;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Every route of this service.
pub fn router(app: App) -> Router {
    let console = console::router(Console::of(app.clone()));
    http::answering(http::routes(app).merge(console))
}

/// Serves until `shutdown`, then lets running requests end.
///
/// # Errors
/// Only those of the listener itself.
pub async fn serve(
    service: Service,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let tasks = service.tasks.clone();
    http::serve(router(App::of(service)), tasks, listener, shutdown).await
}
