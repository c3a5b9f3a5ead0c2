//! Freshservice (vendors 1): lists by pages with a `Link` header, single records, limits by endpoint.
//!
//! Of writing there is what Codex writes: departments, statuses of tickets, notes.

mod limits;
mod options;
mod records;
mod routes;
#[cfg(test)]
mod tests;
mod tickets;
pub mod webhooks;
mod writes;

use std::sync::Arc;

pub use options::{API_KEY, AccountPlan, Options};

pub use super::reply::BodyForm;
use super::{
    SharedWorld,
    fault::Faults,
    server::{Server, Shared},
};

/// The simulator.
#[derive(Debug)]
pub struct Freshservice(Server);

impl Freshservice {
    /// Starts it on a free loopback port.
    pub async fn start(world: SharedWorld, options: Options) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let state = shared.clone();
        let server = Server::start(shared, |base| routes::router(world, options, state, base));
        Ok(Self(server.await?))
    }

    /// Its address, without `/api/v2`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.0.shared.faults
    }

    /// Calls so far to resources that start with `prefix`, such as `requesters` or `requesters/12`; all
    /// with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.0.shared.calls(prefix)
    }

    /// Counts from 0 again.
    pub fn reset_calls(&self) {
        self.0.shared.reset();
    }

    /// It is down: connections are refused.
    pub async fn stop(&mut self) {
        self.0.stop().await;
    }

    /// It is up again, at the same address.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.0.start_again().await
    }
}
