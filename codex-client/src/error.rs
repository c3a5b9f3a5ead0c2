//! What can go wrong, and whether to try again.

use std::{fmt, sync::Arc, time::Duration};

use codex_core::Fault;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::Deserialize as _;
use serde_json::Value;

use crate::request::CORRELATION_ID;

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base address cannot be used: the configuration of the client must be corrected.
    #[error("`{0}` is not an address such as http://127.0.0.1:5010")]
    Address(String),
    /// A name or number given by the caller cannot be part of a path.
    #[error("`{0}` cannot be part of a path")]
    Segment(String),
    /// A key or tag given by the caller cannot be sent as a header.
    #[error("`{0}` cannot be sent as a header")]
    Header(String),
    /// The list of modules cannot be read, or does not have the one that is called.
    #[error("services: {0}")]
    Services(String),
    /// There is no usable token: its provider must act.
    #[error("no token: {0}")]
    Token(String),
    /// Core did not give a token; all calls that waited for it have the same reason.
    #[error("core did not give a token")]
    Core(#[source] Arc<reqwest::Error>),
    /// What was sent must be corrected first (400, 422).
    #[error("{refusal}")]
    Validation {
        /// What is wrong, each with its place in the body; empty where a parameter or the body as a whole is wrong,
        /// which the message names.
        faults: Vec<Fault>,
        /// What Codex said.
        refusal: Refusal,
    },
    /// The token is not accepted (401).
    #[error("{0}")]
    Unauthorized(Refusal),
    /// The caller may not do this (403).
    #[error("{0}")]
    Forbidden(Refusal),
    /// There is no such record, or none that the caller may see (404).
    #[error("{0}")]
    NotFound(Refusal),
    /// Another record is in the way (409).
    #[error("{0}")]
    Conflict(Refusal),
    /// The record is not as the caller has seen it: read it again (412).
    #[error("{0}")]
    Changed(Refusal),
    /// Codex refused for another reason, or failed.
    #[error("{0}")]
    Http(Refusal),
    /// A call with the same `Idempotency-Key` has begun, and whether it was made is not known yet. With the same
    /// key it can be sent again; with another one it might be made twice.
    #[error("codex does not know yet: {message} (correlation id {correlation_id})")]
    Undecided {
        /// What the server said.
        message: String,
        /// The request in Codex's log.
        correlation_id: String,
    },
    /// Codex sent no tag with a record.
    #[error("codex sent no tag with the record (correlation id {correlation_id})")]
    NoTag {
        /// The request in Codex's log.
        correlation_id: String,
    },
    /// Codex did not answer in time. It may still have done what it was asked.
    #[error("codex did not answer in time (correlation id {correlation_id})")]
    Timeout {
        /// The request in Codex's log, if it arrived.
        correlation_id: String,
        /// Where it stopped.
        #[source]
        source: reqwest::Error,
    },
    /// Codex could not be reached, or the connection broke.
    #[error("codex could not be reached (correlation id {correlation_id})")]
    Transport {
        /// The request in Codex's log, if it arrived.
        correlation_id: String,
        /// What broke.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is not of the documented shape: client and server do not fit together, or something
    /// else answered at this address.
    #[error("codex answered in an unknown shape (correlation id {correlation_id})")]
    Decode {
        /// The request in Codex's log.
        correlation_id: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// What was to be sent is no JSON.
    #[error("the request's body cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// A job did not end within the time given.
    #[error("job {0} is still running")]
    StillRunning(String),
}

/// What Codex said when it did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The problem's code, such as `not-found`; `None` when something else answered.
    pub code: Option<String>,
    /// What went wrong, for people.
    pub message: String,
    /// The request in Codex's log.
    pub correlation_id: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            message,
            correlation_id,
            ..
        } = self;
        write!(
            f,
            "codex answered {status}: {message} (correlation id {correlation_id})"
        )
    }
}

/// The result of every call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same call may succeed a little later.
    ///
    /// For calls that create or start something, [`Error::Timeout`], [`Error::Transport`] and [`Error::Undecided`]
    /// leave open whether it was done: look first, or call with the same key of your own.
    pub fn is_retryable(&self) -> bool {
        match self {
            // Too many calls, or trouble on the other side; the rest of 4xx is ours. 501 will not change.
            Self::Http(refusal) => retryable(refusal.status),
            // No status means that Core could not be reached.
            Self::Core(source) => source.status().is_none_or(|s| retryable(s.as_u16())),
            // The connection may come back; the first call ends; the job goes on.
            Self::Timeout { .. }
            | Self::Transport { .. }
            | Self::Undecided { .. }
            | Self::StillRunning(_) => true,
            // Somebody must change something first.
            Self::Address(_)
            | Self::Services(_)
            | Self::Segment(_)
            | Self::Header(_)
            | Self::Token(_)
            | Self::Encode(_)
            | Self::NoTag { .. }
            | Self::Validation { .. }
            | Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Changed(_)
            | Self::Decode { .. } => false,
        }
    }

    /// What Codex said, when it answered and refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Validation { refusal, .. }
            | Self::Unauthorized(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::Conflict(refusal)
            | Self::Changed(refusal)
            | Self::Http(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The status, when Codex answered at all.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Undecided { .. } => Some(409),
            _ => self.refusal().map(|refusal| refusal.status),
        }
    }

    /// The problem's code, such as `not-found`, when Codex answered.
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// What is wrong with the body that was sent, each with its place; empty for other errors.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Validation { faults, .. } => faults,
            _ => &[],
        }
    }

    /// The request in Codex's log, when one was sent.
    pub fn correlation_id(&self) -> Option<&str> {
        match self {
            Self::Undecided { correlation_id, .. }
            | Self::NoTag { correlation_id }
            | Self::Timeout { correlation_id, .. }
            | Self::Transport { correlation_id, .. }
            | Self::Decode { correlation_id, .. } => Some(correlation_id),
            _ => self
                .refusal()
                .map(|refusal| refusal.correlation_id.as_str()),
        }
    }

    fn refused(refusal: Refusal, faults: Vec<Fault>) -> Self {
        match refusal.status {
            400 | 422 => Self::Validation { faults, refusal },
            401 => Self::Unauthorized(refusal),
            403 => Self::Forbidden(refusal),
            404 => Self::NotFound(refusal),
            409 => Self::Conflict(refusal),
            412 => Self::Changed(refusal),
            _ => Self::Http(refusal),
        }
    }

    /// A refusal that leaves open whether the call was made.
    pub(crate) fn undecided(self) -> Self {
        match self {
            Self::Conflict(Refusal {
                message,
                correlation_id,
                ..
            }) => Self::Undecided {
                message,
                correlation_id,
            },
            other => other,
        }
    }
}

fn retryable(status: u16) -> bool {
    status == 429 || (status >= 500 && status != 501)
}

/// A request without a whole answer.
pub(crate) fn unsent(error: reqwest::Error, id: &str) -> Error {
    if error.is_builder() {
        // Address, query and correlation id are ours and sound; the token is not.
        return Error::Token("it holds characters that cannot be sent".to_owned());
    }
    let (correlation_id, timeout) = (id.to_owned(), error.is_timeout());
    let source = error.without_url();
    if timeout {
        Error::Timeout {
            correlation_id,
            source,
        }
    } else {
        Error::Transport {
            correlation_id,
            source,
        }
    }
}

/// An answer that is a refusal.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], sent: &str) -> Error {
    let echoed = headers.get(CORRELATION_ID).and_then(|id| id.to_str().ok());
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = ["detail", "error", "message"]
        .iter()
        .find_map(|key| body.get(key)?.as_str());
    let code = body.get("type").and_then(Value::as_str);
    let refusal = Refusal {
        status: status.as_u16(),
        code: code
            .and_then(|kind| kind.split_once('#'))
            .map(|(_, code)| code.to_owned()),
        message: said
            .or(status.canonical_reason())
            .unwrap_or("no reason given")
            .to_owned(),
        correlation_id: echoed.unwrap_or(sent).to_owned(),
    };
    // One fault that cannot be read does not hide the others.
    let faults = body.get("errors").and_then(Value::as_array).into_iter();
    let faults = faults
        .flatten()
        .filter_map(|fault| Fault::deserialize(fault).ok());
    Error::refused(refusal, faults.collect())
}

/// Seconds only: Codex sends no dates.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}
