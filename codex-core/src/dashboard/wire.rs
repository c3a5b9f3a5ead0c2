//! The dashboard as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::jobs::JobStatus;

/// The numbers of the dashboard. What a role may not see is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DashboardOut {
    /// Devices.
    pub assets: DashboardAssetsOut,
    /// Contracts and plans; null for clients.
    pub contracts: Option<DashboardContractsOut>,
    /// How many records there are.
    pub counts: DashboardCountsOut,
    /// Open tickets of the caller, as the PSA agent with the caller's e-mail address; null where there is none.
    pub own: Option<OwnTicketsOut>,
    /// What waits for a person; null for clients.
    pub pending: Option<PendingOut>,
    /// Syncs of the last 14 days: an entry for each source and day with a job; null for clients.
    pub syncs: Option<Vec<SyncDayOut>>,
    /// Tickets.
    pub tickets: DashboardTicketsOut,
}

/// How many records there are that the caller sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardCountsOut {
    /// People who log in; null for all but administrators.
    #[schema(example = 12)]
    pub agents: Option<i64>,
    /// Devices.
    #[schema(example = 3000)]
    pub assets: i64,
    /// Names of billing plans; null for clients.
    #[schema(example = 6)]
    pub billing_plans: Option<i64>,
    /// Companies with an account number.
    #[schema(example = 240)]
    pub companies: i64,
    /// People at companies.
    #[schema(example = 4200)]
    pub contacts: i64,
    /// Open tickets.
    #[schema(example = 312)]
    pub open_tickets: i64,
}

/// Tickets in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DashboardTicketsOut {
    /// Open tickets of the ten companies that have the most.
    pub by_company: Vec<CompanyTicketsOut>,
    /// Open tickets by priority, the most urgent first.
    pub by_priority: Vec<PriorityTicketsOut>,
    /// The ten open tickets that were opened last.
    pub newest: Vec<DashboardTicketOut>,
    /// Open tickets.
    #[schema(example = 312)]
    pub open: i64,
    /// Words of the statuses that count as open, as far as tickets have them.
    #[schema(example = json!(["open", "pending"]))]
    pub open_statuses: Vec<String>,
    /// Open tickets whose resolution was due before now.
    #[schema(example = 17)]
    pub overdue: i64,
    /// The last 26 weeks, the current one last.
    pub weeks: Vec<TicketWeekOut>,
}

/// Open tickets of a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CompanyTicketsOut {
    /// The company; null for tickets of no company.
    #[schema(example = "100001")]
    pub account_number: Option<String>,
    /// Its name.
    #[schema(example = "Acme GmbH")]
    pub name: Option<String>,
    /// Open tickets.
    #[schema(example = 12)]
    pub open: i64,
    /// Those whose resolution was due before now.
    #[schema(example = 3)]
    pub overdue: i64,
}

/// Open tickets of a priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PriorityTicketsOut {
    /// Open tickets.
    #[schema(example = 12)]
    pub open: i64,
    /// `urgent`, `high`, `medium` or `low`; null for tickets without a priority that has a word.
    #[schema(example = "high")]
    pub priority: Option<String>,
}

/// Tickets of a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketWeekOut {
    /// Tickets that were closed in the week.
    #[schema(example = 71)]
    pub closed: i64,
    /// Tickets that were opened in the week.
    #[schema(example = 74)]
    pub opened: i64,
    /// Its Monday, at midnight UTC.
    #[schema(example = "2026-01-05")]
    pub week: String,
}

/// An open ticket in a short list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardTicketOut {
    /// Its company; null for none.
    pub company_account_number: Option<String>,
    /// Name of its company.
    pub company_name: Option<String>,
    /// When its resolution is due.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub due_by: Option<DateTime<Utc>>,
    /// Whether that was before now.
    #[schema(example = false)]
    pub is_overdue: bool,
    /// Its number.
    #[schema(example = 40231)]
    pub number: i64,
    /// When it was opened.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub opened_at: Option<DateTime<Utc>>,
    /// Word of its priority.
    #[schema(example = "high")]
    pub priority: Option<String>,
    /// Word of its status.
    #[schema(example = "open")]
    pub status: Option<String>,
    /// Subject.
    pub subject: Option<String>,
}

/// Open tickets of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnTicketsOut {
    /// How many there are.
    #[schema(example = 8)]
    pub open: i64,
    /// Those whose resolution was due before now.
    #[schema(example = 2)]
    pub overdue: i64,
    /// Id of the caller as an agent of the PSA, as tickets name it.
    #[schema(example = 21001)]
    pub responder_id: i64,
    /// The ten that are due first.
    pub tickets: Vec<DashboardTicketOut>,
}

/// Devices in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardAssetsOut {
    /// Devices that are offline.
    #[schema(example = 196)]
    pub offline: i64,
    /// Devices that are online.
    #[schema(example = 2804)]
    pub online: i64,
    /// Devices by operating system: the ten most frequent.
    pub operating_systems: Vec<NamedCountOut>,
    /// Devices by the RMM's word for their patch state, the ten most frequent; null for clients.
    pub patch_states: Option<Vec<NamedCountOut>>,
    /// Devices of which it is not known whether they are online.
    #[schema(example = 0)]
    pub unknown: i64,
    /// Devices that are offline and were last seen today (UTC), the latest first: ten at most.
    pub went_offline: Vec<DashboardAssetOut>,
    /// How many of these there are.
    #[schema(example = 4)]
    pub went_offline_today: i64,
}

/// How many records have a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedCountOut {
    /// How many.
    #[schema(example = 1200)]
    pub count: i64,
    /// The value; null for records without one.
    #[schema(example = "Microsoft Windows 11 Pro")]
    pub name: Option<String>,
}

/// A device in a short list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct DashboardAssetOut {
    /// Its company; null for none.
    pub company_account_number: Option<String>,
    /// Name of its company.
    pub company_name: Option<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Id.
    pub id: i64,
    /// When it was last seen.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_seen: Option<DateTime<Utc>>,
}

/// Contracts and plans in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardContractsOut {
    /// Contracts that end within 90 days, the first first: ten at most.
    pub ending: Vec<DashboardContractOut>,
    /// How many contracts end within 90 days.
    #[schema(example = 9)]
    pub ending_soon: i64,
    /// Contracts that end in each of the next twelve months, the current one first.
    pub months: Vec<ContractMonthOut>,
    /// Companies without a billing plan.
    #[schema(example = 14)]
    pub without_plan: i64,
    /// The first ten of these, by name.
    pub without_plan_companies: Vec<DashboardContractOut>,
}

/// A company in a short list, with the end of its contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardContractOut {
    /// Account number.
    #[schema(example = "100001")]
    pub account_number: String,
    /// End of the contract as the company has it; null when it has none.
    pub contract_end_date: Option<String>,
    /// Name.
    #[schema(example = "Acme GmbH")]
    pub name: String,
}

/// Contracts that end in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContractMonthOut {
    /// How many.
    #[schema(example = 3)]
    pub ending: i64,
    /// The month.
    #[schema(example = "2026-01")]
    pub month: String,
}

/// What waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct PendingOut {
    /// Duplicate candidates that nobody has decided.
    #[schema(example = 3)]
    pub duplicates: i64,
    /// Deletions that are held.
    #[schema(example = 1)]
    pub held_deletions: i64,
    /// Changes in the outbox that a vendor has refused.
    #[schema(example = 0)]
    pub outbox_failed: i64,
    /// Changes in the outbox that will be sent.
    #[schema(example = 2)]
    pub outbox_waiting: i64,
}

/// Jobs of a source on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncDayOut {
    /// The day.
    #[schema(example = "2026-01-05")]
    pub day: String,
    /// How many of them failed.
    #[schema(example = 1)]
    pub failed: i64,
    /// The newest job that failed; the newest of all where none did.
    pub job_id: String,
    /// How many jobs began on the day.
    #[schema(example = 96)]
    pub jobs: i64,
    /// The source.
    #[schema(example = "freshservice")]
    pub source: String,
    /// Status of that job.
    pub status: JobStatus,
}
