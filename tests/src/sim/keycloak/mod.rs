//! Keycloak (vendors 3): tokens by client credentials and by password, the users of a realm by offset.
//!
//! Groups, roles, credentials and writing users are not here: Codex reads users and nothing else.

mod options;
mod routes;
#[cfg(test)]
mod tests;
mod token;

use std::sync::{Arc, Mutex, PoisonError};

pub use options::{
    ADMIN_PASSWORD, ADMIN_USER, Access, CLIENT_ID, CLIENT_SECRET, MASTER, Options, REALM,
};

use super::{
    SharedWorld,
    fault::Faults,
    server::{Server, Shared},
};
use token::Tokens;

/// The simulator.
#[derive(Debug)]
pub struct Keycloak {
    server: Server,
    base: String,
    tokens: Arc<Mutex<Tokens>>,
    options: Arc<Mutex<Options>>,
}

impl Keycloak {
    /// Starts it on a free loopback port.
    pub async fn start(world: SharedWorld, options: Options) -> anyhow::Result<Self> {
        let prefix = options.prefix;
        let (shared, tokens) = (Arc::new(Shared::default()), Arc::new(Mutex::default()));
        let options = Arc::new(Mutex::new(options));
        let (state, known, switches) = (shared.clone(), tokens.clone(), options.clone());
        let server = Server::start(shared, |_| {
            routes::router(world, prefix, switches, state, known)
        })
        .await?;
        let base = format!("{}{prefix}", server.url);
        Ok(Self {
            server,
            base,
            tokens,
            options,
        })
    }

    /// Its address, with the prefix that everything hangs under.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Its faults; paths are those after the prefix.
    pub fn faults(&self) -> &Faults {
        &self.server.shared.faults
    }

    /// Calls so far to paths that start with `prefix`, such as `users` or `token`; all with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.server.shared.calls(prefix)
    }

    /// Counts from 0 again.
    pub fn reset_calls(&self) {
        self.server.shared.reset();
    }

    /// Makes every token that is out invalid.
    pub fn revoke_tokens(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .revoke_all();
    }

    /// Turns switches while it is at work. The prefix stays as it was at the start.
    pub fn change(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options.lock().unwrap_or_else(PoisonError::into_inner));
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
