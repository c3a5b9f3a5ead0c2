//! Sync jobs as JSON (contract 1.2.H).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Job, JobReport, JobStatus};

/// A sync that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobStarted {
    /// The job's id.
    pub job_id: String,
    /// For people.
    pub message: String,
    /// Always true.
    pub success: bool,
}

// Contract 1.2.H.
/// A sync job. Its keys are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobOut {
    /// End, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// UUID.
    pub id: String,
    /// Summary for people.
    pub output: Option<String>,
    /// `psa`, `rmm`.
    pub script: String,
    /// Start, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub started_at: DateTime<Utc>,
    /// `running`, `completed` or `failed`.
    pub status: JobStatus,
    /// Null while it runs.
    pub success: Option<bool>,
}

impl From<&Job> for JobOut {
    fn from(job: &Job) -> Self {
        Self {
            completed_at: job.completed_at,
            error: job.error.clone(),
            id: job.id.clone(),
            output: job.output.clone(),
            script: job.script.clone(),
            started_at: job.started_at,
            status: job.status.of_contract(),
            success: job.success,
        }
    }
}

/// A sync job with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobDetailOut {
    /// End, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// UUID.
    pub id: String,
    /// The source.
    pub provider: Option<String>,
    /// Counts, scopes, issues, calls, stage and percentage.
    pub report: JobReport,
    /// `psa`, `rmm`.
    pub script: String,
    /// Start, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub started_at: DateTime<Utc>,
    /// `queued`, `running`, `completed`, `failed` or `cancelled`.
    pub status: JobStatus,
    /// The sync, by the name that starts it: `freshservice`, `datto-audits`. Null from a Codex that does not
    /// say.
    #[serde(default)]
    #[schema(example = "datto-audits")]
    pub sync: Option<String>,
    /// Part of the source's work, such as `base` or `tickets`.
    pub sync_type: Option<String>,
}

#[cfg(feature = "sync")]
impl From<&Job> for JobDetailOut {
    fn from(job: &Job) -> Self {
        let out = JobOut::from(job);
        Self {
            completed_at: out.completed_at,
            error: out.error,
            id: out.id,
            provider: job.provider.clone(),
            report: job.report.clone(),
            script: out.script,
            started_at: out.started_at,
            status: job.status,
            sync: Some(job.sync().to_owned()),
            sync_type: job.sync_type.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_job_has_the_contract_keys_in_order() {
        let job = Job {
            id: "j".into(),
            script: "psa".into(),
            provider: Some("freshservice".into()),
            sync_type: Some("base".into()),
            status: JobStatus::Running,
            started_at: chrono::DateTime::UNIX_EPOCH,
            completed_at: None,
            output: None,
            error: None,
            success: None,
            report: JobReport::default(),
            started_by: None,
        };
        assert_eq!(
            serde_json::to_string(&JobOut::from(&job)).unwrap(),
            r#"{"completed_at":null,"error":null,"id":"j","output":null,"script":"psa","#
                .to_owned()
                + r#""started_at":"1970-01-01T00:00:00.000000+00:00","status":"running","#
                + r#""success":null}"#
        );
    }

    #[test]
    fn started_job_has_the_contract_keys_in_order() {
        let started = JobStarted {
            job_id: "j".into(),
            message: "Sync started.".into(),
            success: true,
        };
        assert_eq!(
            serde_json::to_string(&started).unwrap(),
            r#"{"job_id":"j","message":"Sync started.","success":true}"#
        );
    }
}
