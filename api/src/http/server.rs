//! Connections: bounded in number and in time, drained at shutdown.

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections at once. A connection costs some tens of KiB; requests have a bound of their own.
const CONNECTIONS_MAX: usize = 10_000;
/// How long a caller may take to send a request's head.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long shutdown waits for running requests. Requests that only wait are answered at once.
const DRAIN_MAX: Duration = Duration::from_secs(7);
/// How long shutdown waits for work whose caller hung up. Together with [`DRAIN_MAX`], the notice before it and the lanes'
/// own drain, a node leaves within 25 s.
const TASKS_MAX: Duration = Duration::from_secs(3);

/// Serves until `shutdown`, then lets running requests end, and waits for the work in `tasks` that goes on without its
/// caller.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    router: Router,
    tasks: TaskTracker,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let (connections, graceful) = (TaskTracker::new(), GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
    loop {
        // The permit is taken before the connection. Beyond the bound callers wait in the kernel's queue.
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        let stream = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // We are out of descriptors, or the caller left at once. Neither is a reason to stop serving.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true); // small answers must not wait for more data
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            // An error here is a caller that left or spoke no HTTP; it has been told as far as possible.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
    tasks.close();
    let _ = timeout(TASKS_MAX, tasks.wait()).await;
    Ok(())
}
