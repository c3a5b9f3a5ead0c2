//! Whether a call is sent again.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, header::HeaderMap};
use secrecy::SecretString;

use crate::{
    Error, Result, error,
    request::{Answer, Call, IDEMPOTENCY_KEY, Reply, Requester},
};

/// The longest wait that a server's `Retry-After` is followed for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A try that did not succeed, and how long the server asks to wait.
pub(crate) struct Failed {
    error: Error,
    wait: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, wait: None }
    }
}

impl Failed {
    /// A try that was refused.
    pub fn refused(
        call: &Call,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        id: &str,
    ) -> Self {
        let keyed = call.headers.contains_key(IDEMPOTENCY_KEY);
        let wait = error::retry_after(headers);
        let error = error::refused(status, headers, body, id);
        match wait {
            // Of all conflicts only this one goes by itself: an earlier try is still being made.
            Some(_) if keyed && status == StatusCode::CONFLICT => Self {
                error: error.undecided(),
                wait,
            },
            _ => Self { error, wait },
        }
    }
}

/// The tries of one call.
pub(crate) struct Tries<'r> {
    requester: &'r Requester,
    /// One id for all of them.
    pub id: String,
    /// The token of the last one.
    pub used: Option<SecretString>,
    retries: u32,
    failures: u32,
    renewed: bool,
}

impl<'r> Tries<'r> {
    pub fn new(requester: &'r Requester, call: &Call) -> Self {
        let retries = requester.shared.retries;
        Self {
            requester,
            id: requester.id(),
            used: None,
            retries: if call.repeatable { retries } else { 0 },
            failures: 0,
            renewed: false,
        }
    }

    pub fn answered(self, reply: Arc<Reply>) -> Answer {
        Answer { id: self.id, reply }
    }

    /// Returns when it is time for the next try.
    ///
    /// # Errors
    /// What the last try met, when there must be no other.
    pub async fn after(&mut self, failed: Failed) -> Result<()> {
        let shared = &self.requester.shared;
        // Core may have changed its key: nothing was done, so one fresh token is worth a try.
        if failed.error.status() == Some(401)
            && !self.renewed
            && let Some(token) = self.used.take()
            && shared.token.forget(&token).await
        {
            self.renewed = true;
            return Ok(());
        }
        let pause = failed
            .wait
            .unwrap_or(shared.backoff * 2_u32.saturating_pow(self.failures));
        if self.failures >= self.retries || !failed.error.is_retryable() || pause > LONGEST_WAIT {
            return Err(failed.error);
        }
        tokio::time::sleep(pause).await;
        self.failures += 1;
        Ok(())
    }
}
