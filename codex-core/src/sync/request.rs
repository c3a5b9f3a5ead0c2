//! What somebody asks a source for.

use chrono::{DateTime, Datelike as _, Utc};

use super::{Source, SyncKind};
use crate::{Error, Result, dates::EVENTS};

/// A sync of a part; complete unless it is narrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The part.
    pub part: SyncKind,
    /// Only what changed since then, where the source can tell; where it would begin stays where it is.
    pub since: Option<DateTime<Utc>>,
    /// The only lists to be read; all when there are none.
    pub scopes: Vec<String>,
    /// Whether the job only shows what the sync would change.
    pub dry_run: bool,
    /// Who asks: a user's Keycloak id, `service:<name>`, `schedule`.
    pub started_by: Option<String>,
}

impl From<SyncKind> for Request {
    fn from(part: SyncKind) -> Self {
        Self {
            part,
            since: None,
            scopes: Vec::new(),
            dry_run: false,
            started_by: None,
        }
    }
}

impl Request {
    /// The same with who asks for it.
    pub fn by(self, who: impl Into<String>) -> Self {
        Self {
            started_by: Some(who.into()),
            ..self
        }
    }

    /// The same as a job that only shows what the sync would change.
    pub fn as_dry_run(self) -> Self {
        Self {
            dry_run: true,
            ..self
        }
    }

    /// Refuses what a source cannot do.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `since` or `scope`.
    pub(crate) fn check(&self, source: &dyn Source, now: DateTime<Utc>) -> Result<()> {
        let name = source.name();
        if self
            .since
            .is_some_and(|since| !EVENTS.contains(&since.year()))
        {
            return Err(Error::invalid("since", "must be of the year 1970 or later"));
        }
        if self.since.is_some_and(|since| since > now) {
            return Err(Error::invalid("since", "is in the future"));
        }
        if self.since.is_some() && !source.knows_changes() {
            let message = format!("{name} cannot tell what changed; only tickets can");
            return Err(Error::invalid("since", message));
        }
        let known = source.scopes();
        for scope in &self.scopes {
            if !known.contains(&scope.as_str()) {
                let message = if known.is_empty() {
                    format!("{name} is synced as a whole")
                } else {
                    format!(
                        "`{scope}` is not a part of {name}, which has {}",
                        known.join(", ")
                    )
                };
                return Err(Error::invalid("scope", message));
            }
        }
        Ok(())
    }
}
