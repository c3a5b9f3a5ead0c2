//! A ticket between the PSA and the database: itself, and what was said and worked on it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{SentConversation, Ticket, TimeEntry, pending_details::PendingDetails};
use crate::records::SourceRecord;

/// A ticket as the PSA has it now, with everything on it.
#[derive(Debug)]
pub struct PsaTicket {
    /// The ticket.
    pub ticket: SourceRecord<Ticket>,
    /// Whether it is deleted or spam.
    pub is_gone: bool,
    /// What was said and worked on it. Its row is not known yet: any number may stand for it.
    pub details: Details,
}

/// A list of one ticket as it was read.
#[derive(Debug)]
pub struct ReadList<T> {
    /// The items that could be read.
    pub items: Vec<T>,
    /// Whether every item could be read: only then is what is not in it no longer there.
    pub whole: bool,
}

/// Everything that a source has beside one ticket.
#[derive(Debug)]
pub struct Details {
    /// Row of the ticket.
    pub ticket: i64,
    /// The change of the ticket that this was read after; the epoch when its time is unknown.
    pub of: DateTime<Utc>,
    /// `None` when they could not be read: what is known stays.
    pub conversations: Option<ReadList<SentConversation>>,
    /// `None` when they could not be read: what is known stays.
    pub entries: Option<ReadList<TimeEntry>>,
    /// What could not be read.
    pub pending: Option<PendingDetails>,
}

impl Details {
    /// The same of the ticket in a row.
    #[cfg(feature = "sync")]
    pub(crate) fn of_row(mut self, row: i64) -> Self {
        use crate::ids::TicketId;

        self.ticket = row;
        let said = self
            .conversations
            .iter_mut()
            .flat_map(|list| &mut list.items);
        for sent in said {
            sent.said.ticket_id = TicketId(row);
        }
        let worked = self.entries.iter_mut().flat_map(|list| &mut list.items);
        for entry in worked {
            entry.ticket_id = TicketId(row);
        }
        if let Some(pending) = &mut self.pending {
            pending.ticket = row;
        }
        self
    }

    /// Whether the ticket does not show when it last changed.
    #[cfg(feature = "sync")]
    pub(crate) fn is_undated(&self) -> bool {
        self.of == DateTime::UNIX_EPOCH
    }

    /// Minutes of entries whose timers do not run; `None` when the entries are unknown. Of entries that were
    /// listed twice the last counts, as it is the one that is stored.
    pub(crate) fn minutes(&self) -> Option<i64> {
        let entries = self.entries.as_ref()?.items.iter();
        let by_id: HashMap<i64, Option<i64>> = entries
            .map(|entry| (entry.external_id, entry.minutes))
            .collect();
        Some(by_id.into_values().flatten().sum())
    }
}
