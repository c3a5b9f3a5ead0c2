//! One error type, cut by who must act.

use std::borrow::Cow;

/// What can go wrong, named by who can do something about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller sent something that cannot be accepted; `field` names the part.
    #[error("{field}: {message}")]
    Invalid {
        /// The field, parameter or option at fault.
        field: Cow<'static, str>,
        /// What is wrong with it, in words for the caller.
        message: String,
    },
    /// The caller sent a record that cannot be accepted: every fault in it.
    #[error("{}", in_words(.0))]
    Unprocessable(Vec<Fault>),
    /// The caller's change collides with another record or a newer state.
    #[error("{message}")]
    Conflict {
        /// Names the other record.
        message: String,
    },
    /// What the caller names is not there; says what, and what there is.
    #[error("{0}")]
    NotFound(String),
    /// The record is not as the caller has seen it any more.
    #[error("the record was changed meanwhile")]
    Changed,
    /// Codex has too much to do: the same call may succeed a little later.
    #[error("{0}")]
    Busy(&'static str),
    /// The caller may not do this at all (not even to own records).
    #[error("{0} is not permitted for this role")]
    Forbidden(&'static str),
    /// An outside system failed or refused.
    #[cfg(feature = "sync")]
    #[error("the upstream system could not be read")]
    Upstream(#[from] crate::sync::UpstreamError),
    /// A sync run ended before its work was done.
    #[error("{message}")]
    Sync {
        /// Why, as shown on the job.
        message: String,
    },
    /// Stored data does not make sense: a bug of ours or a hand-edited database.
    #[error("stored {what} is not valid")]
    Corrupt {
        /// The table or record.
        what: String,
        /// What the decoder said.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// The database refused or is out of reach.
    #[cfg(feature = "store")]
    #[error("the database failed")]
    Db(#[source] DbError),
    /// The database is of a kind or version that cannot be used.
    #[error("{0}")]
    Unsupported(String),
}

/// Why the database failed, in its own words.
#[cfg(feature = "store")]
#[derive(Debug)]
pub struct DbError(pub(crate) sqlx::Error);

#[cfg(feature = "store")]
impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            // Sqlx adds the line in the source of PostgreSQL, which says nothing to people.
            sqlx::Error::Database(error) => f.write_str(error.message()),
            // Says that it is of the database, as the error around this one does.
            sqlx::Error::Io(error) => write!(f, "{error}"),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(feature = "store")]
impl std::error::Error for DbError {}

/// One thing wrong with a record that was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the body.
    #[schema(example = "/name")]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Fault {
    /// A fault of a member of the body.
    pub fn at(member: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: format!("/{}", member.replace('~', "~0").replace('/', "~1")),
            detail: detail.into(),
        }
    }

    /// A fault of the body as a whole.
    pub fn of_all(detail: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            detail: detail.into(),
        }
    }

    /// The same within a larger body.
    pub fn within(mut self, place: &str) -> Self {
        self.pointer.insert_str(0, place);
        self
    }
}

fn in_words(faults: &[Fault]) -> String {
    let each = faults.iter().map(|fault| {
        format!(
            "{}: {}",
            fault.pointer.trim_start_matches('/'),
            fault.detail
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

impl Error {
    /// An [`Error::Invalid`] for one named field.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            message: message.into(),
        }
    }

    /// An [`Error::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict {
            message: message.into(),
        }
    }

    /// Whether the database cannot be reached or has no connection to give: the same call may succeed a
    /// little later.
    #[cfg(feature = "store")]
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Db(DbError(
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            )) => true,
            // A server that goes away while it is asked whether it speaks TLS; sqlx has no other word for it.
            Self::Db(DbError(sqlx::Error::Protocol(what))) if what.contains("SSLRequest") => true,
            // PostgreSQL: connection exceptions, shutdown and start of the server, too many connections, no memory, a
            // statement that took too long (https://www.postgresql.org/docs/current/errcodes-appendix.html).
            _ => self.code().is_some_and(|code| {
                code.starts_with("08")
                    || code.starts_with("57P0")
                    || ["53300", "53200", "57014"].contains(&&*code)
            }),
        }
    }

    /// Whether another transaction was in the way, so that this one was undone: the same call may succeed a
    /// little later.
    #[cfg(feature = "store")]
    pub fn is_in_the_way(&self) -> bool {
        // SQLITE_BUSY, which has several extended codes.
        if let Self::Db(DbError(sqlx::Error::Database(error))) = self
            && let Some(code) = crate::store::sqlite_code(&**error)
        {
            return code == 5;
        }
        // PostgreSQL: deadlock, serialization failure or conflict with the recovery of a copy, a lock that did not
        // come free in time.
        let code = self.code();
        code.is_some_and(|code| ["40P01", "40001", "55P03"].contains(&&*code))
    }

    /// Why the database could not be written, though it can be read: somebody must act, then the same call may
    /// succeed.
    #[cfg(feature = "store")]
    pub fn write_failure(&self) -> Option<crate::store::WriteFailure> {
        match self {
            Self::Db(DbError(error)) => crate::store::WriteFailure::of(error),
            _ => None,
        }
    }

    /// The database's own code of what it refused.
    #[cfg(feature = "store")]
    fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Db(DbError(sqlx::Error::Database(error))) => error.code(),
            _ => None,
        }
    }

    /// Whether another record has the same unique key: somebody else was faster.
    #[cfg(feature = "store")]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Db(DbError(sqlx::Error::Database(error))) if error.is_unique_violation())
    }

    /// The whole chain of causes in one line, for a log or a job's error text.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

#[cfg(feature = "store")]
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(DbError(error))
    }
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
