//! Tickets as JSON (contract 1.2.B, 1.2.C). `id` and `ticket_id` are the ticket's number everywhere.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::companies::ComplianceLevel;

// Contract 1.2.C.
/// A ticket of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TicketOut {
    /// When it was closed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub closed_at: Option<DateTime<Utc>>,
    /// Compliance level of the company.
    pub company_compliance_level: ComplianceLevel,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// When it was opened.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: Option<DateTime<Utc>>,
    /// Text without markup.
    pub description_text: Option<String>,
    /// Number of the ticket, the PSA's.
    pub id: i64,
    // consumers 0 #5.
    /// When it last changed; never null, always with an offset.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_updated_at: DateTime<Utc>,
    /// `low`, `medium`, `high` or `urgent`; null when unknown.
    pub priority: Option<String>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// `open`, `pending`, `closed` or as the account calls it; null when unknown.
    pub status: Option<String>,
    /// Subject, one line.
    pub subject: Option<String>,
    /// The number as text.
    pub ticket_number: String,
    /// Hours worked; 0 until they were read.
    pub total_hours_spent: f64,
}

/// Part of a list of tickets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TicketsOut {
    /// How many tickets this part holds.
    pub count: usize,
    /// The most that this part could hold.
    pub limit: i64,
    /// How many were passed over.
    pub offset: i64,
    /// The tickets, last changed first.
    pub tickets: Vec<TicketOut>,
    /// How many the whole list holds.
    pub total: i64,
}

/// A conversation of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConversationOut {
    /// Text without markup.
    pub body: String,
    /// HTML as the PSA has it.
    pub body_html: String,
    /// When it was written.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: Option<DateTime<Utc>>,
    /// Address of who wrote it.
    pub from_email: Option<String>,
    /// The PSA's id; null for a note written in Codex.
    pub id: Option<i64>,
    /// Whether the client wrote it.
    pub incoming: bool,
    /// Whether the client may not see it.
    pub private: bool,
    /// Our address that it came to or went out by.
    pub support_email: Option<String>,
    /// The same as `body`: some modules read this name.
    pub text: String,
    /// Addresses of who got it.
    pub to_emails: Vec<String>,
    /// When it was last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: Option<DateTime<Utc>>,
    /// Who wrote a note here: a login name, `system` for a service; null for what came from the PSA.
    pub user: Option<String>,
    /// PSA id of who wrote it.
    pub user_id: Option<i64>,
}

/// Time worked on a ticket; for staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeEntryOut {
    /// PSA id of who worked.
    pub agent_id: Option<i64>,
    /// Whether it is billed.
    pub billable: Option<bool>,
    /// When it was entered.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: Option<DateTime<Utc>>,
    /// The day that it counts for.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub executed_at: Option<DateTime<Utc>>,
    /// The PSA's id.
    pub id: i64,
    /// Minutes; null while the timer runs, and when the PSA sends no readable time.
    pub minutes: Option<i64>,
    /// What was done.
    pub note: Option<String>,
    /// Whether the timer runs.
    pub running: Option<bool>,
    /// When the timer was started.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub started_at: Option<DateTime<Utc>>,
    /// PSA id of the task of the ticket that was worked on.
    pub task_id: Option<i64>,
    /// When it was last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: Option<DateTime<Utc>>,
}

// Contract 1.2.C.
/// A ticket with its conversations and notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TicketDetailOut {
    /// The fields of a list.
    #[serde(flatten)]
    pub ticket: TicketOut,
    /// Name of the company.
    pub company_name: Option<String>,
    /// What was said to and by the client, oldest first.
    pub conversations: Vec<ConversationOut>,
    /// HTML.
    pub description: Option<String>,
    /// The PSA's id.
    pub external_id: Option<i64>,
    /// Private notes, oldest first.
    pub notes: Vec<ConversationOut>,
    /// Priority for people.
    pub priority_text: String,
    /// The PSA.
    pub source: Option<String>,
    /// Status for people.
    pub status_text: String,
    /// The same as `last_updated_at`.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: DateTime<Utc>,
}

// Contract 1.2.B.
/// A ticket of a company, with its conversations and notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompanyTicketOut {
    /// When it was closed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub closed_at: Option<DateTime<Utc>>,
    /// What was said to and by the client, oldest first.
    pub conversations: Vec<ConversationOut>,
    /// When it was opened.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: Option<DateTime<Utc>>,
    /// HTML.
    pub description: Option<String>,
    /// Text without markup.
    pub description_text: Option<String>,
    // consumers 0 #5.
    /// When it last changed; never null, always with an offset.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_updated_at: DateTime<Utc>,
    /// Private notes, oldest first.
    pub notes: Vec<ConversationOut>,
    /// `low`, `medium`, `high` or `urgent`; null when unknown.
    pub priority: Option<String>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// `open`, `pending`, `closed` or as the account calls it; null when unknown.
    pub status: Option<String>,
    /// Subject, one line.
    pub subject: Option<String>,
    /// Number of the ticket, the PSA's.
    pub ticket_id: i64,
    /// The number as text.
    pub ticket_number: String,
    /// Hours worked; 0 until they were read.
    pub total_hours_spent: f64,
}

// Contract 1.2.C.
/// An active ticket as Beacon shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActiveTicketOut {
    /// Name of the PSA agent, `Agent <id>` for an unknown one, or `Unassigned`.
    pub agent_name: String,
    /// When an agent last responded.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub agent_responded_at: Option<DateTime<Utc>>,
    /// The same in words, such as `2h ago`.
    pub agent_responded_friendly: String,
    /// Account number of its company; null when it has none.
    pub company_id: Option<String>,
    /// When it was created.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at_str: Option<DateTime<Utc>>,
    /// Its age in days, such as `Today` or `3 days old`.
    pub created_days_old: String,
    /// Its description without markup.
    pub description_text: Option<String>,
    /// When it is due.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub due_by_str: Option<DateTime<Utc>>,
    /// When the first response was sent; null when none was.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub first_responded_at_iso: Option<DateTime<Utc>>,
    /// When the first response is due.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub fr_due_by_str: Option<DateTime<Utc>>,
    /// Id of its group at the PSA.
    pub group_id: Option<i64>,
    /// Number of the ticket, the PSA's.
    pub id: i64,
    /// Priority as a word, such as `high`.
    pub priority: Option<String>,
    /// Priority as a number, 1 (low) to 4 (urgent).
    pub priority_id: Option<i64>,
    /// The same as `priority_id`.
    pub priority_raw: Option<i64>,
    /// Label of the priority, such as `High`.
    pub priority_text: String,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Id of the requester at the PSA.
    pub requester_id: Option<i64>,
    /// Name of the requester, `Requester <id>` for an unknown one, or `N/A`.
    pub requester_name: String,
    /// Id of the PSA agent; null when nobody is assigned.
    pub responder_id: Option<i64>,
    /// Class of `sla_text`, such as `sla-overdue`.
    pub sla_class: String,
    /// What is due next, such as `2.5 hours for FR`.
    pub sla_text: String,
    /// The source that has it, such as `freshservice`.
    pub source: Option<String>,
    /// Status as a word, such as `open`.
    pub status: Option<String>,
    /// Status as the number that the PSA has.
    pub status_id: Option<i64>,
    /// Label of the status, such as `Open`.
    pub status_text: String,
    /// Subject.
    pub subject: Option<String>,
    /// The number as text.
    pub ticket_number: String,
    /// The same as `type`.
    pub ticket_type: Option<String>,
    /// Hours worked; 0 until they were read.
    pub total_hours_spent: f64,
    /// `Incident` or `Service Request`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// When it last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at_str: Option<DateTime<Utc>>,
    /// The same in words, such as `5m ago`.
    pub updated_friendly: String,
}

// Contract 1.2.C.
/// The board of active tickets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActiveOut {
    /// When tickets were last synced.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_sync_time: Option<DateTime<Utc>>,
    /// When the board was made.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_updated: DateTime<Utc>,
    /// Waiting for an answer.
    pub section1: Vec<ActiveTicketOut>,
    /// The customer replied.
    pub section2: Vec<ActiveTicketOut>,
    /// Overdue for an update.
    pub section3: Vec<ActiveTicketOut>,
    /// Waiting.
    pub section4: Vec<ActiveTicketOut>,
    /// How many there are in all, those among them that are in no section because there are too many.
    pub total_active: usize,
}

// Contract 1.2.C.
/// An update of a ticket. An unknown key is an error, so that a note under a wrong key is not lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TicketUpdateIn {
    /// Accepted and ignored, as the Flask service does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<Value>,
    /// A private note to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Word or label of the new status, such as `open`, `in_progress`, `resolved` or `closed`. A word that the
    /// account has no status for means the nearest one, which the answer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

// Contract 1.2.C.
/// The result of a ticket update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketUpdateOut {
    /// What was done and what was not, for people.
    pub message: String,
    /// Keys of the body that changed nothing; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_done: Vec<String>,
    /// True.
    pub success: bool,
    /// Limit of the page.
    pub ticket_id: i64,
}
