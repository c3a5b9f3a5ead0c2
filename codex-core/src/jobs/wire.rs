//! Sync jobs as JSON (contract 1.2.H).

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Job, JobStatus};

/// A sync that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobStarted {
    /// The job to ask for.
    pub job_id: String,
    /// For people.
    pub message: String,
    /// Always true.
    pub success: bool,
}

/// A sync job. Its keys are fixed (contract 1.2.H).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobOut {
    /// End, RFC 3339 in UTC.
    pub completed_at: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// UUID.
    pub id: String,
    /// Summary for people.
    pub output: Option<String>,
    /// `psa`, `rmm`.
    pub script: String,
    /// Start, RFC 3339 in UTC.
    pub started_at: String,
    /// `running`, `completed` or `failed`.
    pub status: JobStatus,
    /// Null while it runs.
    pub success: Option<bool>,
}

impl From<&Job> for JobOut {
    fn from(job: &Job) -> Self {
        let text =
            |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, false);
        Self {
            completed_at: job.completed_at.map(text),
            error: job.error.clone(),
            id: job.id.clone(),
            output: job.output.clone(),
            script: job.script.clone(),
            started_at: text(job.started_at),
            status: job.status,
            success: job.success,
        }
    }
}
