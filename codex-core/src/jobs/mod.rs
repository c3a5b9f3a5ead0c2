//! Sync jobs: what ran, when, and how it ended.

#[cfg(feature = "sync")]
mod dead;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "sync")]
pub mod record_issues;
#[cfg(feature = "sync")]
pub(crate) mod service;
mod sync_kind;
pub mod wire;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::plural::count_of;
pub use sync_kind::SyncKind;

/// The script of jobs that only show what a sync would change; their type is the name of the sync. No question for
/// the last job of a sync finds them.
pub const DRY_RUN: &str = "dry-run";

/// The counter of runs that have ended, with the labels `source` and `status`.
pub const RUN_COUNTER: &str = "codex_sync_runs_total";

/// The error of a job whose process is gone.
pub const PROCESS_GONE: &str = "the process that ran this job ended before the job did";

words! {
    /// The status of a job.
    pub enum JobStatus {
        /// Waits for another run of the same source to end.
        Queued = "queued",
        /// Running.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Ended before its work was done.
        Failed = "failed",
        /// Ended by a person or a stop of the daemon.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The status in words that today's modules know: they wait for `completed` or `failed`.
    pub fn of_contract(self) -> Self {
        match self {
            Self::Queued => Self::Running,
            Self::Cancelled => Self::Failed,
            other => other,
        }
    }
}

/// What a run did to one kind of record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Counts {
    /// Items read from the source.
    pub seen: u64,
    /// Records created.
    pub created: u64,
    /// Records changed.
    pub updated: u64,
    /// Items whose payload was the same as last time.
    pub unchanged: u64,
    /// Records restored.
    pub restored: u64,
    /// Records retired after the source confirmed that they are gone.
    pub deleted: u64,
    /// Records missing, not yet confirmed gone.
    pub missing: u64,
    /// Records whose deletion waits for a person.
    pub held: u64,
    /// Items that could not be read.
    pub failed: u64,
}

impl Counts {
    /// Each count with its word, in the order in which people read them.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("seen", self.seen),
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("restored", self.restored),
            ("deleted", self.deleted),
            ("missing", self.missing),
            ("held", self.held),
            ("unreadable", self.failed),
        ]
    }
}

/// How one scope of a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScopeResult {
    /// Whether absence in this scope proves anything: every page and the end marker arrived, counts agree.
    pub certified: bool,
    /// Items seen.
    pub seen: u64,
    /// Why it is not certified, or what was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Progress and result of a run, kept as JSON on the job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct JobReport {
    /// By kind of record.
    pub counts: BTreeMap<String, Counts>,
    /// By scope, as far as they are of interest: all that failed, and the wide ones.
    pub scopes: BTreeMap<String, ScopeResult>,
    /// Items and conflicts that a person should look at, the first hundred.
    pub issues: Vec<String>,
    /// What was done or would be done outside Codex, the first hundred.
    pub notes: Vec<String>,
    /// How many issues there were in all.
    pub issue_count: u64,
    /// Calls made to the vendor.
    pub calls: u64,
    /// What the run is doing.
    pub stage: String,
    /// Progress, 0 to 100; null when unknown.
    pub percent: Option<u8>,
    /// Status with which the vendor refused what was to be read, if that ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<u16>,
}

/// A sync job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// UUID.
    pub id: String,
    /// `psa`, `rmm`, ... (contract 1.2.H).
    pub script: String,
    /// The source.
    pub provider: Option<String>,
    /// Part of the source's work, such as `base`.
    pub sync_type: Option<String>,
    /// Its status.
    pub status: JobStatus,
    /// Start.
    pub started_at: DateTime<Utc>,
    /// Who started it: a user's Keycloak id, `service:<name>`, `schedule`; `None` when that is unknown.
    pub started_by: Option<String>,
    /// End.
    pub completed_at: Option<DateTime<Utc>>,
    /// Summary for people.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// `None` while it runs.
    pub success: Option<bool>,
    /// Counts, scopes, issues, progress.
    pub report: JobReport,
}

#[cfg(feature = "sync")]
impl Job {
    /// Whether it only shows what a sync would change.
    pub fn is_dry_run(&self) -> bool {
        self.script == DRY_RUN
    }

    /// The vendor of its source.
    pub fn vendor(&self) -> Option<&str> {
        let provider = self.provider.as_deref()?;
        provider.split('.').next()
    }

    /// The name of its sync, of a stored job too that no sync of today is.
    pub fn sync(&self) -> &str {
        match SyncKind::of_job(&self.script, self.sync_type.as_deref()) {
            // Other vendors may be the PSA or RMM; their runs have the vendor's name.
            Some(SyncKind::Psa | SyncKind::Rmm) => self.provider.as_deref().unwrap_or(&self.script),
            Some(part) => part.name(),
            None => &self.script,
        }
    }
}

impl std::fmt::Display for JobReport {
    /// A few lines for people: counts by kind as far as they are not zero, scopes that are not certified, issues.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (kind, c) in &self.counts {
            let counts = c.named().into_iter().filter(|(_, count)| *count > 0);
            let counts: Vec<String> = counts
                .map(|(name, count)| format!("{count} {name}"))
                .collect();
            let counts = if counts.is_empty() {
                "nothing".to_owned()
            } else {
                counts.join(", ")
            };
            writeln!(f, "{kind}: {counts}")?;
        }
        for (scope, result) in self
            .scopes
            .iter()
            .filter(|(_, result)| result.reason.is_some())
        {
            writeln!(
                f,
                "{scope}: {}",
                result.reason.as_deref().unwrap_or_default()
            )?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for issue in &self.issues {
            writeln!(f, "- {issue}")?;
        }
        write!(f, "{}", count_of(self.calls, "call"))?;
        if self.issue_count > 0 {
            write!(f, ", {}", count_of(self.issue_count, "issue"))?;
        }
        Ok(())
    }
}
