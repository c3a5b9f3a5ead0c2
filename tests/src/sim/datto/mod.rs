//! Datto RMM (vendors 2): a token by password grant, lists by zero-based pages in an envelope, one account-wide
//! limit that ends in a block.
//!
//! Alerts and the v3 routes are not here yet: a new list is a `records::List`, a new
//! verb a route.

mod audits;
mod limits;
mod options;
mod records;
mod routes;
#[cfg(test)]
pub(super) mod tests;
mod token;
mod writes;

use std::sync::{Arc, Mutex, PoisonError};

pub use options::{API_KEY, API_SECRET, Options, TakenVariable, Times, Udf};

pub use super::reply::BodyForm;
use super::{
    SharedWorld,
    fault::Faults,
    server::{Server, Shared},
};
use token::Tokens;

/// The simulator.
#[derive(Debug)]
pub struct Datto {
    server: Server,
    tokens: Arc<Mutex<Tokens>>,
}

impl Datto {
    /// Starts it on a free loopback port.
    pub async fn start(world: SharedWorld, options: Options) -> anyhow::Result<Self> {
        let (shared, tokens) = (Arc::new(Shared::default()), Arc::new(Mutex::default()));
        let (state, known) = (shared.clone(), tokens.clone());
        let server = Server::start(shared, |base| {
            routes::router(world, options, state, known, base)
        })
        .await?;
        Ok(Self { server, tokens })
    }

    /// Its address, without `/api/v2` and `/auth`.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.server.shared.faults
    }

    /// Calls so far to resources that start with `prefix`, such as `account/devices` or `oauth/token`; all
    /// with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.server.shared.calls(prefix)
    }

    /// Counts from 0 again.
    pub fn reset_calls(&self) {
        self.server.shared.reset();
    }

    /// Makes every token that is out invalid, as the vendor may at any time.
    pub fn revoke_token(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .revoke_all();
    }

    /// It is down: connections are refused.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }

    /// It is up again, at the same address.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server.start_again().await
    }
}
