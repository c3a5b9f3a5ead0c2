//! What can go wrong, and whether to try again.

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base address is no URL.
    #[error("`{0}` is not an address such as http://127.0.0.1:5010")]
    Address(String),
    /// No token could be had.
    #[error("no token: {0}")]
    Token(String),
    /// Codex refused or failed.
    #[error("codex answered {status}: {message} (correlation id {correlation_id})")]
    Http {
        /// The status.
        status: u16,
        /// The problem's detail, or the `error` of today's flat bodies.
        message: String,
        /// The request in Codex's log.
        correlation_id: String,
    },
    /// Codex could not be reached in time.
    #[error("codex could not be reached")]
    Transport(#[source] reqwest::Error),
    /// The answer is not of the documented shape.
    #[error("codex answered in an unknown shape")]
    Decode(#[source] serde_json::Error),
    /// A job did not end within the time given.
    #[error("job {0} is still running")]
    StillRunning(String),
}

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same call may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            // Too many calls, or trouble on the other side; the rest of 4xx is ours.
            Self::Http { status, .. } => *status == 429 || *status >= 500,
            // The connection may come back; the job goes on.
            Self::Transport(_) | Self::StillRunning(_) => true,
            // Somebody must change something first.
            Self::Address(_) | Self::Token(_) | Self::Decode(_) => false,
        }
    }

    /// The status, when Codex answered at all.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Http { status, .. } => Some(*status),
            _ => None,
        }
    }
}
