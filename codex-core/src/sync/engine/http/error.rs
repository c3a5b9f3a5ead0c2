//! What can go wrong with a vendor, cut by what the caller does about it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::MAX_BODY;

/// A vendor could not be read. Holds neither bodies nor keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "every variant has the source, the resource and what its name says"
)]
pub enum UpstreamError {
    /// The key is not accepted (401).
    #[error("{source_name} does not accept our key (401 on {resource})")]
    Unauthorized {
        source_name: &'static str,
        resource: String,
    },
    /// This one thing may not be read (403).
    #[error("{source_name} does not let us read {resource} (403)")]
    Forbidden {
        source_name: &'static str,
        resource: String,
    },
    /// There is no such thing (404); for a list that is a fault of the vendor or of our address.
    #[error("{source_name} has no {resource} (404)")]
    NotFound {
        source_name: &'static str,
        resource: String,
    },
    /// Too many calls (429).
    #[error("{source_name} limits our calls of {resource} (429{})", waiting(.retry_after.as_ref()))]
    RateLimited {
        source_name: &'static str,
        resource: String,
        retry_after: Option<Duration>,
    },
    /// The account must not be called for now, by its own word.
    #[error("{source_name} must not be called before {until}")]
    Blocked {
        source_name: &'static str,
        resource: String,
        until: DateTime<Utc>,
    },
    /// Any other refusal.
    #[error("{source_name} answered {code} on {resource}")]
    Status {
        source_name: &'static str,
        resource: String,
        code: u16,
    },
    /// A page for people instead of data.
    #[error("{source_name} answered {resource} with {content_type} instead of JSON")]
    NotJson {
        source_name: &'static str,
        resource: String,
        content_type: String,
    },
    /// The body ends in the middle.
    #[error("{source_name} answered {resource} with a body that is cut off")]
    Truncated {
        source_name: &'static str,
        resource: String,
    },
    /// No JSON, or JSON of another shape than the vendor documents.
    #[error("{source_name} answered {resource} with JSON of an unknown shape")]
    Malformed {
        source_name: &'static str,
        resource: String,
    },
    /// More than any page of a vendor holds; reading it would take our memory.
    #[error(
        "{source_name} answered {resource} with more than Codex reads at once: {} MiB, an item of 8 MiB, \
         or 100,000 items",
        MAX_BODY >> 20
    )]
    TooLarge {
        source_name: &'static str,
        resource: String,
    },
    /// A list without items where there were records.
    #[error("{source_name} lists nothing under {resource}, where we hold records")]
    EmptyList {
        source_name: &'static str,
        resource: String,
    },
    /// A next page on another host, which would get our credentials.
    #[error("{source_name} points to a page of {resource} on another host")]
    ForeignLink {
        source_name: &'static str,
        resource: String,
    },
    /// A next page that was read already.
    #[error("{source_name} points to a page of {resource} that was read already")]
    Loop {
        source_name: &'static str,
        resource: String,
    },
    /// Somebody waits, and the answer takes too long.
    #[error("{source_name} did not answer {resource} within {} s", .wait_timeout.as_secs())]
    TooSlow {
        source_name: &'static str,
        resource: String,
        wait_timeout: Duration,
    },
    /// The network failed or the time ran out.
    #[error("{source_name} could not be reached for {resource}")]
    Transport {
        source_name: &'static str,
        resource: String,
        #[source]
        source: reqwest::Error,
    },
    /// Our own database could not say whether the vendor may be called.
    #[error("whether {source_name} may be called is unknown")]
    RateLimitBlock {
        source_name: &'static str,
        #[source]
        source: Box<crate::Error>,
    },
}

fn waiting(retry_after: Option<&Duration>) -> String {
    retry_after
        .map(|wait| format!(", come back in {} s", wait.as_secs()))
        .unwrap_or_default()
}

impl UpstreamError {
    pub(crate) fn transport(
        source_name: &'static str,
        resource: &str,
        error: reqwest::Error,
    ) -> Self {
        // The address may hold query parameters that are nobody's business.
        let source = error.without_url();
        Self::Transport {
            source_name,
            resource: resource.to_owned(),
            source,
        }
    }

    pub(crate) fn too_slow(
        source_name: &'static str,
        resource: &str,
        wait_timeout: Duration,
    ) -> Self {
        Self::TooSlow {
            source_name,
            resource: resource.to_owned(),
            wait_timeout,
        }
    }

    /// JSON of another shape than the vendor documents.
    pub fn malformed(source_name: &'static str, resource: &str) -> Self {
        Self::Malformed {
            source_name,
            resource: resource.to_owned(),
        }
    }

    pub(crate) fn too_large(source_name: &'static str, resource: &str) -> Self {
        Self::TooLarge {
            source_name,
            resource: resource.to_owned(),
        }
    }

    pub(crate) fn empty_list(source_name: &'static str, resource: &str) -> Self {
        Self::EmptyList {
            source_name,
            resource: resource.to_owned(),
        }
    }

    pub(crate) fn rate_limit_block(source_name: &'static str, error: crate::Error) -> Self {
        Self::RateLimitBlock {
            source_name,
            source: Box::new(error),
        }
    }

    /// The HTTP status that the vendor answered with, where it was that status that said no.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::NotFound { .. } => Some(404),
            Self::RateLimited { .. } => Some(429),
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            // The vendor or something before it is in trouble.
            Self::Status { code, .. } => *code >= 500,
            // A maintenance page goes away; a cut connection is made again.
            // A limit says itself when.
            Self::NotJson { .. }
            | Self::Truncated { .. }
            | Self::Transport { .. }
            | Self::RateLimited { .. } => true,
            // Somebody must change something first.
            _ => false,
        }
    }

    /// Whether the trouble is with the account or the way to it, so that no other call will do better.
    pub fn stops_everything(&self) -> bool {
        match self {
            Self::Unauthorized { .. }
            | Self::RateLimited { .. }
            | Self::Blocked { .. }
            | Self::RateLimitBlock { .. } => true,
            // Nobody listens there. A call that ran out of time may be one slow object.
            Self::Transport { source, .. } => source.is_connect(),
            _ => false,
        }
    }
}
