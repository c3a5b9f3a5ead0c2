//! The two ways to Codex: its database in this process, or a daemon over HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use codex_client::{Client, Etag};
use codex_core::{
    Codex, Outcome, PlannedChanges, Scope, bulk::DryRunOut, companies::Company, records::Author,
};
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::{
    errors::{Failure, Result, closed},
    runtime,
};

/// The database in this process, and who works on it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub codex: Codex,
    pub scope: Scope,
    pub actor: String,
}

/// A way to Codex. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Store(Store),
    Http(Client),
}

/// An open connection, shared by all objects that were made with it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub backend: Backend,
    /// What people call it: never with a password.
    pub name: String,
    runtime: &'static Runtime,
    pid: u32,
    is_closed: AtomicBool,
}

/// How a change is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// Change nothing, and return what would change.
    pub dry_run: bool,
    /// Only if the record is still in this state.
    pub if_match: Option<String>,
}

/// What came of a change.
#[derive(Debug)]
pub(crate) enum Changed<T> {
    Applied(T),
    Planned(DryRunOut),
}

impl Connection {
    pub(crate) fn new(backend: Backend, name: String, runtime: &'static Runtime) -> Arc<Self> {
        Arc::new(Self {
            backend,
            name,
            runtime,
            pid: std::process::id(),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Refuses what is closed, and what belongs to the parent process.
    pub(crate) fn check(&self) -> PyResult<()> {
        if self.pid != std::process::id() {
            let why = "opened before fork: open it again in the child process";
            return Err(closed(why));
        }
        if self.is_closed.load(Ordering::Acquire) {
            return Err(closed("the connection is closed"));
        }
        Ok(())
    }

    /// Waits for an answer while other threads of Python run.
    pub(crate) fn wait<T: Send>(
        &self,
        py: Python<'_>,
        future: impl Future<Output = Result<T>> + Send,
    ) -> PyResult<T> {
        self.check()?;
        Ok(runtime::wait(py, self.runtime, future)??)
    }

    /// Lets something run while nobody waits for it.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> PyResult<()> {
        self.check()?;
        self.runtime.spawn(future);
        Ok(())
    }

    /// Closes it, once: running syncs are cancelled. In a child process nothing is done, because it is the parent's.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let is_first = !self.is_closed.swap(true, Ordering::AcqRel);
        if is_first
            && self.pid == std::process::id()
            && let Backend::Store(store) = &self.backend
        {
            runtime::wait(py, self.runtime, store.codex.close())?;
        }
        Ok(())
    }
}

impl Store {
    /// Who makes a change, and under which conditions.
    pub(crate) fn author(&self, change: &Change) -> Result<Author> {
        let mut author = Author::new(self.actor.clone(), self.codex.now());
        author.dry_run = change.dry_run;
        author.unchanged_since = change.if_match.as_deref().map(version).transpose()?;
        Ok(author)
    }

    /// A company by its account number, or one that it had before.
    pub(crate) async fn company(&self, account_number: &str) -> Result<Company> {
        let company = self.codex.company(&self.scope, account_number).await?;
        company.ok_or_else(|| Failure::NotFound(format!("there is no company {account_number}")))
    }
}

/// How the version of a record in the database is written.
pub(crate) fn version_text(updated_at: DateTime<Utc>) -> String {
    updated_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

fn version(text: &str) -> Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text);
    let wrong = |_| Failure::Invalid(format!("if_match: `{text}` is not a version of a record"));
    time.map(|time| time.to_utc()).map_err(wrong)
}

impl Change {
    /// The tag of the state that must still be there, over HTTP.
    pub(crate) fn etag(&self) -> Option<Etag> {
        self.if_match.clone().map(Etag::from)
    }
}

impl<T> Changed<T> {
    pub(crate) fn of(outcome: Outcome<T>) -> Self {
        match outcome {
            Outcome::Applied(value) => Self::Applied(value),
            Outcome::Planned(planned) => Self::Planned(planned_out(planned)),
        }
    }

    pub(crate) fn map<U>(self, say: impl FnOnce(T) -> U) -> Changed<U> {
        match self {
            Self::Applied(value) => Changed::Applied(say(value)),
            Self::Planned(planned) => Changed::Planned(planned),
        }
    }

    /// That it was made, without what it gave.
    pub(crate) fn without_value(self) -> Changed<()> {
        self.map(|_| ())
    }
}

fn planned_out(planned: PlannedChanges) -> DryRunOut {
    DryRunOut {
        changes: planned.changes,
        dry_run: true,
        rows: planned.rows,
    }
}

/// Sends a change over HTTP, or asks what it would change.
macro_rules! send {
    ($pending:expr, $change:expr) => {{
        let pending = $pending;
        if $change.dry_run {
            $crate::backend::Changed::Planned(pending.dry_run().await?)
        } else {
            $crate::backend::Changed::Applied(pending.await?)
        }
    }};
}
pub(crate) use send;

/// The same of a change that may be bound to a state of its record.
macro_rules! send_if {
    ($pending:expr, $change:expr) => {{
        let pending = $pending;
        let pending = match $change.etag() {
            Some(tag) => pending.if_match(&tag),
            None => pending,
        };
        $crate::backend::send!(pending, $change)
    }};
}
pub(crate) use send_if;
