//! Tickets and what belongs to them in their wire form.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

#[cfg(feature = "store")]
use super::wire::CompanyTicketOut;
use super::{
    Conversation, ShownTicket, Ticket, TimeEntry, board,
    status::{self, Status, Statuses},
    wire::{ActiveOut, ActiveTicketOut, ConversationOut, TicketDetailOut, TicketOut, TimeEntryOut},
};
use crate::companies::ComplianceLevel;

/// The word that today's pages show for what is not known (contract 1.2.C).
const UNKNOWN: &str = "Unknown";

#[expect(clippy::cast_precision_loss, reason = "no ticket takes 2^52 minutes")]
pub(super) fn hours(minutes: Option<i64>) -> f64 {
    minutes.unwrap_or_default() as f64 / 60.0
}

/// The time of the last change as far as it is known, else when the record was made here.
fn newest(newest_at: DateTime<Utc>, created_at: DateTime<Utc>) -> DateTime<Utc> {
    if newest_at == DateTime::UNIX_EPOCH {
        created_at
    } else {
        newest_at
    }
}

/// The word of a priority.
pub(super) fn priority_word(id: Option<i64>) -> Option<String> {
    let known = id.and_then(status::priority);
    known.map(|(word, _)| word.to_owned())
}

/// A priority for people.
fn priority_text(id: Option<i64>) -> String {
    let known = id.and_then(status::priority);
    known.map_or(UNKNOWN, |(_, label)| label).to_owned()
}

impl Ticket {
    /// The time of the last change as far as it is known.
    pub(super) fn changed_at(&self) -> DateTime<Utc> {
        newest(self.fields.newest_at, self.created_at)
    }

    pub(super) fn status(&self, statuses: &Statuses) -> Option<Status> {
        self.fields.status_id.map(|id| statuses.of(id))
    }
}

impl TicketOut {
    /// The wire form.
    pub fn new(ticket: &Ticket, statuses: &Statuses) -> Self {
        Self::shown(ticket.into(), statuses)
    }

    fn shown(ticket: ShownTicket, statuses: &Statuses) -> Self {
        let changed_at = newest(ticket.newest_at, ticket.created_at);
        Self {
            closed_at: ticket.closed_at,
            company_compliance_level: ComplianceLevel::of_stored(
                ticket.compliance_level.as_deref(),
            ),
            company_id: ticket.account_number,
            created_at: ticket.opened_at,
            description_text: ticket.description_text,
            id: ticket.number,
            last_updated_at: changed_at,
            priority: priority_word(ticket.priority_id),
            requester_email: ticket.requester_address,
            requester_name: ticket.requester,
            status: ticket.status_id.map(|id| statuses.of(id).word),
            subject: ticket.subject,
            ticket_number: ticket.number.to_string(),
            total_hours_spent: hours(ticket.minutes),
        }
    }
}

impl From<Conversation> for ConversationOut {
    fn from(item: Conversation) -> Self {
        let body = item.body.unwrap_or_default();
        Self {
            body: body.clone(),
            body_html: item.body_html.unwrap_or_default(),
            created_at: item.created_at,
            from_email: item.from_email,
            id: item.external_id,
            incoming: item.incoming.unwrap_or_default(),
            private: item.private.unwrap_or_default(),
            support_email: item.support_email,
            text: body,
            to_emails: item.to_emails.0,
            updated_at: item.updated_at,
            user: item.author,
            user_id: item.user_id,
        }
    }
}

impl From<TimeEntry> for TimeEntryOut {
    fn from(entry: TimeEntry) -> Self {
        Self {
            agent_id: entry.agent_id,
            billable: entry.billable,
            created_at: entry.created_at,
            executed_at: entry.executed_at,
            id: entry.external_id,
            minutes: entry.minutes,
            note: entry.note,
            running: entry.running,
            started_at: entry.started_at,
            task_id: entry.task_id,
            updated_at: entry.updated_at,
        }
    }
}

/// Public and private ones.
fn split_private(said: Vec<Conversation>) -> (Vec<ConversationOut>, Vec<ConversationOut>) {
    said.into_iter()
        .map(ConversationOut::from)
        .partition(|item| !item.private)
}

impl TicketDetailOut {
    /// The wire form.
    pub fn new(ticket: &Ticket, said: Vec<Conversation>, statuses: &Statuses) -> Self {
        Self::shown(ticket.into(), said, statuses)
    }

    pub(crate) fn shown(
        mut ticket: ShownTicket,
        said: Vec<Conversation>,
        statuses: &Statuses,
    ) -> Self {
        let (conversations, notes) = split_private(said);
        let label = ticket.status_id.map(|id| statuses.of(id).label);
        let (company_name, description) = (ticket.company_name.take(), ticket.description.take());
        let (external_id, source) = (ticket.external_id, ticket.external_source.take());
        let priority_text = priority_text(ticket.priority_id);
        let ticket = TicketOut::shown(ticket, statuses);
        Self {
            company_name,
            conversations,
            description,
            external_id,
            notes,
            priority_text,
            source,
            status_text: label.unwrap_or_else(|| UNKNOWN.to_owned()),
            updated_at: ticket.last_updated_at,
            ticket,
        }
    }
}

#[cfg(feature = "store")]
impl CompanyTicketOut {
    pub(crate) fn shown(
        mut ticket: ShownTicket,
        said: Vec<Conversation>,
        statuses: &Statuses,
    ) -> Self {
        let (conversations, notes) = split_private(said);
        let description = ticket.description.take();
        let out = TicketOut::shown(ticket, statuses);
        Self {
            closed_at: out.closed_at,
            conversations,
            created_at: out.created_at,
            description,
            description_text: out.description_text,
            last_updated_at: out.last_updated_at,
            notes,
            priority: out.priority,
            requester_email: out.requester_email,
            requester_name: out.requester_name,
            status: out.status,
            subject: out.subject,
            ticket_id: out.id,
            ticket_number: out.ticket_number,
            total_hours_spent: out.total_hours_spent,
        }
    }
}

impl ActiveTicketOut {
    fn new(
        ticket: &Ticket,
        status: Option<&Status>,
        place: board::BoardPosition,
        agents: &HashMap<i64, String>,
        now: DateTime<Utc>,
    ) -> Self {
        let fields = &ticket.fields;
        let named = |name: Option<&String>| name.filter(|name| !name.is_empty()).cloned();
        let agent = fields
            .responder_id
            .map(|id| named(agents.get(&id)).unwrap_or_else(|| format!("Agent {id}")));
        let requester = named(ticket.requester.as_ref()).or_else(|| {
            let id = fields.requester_id?;
            Some(format!("Requester {id}"))
        });
        Self {
            agent_name: agent.unwrap_or_else(|| "Unassigned".to_owned()),
            agent_responded_at: fields.agent_responded_at,
            agent_responded_friendly: board::friendly(fields.agent_responded_at, now),
            company_id: ticket.account_number.clone(),
            created_at_str: fields.opened_at,
            created_days_old: board::days_old(fields.opened_at, now),
            description_text: ticket.description_text.clone(),
            due_by_str: fields.due_by,
            first_responded_at_iso: fields.first_responded_at,
            fr_due_by_str: fields.fr_due_by,
            group_id: fields.group_id,
            id: fields.number,
            priority: priority_word(fields.priority_id),
            priority_id: fields.priority_id,
            priority_raw: fields.priority_id,
            priority_text: priority_text(fields.priority_id),
            requester_email: ticket.requester_address.clone(),
            requester_id: fields.requester_id,
            requester_name: requester.unwrap_or_else(|| "N/A".to_owned()),
            responder_id: fields.responder_id,
            sla_class: place.class.to_owned(),
            sla_text: place.text,
            source: fields.external_source.clone(),
            status: status.map(|status| status.word.clone()),
            status_id: fields.status_id,
            status_text: status.map_or_else(|| UNKNOWN.to_owned(), |status| status.label.clone()),
            subject: fields.subject.clone(),
            ticket_number: ticket.fields.number.to_string(),
            ticket_type: fields.ticket_type.clone(),
            total_hours_spent: hours(ticket.minutes),
            kind: fields.ticket_type.clone(),
            updated_at_str: Some(ticket.changed_at()),
            updated_friendly: board::friendly(fields.changed_at(), now),
        }
    }
}

impl ActiveOut {
    /// The board at `now`: in each section the highest priority first, then the longest untouched.
    pub fn new(
        mut tickets: Vec<Ticket>,
        statuses: &Statuses,
        agents: &HashMap<i64, String>,
        last_sync: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        tickets.sort_by_key(|ticket| {
            let priority = ticket.fields.priority_id.unwrap_or(1);
            (std::cmp::Reverse(priority), ticket.changed_at())
        });
        let mut board = Self {
            last_sync_time: last_sync,
            last_updated: now,
            section1: Vec::new(),
            section2: Vec::new(),
            section3: Vec::new(),
            section4: Vec::new(),
            total_active: tickets.len(),
        };
        for ticket in &tickets {
            let Some(status) = ticket.status(statuses) else {
                continue;
            };
            let place = board::place(&ticket.fields, &status, now);
            let section = match place.section {
                1 => &mut board.section1,
                2 => &mut board.section2,
                3 => &mut board.section3,
                _ => &mut board.section4,
            };
            section.push(ActiveTicketOut::new(
                ticket,
                Some(&status),
                place,
                agents,
                now,
            ));
        }
        board
    }
}
