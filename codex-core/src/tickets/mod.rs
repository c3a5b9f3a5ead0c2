//! Tickets: what clients asked for, what was said and how long it took.

#[cfg(feature = "store")]
pub mod beside;
pub mod board;
mod convert;
#[cfg(feature = "sync")]
mod event;
#[cfg(feature = "sync")]
pub(crate) mod events;
#[cfg(feature = "store")]
mod filter;
#[cfg(feature = "store")]
pub(crate) mod pending_details;
pub mod psa;
#[cfg(feature = "store")]
mod psa_ticket;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
pub(crate) mod service;
pub mod status;
#[cfg(feature = "store")]
pub(crate) mod threads;
#[cfg(feature = "sync")]
mod unknown_tickets;
pub mod wire;
#[cfg(feature = "store")]
mod words;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[cfg(feature = "sync")]
pub use event::TicketEvent;
#[cfg(feature = "store")]
pub use pending_details::PendingDetails;
#[cfg(feature = "store")]
pub use psa_ticket::{Details, PsaTicket, ReadList};
#[cfg(feature = "sync")]
pub(crate) use unknown_tickets::UnknownTickets;

use crate::{
    fold::SearchKey,
    ids::{CompanyId, TicketId},
    json_columns::List,
};

record! {
    // Contract 2.5.
    /// What is tracked about a ticket. Its texts and conversations are stored beside it.
    pub struct TicketFields in "tickets" as "t" {
        /// The number that people and modules use: the PSA's.
        number: i64 = field(),
        /// The PSA's id.
        external_id: Option<i64> = field(),
        /// The PSA that `external_id` belongs to.
        external_source: Option<String> = field(),
        /// Subject, one line.
        subject: Option<String> = field().everyone().folded("t.subject_fold"),
        // See `status::Statuses`.
        /// The PSA's number of the status.
        status_id: Option<i64> = field().everyone().listed(),
        /// Priority: 1 (low) to 4 (urgent).
        priority_id: Option<i64> = field().everyone().listed(),
        /// `Incident`, `Service Request`, ...; an open list.
        ticket_type: Option<String> = field().everyone().faceted(),
        // vendors 1.5.
        /// The PSA's number of the channel: 1 e-mail, 2 portal, ...
        channel: Option<i64> = field(),
        /// 1 low to 3 high.
        urgency: Option<i64> = field(),
        /// 1 low to 3 high.
        impact: Option<i64> = field(),
        /// PSA id of the requester.
        requester_id: Option<i64> = field().everyone().listed(),
        /// Name of the requester.
        requester_name: Option<String> = field(),
        /// E-mail address of the requester.
        requester_email: Option<String> = field(),
        /// PSA id of the agent in charge.
        responder_id: Option<i64> = field().listed(),
        /// PSA id of the group in charge.
        group_id: Option<i64> = field().listed(),
        /// PSA id of the department that it is for.
        department_id: Option<i64> = field(),
        /// Category.
        category: Option<String> = field().everyone().listed(),
        /// Category below the category.
        sub_category: Option<String> = field().everyone().listed(),
        /// Category below that.
        item_category: Option<String> = field(),
        /// When it was opened at the PSA.
        opened_at: Option<DateTime<Utc>> = field(),
        /// When it last changed at the PSA.
        last_updated_at: Option<DateTime<Utc>> = field(),
        /// When it was resolved.
        resolved_at: Option<DateTime<Utc>> = field().everyone().listed(),
        // Trap 30.
        /// When it was closed; only the PSA's statistics state it.
        closed_at: Option<DateTime<Utc>> = field().everyone().listed(),
        /// When somebody first answered.
        first_responded_at: Option<DateTime<Utc>> = field().listed(),
        /// When an agent last answered.
        agent_responded_at: Option<DateTime<Utc>> = field().listed(),
        /// When the first answer is due.
        fr_due_by: Option<DateTime<Utc>> = field().everyone().listed(),
        /// When the resolution is due.
        due_by: Option<DateTime<Utc>> = field().everyone().listed(),
        /// Whether the first answer is late.
        fr_escalated: Option<bool> = field(),
        /// Whether it is late.
        is_escalated: Option<bool> = field().listed(),
        /// Tags.
        tags: List<String> = field(),
        /// The company: the manual value, or else the department's company, or else the requester's only company.
        company_id: Option<CompanyId> = field().internal(),
    }
    derived {
        /// The time of the last change, at the PSA or here, as far as it is known: for order.
        newest_at: DateTime<Utc>,
        /// Folded subject, for search.
        subject_fold: SearchKey,
    }
}

/// The texts of a ticket as its source states them; absent says nothing, an empty text blanks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketTexts {
    /// HTML as sent.
    pub description: Option<String>,
    /// Without markup.
    pub description_text: Option<String>,
    /// Metadata of attached files, as sent.
    pub attachments: Option<Vec<Value>>,
    /// The source's statistics, as sent.
    pub stats: Option<Value>,
}

#[cfg(feature = "store")]
impl TicketTexts {
    /// Whether one of the texts is blanked.
    pub(crate) fn blanks(&self) -> bool {
        let texts = [&self.description, &self.description_text];
        texts.iter().any(|text| text.as_deref() == Some(""))
    }
}

row! {
    /// A ticket with its texts and hours.
    pub struct Ticket(TicketId, TicketFields) {
        /// HTML as sent.
        pub description: Option<String>,
        /// Without markup.
        pub description_text: Option<String>,
        /// Minutes worked, without running timers; `None` until they were read.
        pub minutes: Option<i64>,
        /// Account number of the company.
        pub account_number: Option<String>,
        /// Name of the company.
        pub company_name: Option<String>,
        /// Compliance level of the company.
        pub compliance_level: Option<String>,
        /// Name of the requester: as the PSA sent it, or else the contact's.
        pub requester: Option<String>,
        /// E-mail address of the requester: as the PSA sent it, or else the contact's.
        pub requester_address: Option<String>,
    }
}

/// What downloads show of a ticket: few of its many columns, for those who read thousands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub(crate) struct ShownTicket {
    pub id: TicketId,
    pub number: i64,
    pub external_id: Option<i64>,
    pub external_source: Option<String>,
    pub subject: Option<String>,
    pub status_id: Option<i64>,
    pub priority_id: Option<i64>,
    pub opened_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub newest_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub description: Option<String>,
    pub description_text: Option<String>,
    pub minutes: Option<i64>,
    pub account_number: Option<String>,
    pub company_name: Option<String>,
    pub compliance_level: Option<String>,
    pub requester: Option<String>,
    pub requester_address: Option<String>,
}

impl From<&Ticket> for ShownTicket {
    fn from(ticket: &Ticket) -> Self {
        let fields = &ticket.fields;
        Self {
            id: ticket.id,
            number: fields.number,
            external_id: fields.external_id,
            external_source: fields.external_source.clone(),
            subject: fields.subject.clone(),
            status_id: fields.status_id,
            priority_id: fields.priority_id,
            opened_at: fields.opened_at,
            closed_at: fields.closed_at,
            newest_at: fields.newest_at,
            created_at: ticket.created_at,
            description: ticket.description.clone(),
            description_text: ticket.description_text.clone(),
            minutes: ticket.minutes,
            account_number: ticket.account_number.clone(),
            company_name: ticket.company_name.clone(),
            compliance_level: ticket.compliance_level.clone(),
            requester: ticket.requester.clone(),
            requester_address: ticket.requester_address.clone(),
        }
    }
}

/// A conversation of a ticket. The database gives it as an array in the order of these fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Conversation {
    /// The ticket.
    pub ticket_id: TicketId,
    /// The PSA, or `manual` for a note made here.
    pub source: String,
    /// The PSA's id.
    pub external_id: Option<i64>,
    /// PSA id of who wrote it.
    pub user_id: Option<i64>,
    /// Who wrote a note here.
    pub author: Option<String>,
    /// Whether the client wrote it.
    #[serde(deserialize_with = "truth")]
    pub incoming: Option<bool>,
    /// Whether the client may not see it.
    #[serde(deserialize_with = "truth")]
    pub private: Option<bool>,
    /// 0 reply, 2 note, ... (vendors 1.5).
    pub channel: Option<i64>,
    /// Address of who wrote it.
    pub from_email: Option<String>,
    /// Addresses of who got it.
    pub to_emails: List<String>,
    /// Our address that it came to or went out by.
    pub support_email: Option<String>,
    /// HTML as sent.
    pub body_html: Option<String>,
    /// Without markup.
    pub body: Option<String>,
    /// Metadata of attached files, as sent.
    pub attachments: List<Value>,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A conversation as its source sends it: with the addresses that are kept beside what answers show.
#[cfg(feature = "store")]
#[derive(Debug, Clone, PartialEq)]
pub struct SentConversation {
    /// What was said.
    pub said: Conversation,
    /// Addresses of who got a copy.
    pub cc_emails: List<String>,
    /// Addresses of who got a blind copy.
    pub bcc_emails: List<String>,
}

/// `SQLite` has 0 and 1 where others have false and true.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Truth {
        Is(bool),
        Counts(i64),
    }
    let truth = Option::<Truth>::deserialize(deserializer)?;
    Ok(truth.map(|truth| match truth {
        Truth::Is(truth) => truth,
        Truth::Counts(number) => number != 0,
    }))
}

/// Time worked on a ticket.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct TimeEntry {
    /// The ticket.
    pub ticket_id: TicketId,
    /// The PSA.
    pub source: String,
    /// The PSA's id.
    pub external_id: i64,
    /// PSA id of who worked.
    pub agent_id: Option<i64>,
    /// What was done.
    pub note: Option<String>,
    /// Whether it is billed.
    pub billable: Option<bool>,
    /// Whether the timer runs.
    pub running: Option<bool>,
    /// Minutes; `None` while the timer runs, and when the PSA sends no readable time.
    pub minutes: Option<i64>,
    /// PSA id of the task of the ticket that was worked on.
    pub task_id: Option<i64>,
    /// When the timer was started.
    pub started_at: Option<DateTime<Utc>>,
    /// The day that it counts for.
    pub executed_at: Option<DateTime<Utc>>,
    /// When it was entered.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

impl TicketFields {
    /// When it last changed, at the PSA or here.
    pub(crate) fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.last_updated_at.map(|at| at.max(self.newest_at))
    }
}
