//! What all simulators share: a loopback server that can be stopped, and a call counter.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt as _;

use super::fault::Faults;

/// A simulator at work; dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    pub url: String,
    pub shared: Arc<Shared>,
    address: SocketAddr,
    router: Router,
    task: JoinHandle<()>,
}

/// What handlers and tests both see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub faults: Faults,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(
        shared: Arc<Shared>,
        router: impl FnOnce(&str) -> Router,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Self::start_on(listener, shared, router)
    }

    /// The same on a port of one's choice.
    pub fn start_on(
        listener: TcpListener,
        shared: Arc<Shared>,
        router: impl FnOnce(&str) -> Router,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let router = router(&url);
        let task = tokio::spawn(serve(listener, router.clone()));
        Ok(Self {
            url,
            shared,
            address,
            router,
            task,
        })
    }

    /// Closes the port and every connection.
    pub async fn stop(&mut self) {
        self.task.abort();
        // The listener is closed when the task is gone, and a cancelled task is an error.
        drop((&mut self.task).await);
    }

    /// Opens the same port again after [`Self::stop`].
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.task = tokio::spawn(serve(listener, self.router.clone()));
        Ok(())
    }
}

/// Accepts until it is aborted. The connections end with it: a client that keeps one alive would
/// otherwise go on talking to a simulator that was stopped, as it would with `axum::serve`.
async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Small answers would wait for the client's delayed acknowledgement.
                drop(stream.set_nodelay(true));
                let router = router.clone();
                let service = service_fn(move |request| call(router.clone(), request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(connection);
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn call(router: Router, request: Request<Incoming>) -> Result<Response<Body>, NoAnswer> {
    let answered: Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
    let Ok(response) = answered;
    match response.extensions().get::<NoAnswer>() {
        // hyper closes the connection of a service that fails.
        Some(_) => Err(NoAnswer),
        None => Ok(response),
    }
}

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a test makes the simulator drop the connection")
    }
}

impl std::error::Error for NoAnswer {}

impl Shared {
    pub fn count(&self, resource: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(resource.to_owned()).or_insert(0) += 1;
    }

    /// Calls so far to resources that start with `prefix`.
    pub fn calls(&self, prefix: &str) -> u64 {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, n)| n)
            .sum()
    }

    pub fn reset(&self) {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
