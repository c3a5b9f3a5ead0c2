//! Health as JSON (contract 1.2.A).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Health of a part; later values are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Healthy,
    /// It works, but somebody should look.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// The health of the service and of what it needs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HealthOut {
    /// `codex`.
    pub service: String,
    /// The worst of the checks; a dependency counts as degraded at most.
    pub status: Status,
    /// UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub timestamp: DateTime<Utc>,
    /// The checks.
    pub checks: ChecksOut,
}

/// What was checked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChecksOut {
    /// The database.
    pub database: DatabaseOut,
    /// Space on the fullest of the disks that hold the instance folder and an embedded database.
    pub disk: DiskOut,
    /// Other services.
    pub dependencies: DependenciesOut,
    /// Scheduled syncs that are late; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourcesOut>,
}

/// Scheduled syncs that are late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourcesOut {
    /// Degraded.
    pub status: Status,
    /// Which.
    pub late: Vec<LateSourceOut>,
}

/// A source that has not completed for three of its intervals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LateSourceOut {
    /// Name of its schedule, such as `tickets`.
    pub schedule: String,
    /// The source, such as `freshservice.tickets`.
    pub source: String,
    /// When it last completed, RFC 3339 in UTC; absent when it never has.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "crate::times::rfc3339_micros"
    )]
    pub last_completed_at: Option<DateTime<Utc>>,
}

/// The database.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatabaseOut {
    /// Healthy when it answers and can be written.
    pub status: Status,
    /// How long a statement took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// `postgresql` or `sqlite`.
    #[serde(rename = "type")]
    pub engine: String,
    /// Why it is unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Space on a file system.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DiskOut {
    /// Degraded from 85 %, unhealthy from 95 %.
    pub status: Status,
    /// Used, of what may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_percent: Option<f64>,
    /// Free for the service, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_gb: Option<f64>,
    /// Size, in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_gb: Option<f64>,
    /// Why it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Other services.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DependenciesOut {
    /// HiveMatrix Core.
    pub core: DependencyOut,
}

/// Another service.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DependencyOut {
    /// Healthy when it says so.
    pub status: Status,
    /// How long its answer took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_time_ms: Option<u64>,
    /// Its status, when it is not 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Why there was no answer: `timeout`, `connection_refused`, or words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Addresses to begin with, as the caller reaches them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RootOut {
    /// The API as a page.
    #[schema(example = "/codex/docs/")]
    pub docs: String,
    /// Health of the service.
    #[schema(example = "/codex/health")]
    pub health: String,
    /// The API description.
    #[schema(example = "/codex/openapi.json")]
    pub openapi: String,
    /// `codex`.
    #[schema(example = "codex")]
    pub service: String,
}
