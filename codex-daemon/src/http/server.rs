//! The accept loop: HTTP/1.1 with a time limit on request heads, on bodies and on clients who stand still, a limit
//! on connections and requests, and a stop that lets requests in flight end.
//!
//! HTTP/1.1 only: hyper-util's protocol sniffing has no timer, so a silent client would hold a connection
//! for ever, and nobody who calls Codex speaks HTTP/2. axum's own `serve` has no header timeout.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::Router;
use codex_core::panics;
use hyper::{
    Request,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Server,
    health::is_health,
    http::{
        body_limit,
        connections::{Connection, Connections, Overloaded, TrackedBody},
        forwarded::PeerAddress,
        lingering::Lingering,
    },
};

/// After `accept` failed for want of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// After a connection gave its place away, so that its descriptor is free.
const ROOM_PAUSE: Duration = Duration::from_millis(5);
/// How much may wait unsent in a socket. Without a limit megabytes do, and the system says that there is room again
/// when a third of them were read: a client that reads 16 KB a second would seem to be stalled.
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
    // Without a timer hyper panics at the first timeout. The timeout covers idle connections too. A client that
    // has sent all it has to say still waits for the answer.
    http.timer(TokioTimer::new())
        .header_read_timeout(server.header_timeout)
        .half_close(true);
    let connections = Connections::new(&server);
    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Some((stream, connection)) = accepted else {
            continue;
        };
        let (router, served) = (router.clone(), connections.clone());
        let (stall, longest) = (server.stall, server.body_timeout);
        let (peer, activity) = (connection.peer, connection.activity.clone());
        let stream = Lingering::new(stream, stall, activity.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let service = TowerToHyperService::new(router.clone());
            let (connections, activity) = (served.clone(), activity.clone());
            async move {
                let mut busy = connections.begin(&activity);
                if !is_health(request.uri().path()) {
                    busy.turn = connections.turn(peer.caller(request.headers())).await;
                    if busy.turn.is_none() {
                        request.extensions_mut().insert(Overloaded);
                    }
                }
                request.extensions_mut().insert(peer);
                let body = |body| body_limit::timed(body, stall, longest, activity.clone());
                let mut answer = service.call(request.map(body)).await?;
                // The connection ends then: without the header the client loses its next request.
                if activity.is_unread() {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                Ok::<_, Infallible>(answer.map(|body| TrackedBody::new(body, busy)))
            }
        });
        let work = http.serve_connection(TokioIo::new(stream), service);
        let work = graceful.watch(work);
        let cut = cut.clone();
        panics::spawn("connection", async move {
            // Clients that hang up or are too slow are their own affair.
            let ended = cut.run_until_cancelled(connection.run(work)).await;
            if let Some(Some(Err(error))) = ended {
                tracing::debug!(
                    error = crate::http::problem::chain(&error),
                    "A connection ended early"
                );
            }
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

/// The next connection, if there is a place for it.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> Option<(TcpStream, Connection)> {
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
            let connection = connections.admit(PeerAddress(peer.ip()));
            if connection.is_none() {
                crate::metrics::connection_refused();
                tracing::debug!("Every connection is busy: a new one was closed");
            }
            Some((stream, connection?))
        }
        Err(error) => {
            tracing::warn!(%error, "A connection could not be accepted: {error}");
            let errno = Errno::from_io_error(&error);
            let is_full = errno == Some(Errno::MFILE) || errno == Some(Errno::NFILE);
            let pause = if is_full && connections.make_room() {
                ROOM_PAUSE
            } else {
                ACCEPT_PAUSE
            };
            tokio::time::sleep(pause).await;
            None
        }
    }
}
