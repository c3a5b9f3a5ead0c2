//! How a client is put together.

use std::time::Duration;

use crate::{Client, Result, TokenSource, request::Requester};

/// Settings of a [`Client`]; made by [`Client::builder`].
#[derive(Debug)]
pub struct Builder {
    pub(crate) base: String,
    pub(crate) token: TokenSource,
    pub(crate) timeout: Duration,
    pub(crate) user_agent: String,
    pub(crate) retries: u32,
    pub(crate) backoff: Duration,
    pub(crate) cache_bytes: u64,
}

impl Builder {
    pub(crate) fn new(base: &str, token: TokenSource) -> Self {
        Self {
            base: base.to_owned(),
            token,
            timeout: Duration::from_secs(30),
            user_agent: concat!("codex-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            retries: 2,
            backoff: Duration::from_millis(400),
            cache_bytes: 16 * 1024 * 1024,
        }
    }

    /// The longest that one try may take, answer included; 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Name in the server's log.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// How often a call is tried again after trouble on the way or at the server; 2 unless set. Deletions,
    /// changes with a condition, and calls of health are never tried again.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The wait before the first retry; it doubles each time. A server's `Retry-After` goes before it.
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// Bytes of answers that are kept, 16 MiB unless set; 0 keeps none. The server is asked every time whether
    /// what is kept still holds. An answer above an eighth of this is not kept.
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`crate::Error::Address`] when the base address is no URL of HTTP.
    pub fn build(self) -> Result<Client> {
        Requester::new(self).map(Client)
    }
}
