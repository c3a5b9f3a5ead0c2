//! Tickets with what was said on them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Mapped, companies::id_of};
use crate::{
    ids::TicketId,
    import::{
        cells::{Cells, Read, read_time},
        facts::{Facts, number},
        flaws::Flaw,
        report::TableReport,
        source::OldRow,
    },
    json_columns::List,
    records::{
        match_imported::source_key,
        resolve::{IMPORT, MANUAL},
    },
    tickets::{
        Conversation, SentConversation, Ticket, TicketTexts,
        status::{Statuses, priority_id},
    },
};

/// Statuses by which the Flask service marked tickets that it no longer found among the open ones.
pub(in crate::import) const GONE: [&str; 3] = ["deleted", "trash", "spam"];
/// Where the claim of a ticket keeps the id of its row.
pub(in crate::import) const ROW_ID: &str = "row_id";
/// The number of a closed ticket in every account.
const CLOSED: i64 = 5;
/// How far hours may be off whole minutes before that is worth a word.
const ROUNDING: f64 = 0.001;

/// A ticket to import.
#[derive(Debug)]
pub(in crate::import) struct MappedTicket {
    pub ticket: Mapped<Ticket>,
    /// Minutes worked; `None` when unknown.
    pub minutes: Option<i64>,
    /// What was said, by sources that know it by an id.
    pub sent: Vec<SentConversation>,
    /// What was said without an id: notes made in the Flask service.
    pub notes: Vec<Note>,
}

/// A note without an id at the source.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::import) struct Note {
    pub source: &'static str,
    pub author: Option<String>,
    pub is_private: bool,
    pub is_incoming: bool,
    pub from_email: Option<String>,
    pub body: String,
    pub body_html: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
}

/// A ticket; `None` for one that is left out or merged.
pub(in crate::import) fn ticket(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<MappedTicket> {
    let key = row.name();
    let stated = row.get("external_id").or_else(|| row.get("ticket_number"));
    let id = stated.and_then(|id| id.trim().parse::<i64>().ok());
    let Some(psa_id) = id else {
        report.skip(Flaw::IdMissing, &key);
        return None;
    };
    let last = facts.tickets.get(&psa_id.to_string());
    if last.is_some_and(|last| Some(*last) != id_of(row)) {
        report.merge(Flaw::TicketRepeated, &key);
        return None;
    }
    let mut cells = Cells::new(row, report, facts.zone);
    let psa = cells
        .text("external_source")
        .unwrap_or_else(|| facts.psa.to_owned());
    cells.state("number", psa_id);
    cells.state("external_id", psa_id);
    cells.state("external_source", psa.as_str());
    if let Some(row_id) = id_of(row).filter(|row_id| *row_id != psa_id) {
        cells.keep(ROW_ID, row_id);
    }
    if let Some(raw) = cells.text("company_account_number") {
        match facts.company(&raw) {
            Some(_) => cells.state("company_id", facts.row(&number(&raw))),
            None => cells.flaw(Flaw::CompanyMissing),
        }
    }
    cells.state_texts(&[
        "subject",
        "ticket_type",
        "requester_name",
        "requester_email",
    ]);
    cells.state_ints(&["requester_id", "responder_id", "group_id", "department_id"]);
    let status = status(&mut cells, &facts.statuses);
    cells.state("status_id", status);
    let priority = priority(&mut cells);
    cells.state("priority_id", priority);
    let opened = cells.time("created_at");
    cells.state("opened_at", opened.map(crate::times::text));
    // Edits in the Flask service left the server's local time here.
    let changed = cells.local_time("last_updated_at");
    cells.state("last_updated_at", changed.map(crate::times::text));
    cells.state_times(&[
        "closed_at",
        "fr_due_by",
        "due_by",
        "first_responded_at",
        "agent_responded_at",
    ]);
    let minutes = minutes(&mut cells);
    let (mut sent, mut notes) = (Vec::new(), Vec::new());
    for (column, is_private) in [("conversations", false), ("notes", true)] {
        said(&mut cells, column, is_private, &psa, &mut sent, &mut notes);
    }
    let texts = TicketTexts {
        description: cells.text("description"),
        description_text: cells.text("description_text"),
        ..TicketTexts::default()
    };
    let key = source_key(&psa, &psa_id.to_string());
    let mut ticket = Mapped::new(cells, psa_id.to_string(), None, vec![key]);
    ticket.record.status = Some(texts);
    Some(MappedTicket {
        ticket,
        minutes,
        sent,
        notes,
    })
}

/// The number of the status: the PSA's, unless the Flask service marked the ticket as gone; else what its word means.
fn status(cells: &mut Cells<'_>, statuses: &Statuses) -> Option<i64> {
    let id = cells.int("status_id");
    let Some(word) = cells.text("status") else {
        return id;
    };
    if GONE.contains(&word.trim().to_lowercase().as_str()) {
        cells.flaw(Flaw::MarkedDeleted);
        return Some(CLOSED);
    }
    if let Some(id) = id {
        return Some(id);
    }
    let known = statuses.ids(&word).first().copied();
    if known.is_none() {
        cells.flaw(Flaw::StatusUnknown);
        cells.keep("status", word);
    }
    known
}

fn priority(cells: &mut Cells<'_>) -> Option<i64> {
    let word = cells.text("priority");
    if let Some(id) = cells.int("priority_id") {
        return Some(id);
    }
    let word = word?;
    let known = priority_id(word.trim());
    if known.is_none() {
        cells.flaw(Flaw::PriorityUnknown);
        cells.keep("priority", word);
    }
    known
}

/// Whole minutes of hours.
#[expect(clippy::cast_possible_truncation, reason = "bounds checked")]
fn minutes(cells: &mut Cells<'_>) -> Option<i64> {
    let minutes = cells.float("total_hours_spent")? * 60.0;
    let whole = minutes.round();
    if !(0.0..1.0e9).contains(&whole) {
        cells.flaw(Flaw::NumberUnreadable);
        return None;
    }
    if (minutes - whole).abs() > ROUNDING {
        cells.flaw(Flaw::HoursRounded);
    }
    Some(whole as i64)
}

/// Reads an array of conversations in JSON text.
fn said(
    cells: &mut Cells<'_>,
    column: &str,
    is_private: bool,
    psa: &str,
    sent: &mut Vec<SentConversation>,
    notes: &mut Vec<Note>,
) {
    let Some(text) = cells.text(column) else {
        return;
    };
    let items = match serde_json::from_str(&text) {
        Ok(Value::Array(items)) => items,
        Ok(Value::Null) => return,
        _ => {
            cells.flaw(Flaw::ConversationsUnreadable);
            cells.keep(column, text);
            return;
        }
    };
    for item in items {
        let Value::Object(item) = item else {
            cells.flaw(Flaw::ConversationsUnreadable);
            continue;
        };
        match item.get("id").and_then(Value::as_i64) {
            Some(id) => sent.push(sent_conversation(cells, &item, id, is_private, psa)),
            None => notes.push(note(cells, &item, is_private)),
        }
    }
}

fn text(item: &Map<String, Value>, name: &str) -> Option<String> {
    let text = item.get(name)?.as_str()?.to_owned();
    (!text.is_empty()).then_some(text)
}

/// A time in JSON: one without offset is of the old server's clock.
fn time(cells: &mut Cells<'_>, item: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    match read_time(&text(item, name)?) {
        Some(Read::At(at)) => Some(at),
        Some(Read::Naive(naive)) => cells.in_zone(naive),
        None => {
            cells.flaw(Flaw::TimeUnreadable);
            None
        }
    }
}

fn sent_conversation(
    cells: &mut Cells<'_>,
    item: &Map<String, Value>,
    id: i64,
    is_private: bool,
    psa: &str,
) -> SentConversation {
    let addresses = |name: &str| -> List<String> {
        let all = item.get(name).and_then(Value::as_array);
        let all = all
            .into_iter()
            .flatten()
            .filter_map(|one| Some(one.as_str()?.to_owned()));
        List(all.collect())
    };
    let flag = |name: &str| item.get(name).and_then(Value::as_bool);
    SentConversation {
        said: Conversation {
            // The row is known when the ticket is written.
            ticket_id: TicketId(0),
            source: psa.to_owned(),
            external_id: Some(id),
            user_id: item.get("user_id").and_then(Value::as_i64),
            author: None,
            incoming: flag("incoming"),
            private: Some(flag("private").unwrap_or(is_private)),
            channel: None,
            from_email: text(item, "from_email"),
            to_emails: addresses("to_emails"),
            support_email: text(item, "support_email"),
            body_html: text(item, "body_html"),
            body: text(item, "body").or_else(|| text(item, "text")),
            attachments: List(Vec::new()),
            created_at: time(cells, item, "created_at"),
            updated_at: time(cells, item, "updated_at"),
        },
        cc_emails: addresses("cc_emails"),
        bcc_emails: addresses("bcc_emails"),
    }
}

/// What has no id: a note of the Flask service (`text` and `user`), or what its PSA sent without one.
fn note(cells: &mut Cells<'_>, item: &Map<String, Value>, is_private: bool) -> Note {
    let own = text(item, "text");
    let is_own = own.is_some() && !item.contains_key("body");
    Note {
        source: if is_own { MANUAL } else { IMPORT },
        author: text(item, "user"),
        is_private: item
            .get("private")
            .and_then(Value::as_bool)
            .unwrap_or(is_private),
        is_incoming: item.get("incoming") == Some(&Value::Bool(true)),
        from_email: text(item, "from_email"),
        body: own.or_else(|| text(item, "body")).unwrap_or_default(),
        body_html: text(item, "body_html"),
        created_at: time(cells, item, "created_at"),
    }
}
