//! What a PSA reports about a ticket. Its folder reads the webhook's body into this.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Ticket;
use crate::records::SourceRecord;

/// One report about one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketEvent {
    /// The PSA that reports it: its name in claims and in the setting that chooses it.
    pub provider: &'static str,
    /// The ticket.
    pub number: i64,
    /// The ticket as the body names it.
    pub ticket_id: Value,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The PSA's time of the change, where it names one with its offset.
    pub at: Option<DateTime<Utc>>,
    /// What it states of the ticket; `None` when that is nothing.
    pub item: Option<SourceRecord<Ticket>>,
    /// Fields that it shows empty, which may mean nothing or nobody.
    pub empty: Vec<&'static str>,
}

impl TicketEvent {
    /// Whether a ticket of which `known` is claimed need not be asked for: what people look at is stated, and nothing
    /// that was known is shown empty.
    pub fn is_complete(&self, known: &Map<String, Value>) -> bool {
        let stated = |item: &SourceRecord<Ticket>| {
            let fields = ["subject", "status_id"];
            fields.iter().all(|field| item.fields.contains_key(*field))
                && item.source_updated_at.is_some()
        };
        let was_known = |field: &&str| known.get(*field).is_some_and(|value| !value.is_null());
        self.item.as_ref().is_some_and(stated) && !self.empty.iter().any(was_known)
    }
}
