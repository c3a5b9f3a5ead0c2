//! The accept loop: HTTP/1.1 with a time limit on request heads and on clients who stand still, a limit on
//! connections, and a stop that lets requests in flight end.
//!
//! HTTP/1.1 only: hyper-util's protocol sniffing has no timer, so a silent client would hold a connection
//! for ever, and nobody who calls Codex speaks HTTP/2. axum's own `serve` has no header timeout.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use codex_core::panics;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::{body_limit, config::Server, forwarded::Peer};

/// After `accept` failed for want of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How much may wait unsent in a socket. Without a limit megabytes do, and the system says that there is room again
/// when a third of them were read: whoever takes 16 KB a second would seem to stand still.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error(
        "port {port} on {bind} is in use by another program; stop it, or choose another port with \
         --port or [server] port"
    )]
    InUse {
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
    },
    /// Anything else, such as a port below 1024 without the right to it.
    #[error("cannot listen on {bind} port {port}")]
    Other {
        /// The address.
        bind: IpAddr,
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Takes the port.
pub async fn bind(server: &Server) -> Result<TcpListener, BindError> {
    let (bind, port) = (server.bind, server.port);
    let listener = TcpListener::bind(SocketAddr::new(bind, port)).await;
    listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { bind, port },
        _ => BindError::Other { bind, port, source },
    })
}

/// Serves until `stop`, then lets requests in flight end within the configured time.
pub async fn serve(listener: TcpListener, router: Router, server: Server, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    // Without a timer hyper panics at the first timeout. The timeout covers idle connections too.
    http.timer(TokioTimer::new())
        .header_read_timeout(server.header_timeout);
    let slots = Arc::new(Semaphore::new(server.max_connections));
    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else {
            continue;
        };
        let stall = server.stall;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(stall));
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            service.call(request.map(|body| body_limit::timed(body, stall)))
        });
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = graceful.watch(connection);
        let cut = cut.clone();
        panics::spawn("connection", async move {
            // Clients that hang up or are too slow are their own affair.
            if let Some(Err(error)) = cut.run_until_cancelled(connection).await {
                tracing::debug!(
                    error = crate::problem::chain(&error),
                    "A connection ended early"
                );
            }
            drop(slot);
        });
    }
    // New connections are refused from here on.
    drop(listener);
    if tokio::time::timeout(server.drain, graceful.shutdown())
        .await
        .is_err()
    {
        cut.cancel();
        tracing::warn!(
            drain_seconds = server.drain.as_secs(),
            "Requests still in flight after {} s were cut off",
            server.drain.as_secs()
        );
    }
}

/// The next connection with its slot. Above the limit, connections wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and written at once; waiting to fill a packet costs up to 40 ms.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was refused");
            }
            #[cfg(target_os = "linux")]
            if let Err(error) = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT) {
                tracing::debug!(%error, "TCP_NOTSENT_LOWAT was refused");
            }
            Some((stream, peer, slot))
        }
        Err(error) => {
            tracing::warn!(%error, "A connection could not be accepted: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
