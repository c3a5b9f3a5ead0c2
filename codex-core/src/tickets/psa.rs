//! Tickets as the PSA's routes show them (contract 1.2.E).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ticket, status::Statuses};

/// What is shown for a company that is not known.
const UNKNOWN: &str = "Unknown";
/// What is shown for a ticket that nobody works on.
const UNASSIGNED: &str = "Unassigned";

/// What both lists show of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PsaTicketBase {
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Name of the company; `Unknown` when there is none.
    pub company_name: String,
    /// When it was opened.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: Option<DateTime<Utc>>,
    /// The PSA's id.
    pub external_id: Option<i64>,
    /// PSA id of the team.
    pub group_id: Option<i64>,
    /// Number of the ticket, the PSA's.
    pub id: i64,
    /// `low`, `medium`, `high` or `urgent`; null when unknown.
    pub priority: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// PSA id of who works on it.
    pub responder_id: Option<i64>,
    /// The PSA.
    pub source: Option<String>,
    /// `open`, `pending`, `closed` or as the account calls it; null when unknown.
    pub status: Option<String>,
    /// Subject, one line.
    pub subject: Option<String>,
    /// The number as text.
    pub ticket_number: String,
    /// When it last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: DateTime<Utc>,
}

/// A ticket of the PSA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PsaTicketOut {
    /// What both lists show.
    #[serde(flatten)]
    pub base: PsaTicketBase,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Hours worked; null until they were read.
    pub total_hours: Option<f64>,
}

/// A ticket of the PSA that somebody works on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PsaActiveTicketOut {
    /// What both lists show.
    #[serde(flatten)]
    pub base: PsaTicketBase,
    /// When it must be solved.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub due_by: Option<DateTime<Utc>>,
    /// When it must be answered.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub fr_due_by: Option<DateTime<Utc>>,
    /// Who works on it; `Unassigned` when nobody does.
    pub responder_name: String,
}

impl PsaTicketBase {
    fn new(ticket: &Ticket, statuses: &Statuses) -> Self {
        let fields = &ticket.fields;
        let company = ticket.company_name.clone();
        Self {
            company_id: ticket.account_number.clone(),
            company_name: company.unwrap_or_else(|| UNKNOWN.to_owned()),
            created_at: fields.opened_at,
            external_id: fields.external_id,
            group_id: fields.group_id,
            id: fields.number,
            priority: super::convert::priority_word(fields.priority_id),
            requester_name: ticket.requester.clone(),
            responder_id: fields.responder_id,
            source: fields.external_source.clone(),
            status: ticket.status(statuses).map(|status| status.word),
            subject: fields.subject.clone(),
            ticket_number: fields.number.to_string(),
            updated_at: ticket.changed_at(),
        }
    }
}

impl PsaTicketOut {
    /// The wire form.
    pub fn new(ticket: &Ticket, statuses: &Statuses) -> Self {
        Self {
            base: PsaTicketBase::new(ticket, statuses),
            requester_email: ticket.requester_address.clone(),
            total_hours: ticket
                .minutes
                .map(|minutes| super::convert::hours(Some(minutes))),
        }
    }
}

impl PsaActiveTicketOut {
    /// The wire form, with the names of agents by their ids.
    pub fn new(ticket: &Ticket, statuses: &Statuses, agents: &HashMap<i64, String>) -> Self {
        let agent = ticket.fields.responder_id.and_then(|id| agents.get(&id));
        let agent = agent.filter(|name| !name.is_empty()).cloned();
        Self {
            base: PsaTicketBase::new(ticket, statuses),
            due_by: ticket.fields.due_by,
            fr_due_by: ticket.fields.fr_due_by,
            responder_name: agent.unwrap_or_else(|| UNASSIGNED.to_owned()),
        }
    }
}
