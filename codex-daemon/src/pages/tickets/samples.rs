//! Tickets that templates are tested with, as each kind of caller sees them.

use std::collections::HashMap;

use askama::Template as _;
use codex_core::{
    Error, Scope,
    ids::TicketId,
    json_columns::List,
    list::ColumnType,
    outbox::{OutboxEntry, OutboxKind, OutboxState},
    seen::SinceSeen,
    tickets::{Conversation, Ticket, TicketFields, status::Statuses},
};
use serde_json::{Map, Value, json};

use super::{
    CHANGING,
    changes::{self, FormView, Typed},
    detail::{Beside, DetailQuery, TicketView},
    list::{ListedTicket, Tickets},
};
use crate::pages::{
    form::SentForm,
    parts::samples::{at, now},
    record::samples::{listed, nothing, scopes},
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let tickets = [
        ("empty", empty()),
        ("usual", usual()),
        ("hostile", hostile()),
    ];
    for (role, scope) in scopes() {
        for (kind, ticket) in &tickets {
            let said = if *kind == "empty" { Vec::new() } else { said() };
            let mut add = |page: &str, html: askama::Result<String>| {
                pages.push((format!("tickets/{page}/{kind}/{role}"), html.unwrap()));
            };
            let row = ListedTicket::new(ticket.clone(), &statuses(), &hostile_agents(), now());
            add("list", listed::<Tickets>(&scope, &row));
            add("show", show(&scope, ticket, &said, Typed::default()));
            if scope.require_technician(CHANGING).is_ok() {
                let members = [("status", HOSTILE), ("notes", HOSTILE)];
                let sent = SentForm::from(members);
                for error in [Error::Changed, Error::invalid("status", HOSTILE)] {
                    let (_, typed) = changes::refuse(&sent, error).unwrap();
                    add("refused", show(&scope, ticket, &said, typed));
                }
            }
        }
        for query in ["", "all=true", "q=none"] {
            let none = nothing::<Tickets>(&scope, query).unwrap();
            pages.push((format!("tickets/none/{role}"), none));
        }
    }
    pages
}

fn ticket(fields: Value, text: Option<&str>) -> Ticket {
    let text = text.map(str::to_owned);
    Ticket {
        id: TicketId(1),
        fields: serde_json::from_value(fields).unwrap(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        description: text.clone(),
        description_text: text.clone(),
        minutes: Some(95),
        account_number: text.clone(),
        company_name: text.clone(),
        compliance_level: None,
        requester: text.clone(),
        requester_address: text,
    }
}

fn empty() -> Ticket {
    ticket(json!({"number": 1}), None)
}

fn usual() -> Ticket {
    let fields = json!({"number": 4711, "subject": "Printer is slow", "status_id": 2, "priority_id": 4,
        "ticket_type": "Incident", "responder_id": 7, "opened_at": "2026-01-01T10:00:00Z",
        "due_by": "2026-01-02T10:00:00Z", "newest_at": "2026-01-03T10:00:00Z", "tags": ["printer"]});
    ticket(
        fields,
        Some("<p>It is <b>slow</b>.</p><blockquote>Is it?</blockquote>"),
    )
}

/// Every text is an attack.
fn hostile() -> Ticket {
    let fields = TicketFields::FIELDS.iter().map(|field| {
        let value = match field.column_type {
            ColumnType::Json => json!([HOSTILE]),
            ColumnType::Int | ColumnType::Word => json!(7),
            ColumnType::Bool => json!(true),
            ColumnType::Time => json!("2026-01-01T10:00:00Z"),
            _ => json!(HOSTILE),
        };
        (field.name.to_owned(), value)
    });
    let fields: Map<String, Value> = fields.collect();
    ticket(fields.into(), Some(HOSTILE))
}

fn message(private: bool, incoming: bool) -> Conversation {
    Conversation {
        ticket_id: TicketId(1),
        source: "manual".to_owned(),
        external_id: incoming.then_some(9),
        user_id: Some(7),
        author: (!incoming).then(|| HOSTILE.to_owned()),
        incoming: Some(incoming),
        private: Some(private),
        channel: Some(2),
        from_email: Some(HOSTILE.to_owned()),
        to_emails: List::default(),
        support_email: None,
        body_html: incoming.then(|| format!("<p>{HOSTILE}</p><blockquote>{HOSTILE}</blockquote>")),
        body: Some(HOSTILE.to_owned()),
        attachments: List(vec![json!({"name": HOSTILE, "size": 12_345})]),
        created_at: Some(now()),
        updated_at: None,
    }
}

/// More than a page shows.
fn said() -> Vec<Conversation> {
    let mut said = vec![message(false, false); 24];
    said.extend([message(false, true), message(true, false)]);
    said
}

fn entry(kind: OutboxKind, state: OutboxState) -> OutboxEntry {
    OutboxEntry {
        id: 1,
        number: 1,
        kind,
        status_id: Some(7),
        base_status_ids: List::default(),
        note_id: Some(1),
        note: Some(HOSTILE.to_owned()),
        author: HOSTILE.to_owned(),
        created_at: now(),
        state,
        attempts: 1,
        next_at: now(),
        last_error: Some(HOSTILE.to_owned()),
        external_id: None,
        finished_at: None,
    }
}

fn hostile_agents() -> HashMap<i64, String> {
    HashMap::from([(7, HOSTILE.to_owned())])
}

fn statuses() -> Statuses {
    Statuses::default().with_labels([(7, HOSTILE.to_owned())])
}

fn show(
    scope: &Scope,
    ticket: &Ticket,
    said: &[Conversation],
    typed: Typed,
) -> askama::Result<String> {
    let statuses = statuses();
    let is_staff = scope.companies().is_none();
    let outbox = [
        entry(OutboxKind::Note, OutboxState::Failed),
        entry(OutboxKind::Status, OutboxState::Pending),
    ];
    let entries = json!([{"id": 1, "note": HOSTILE, "minutes": 95, "agent_id": 7, "billable": true,
        "created_at": null, "executed_at": "2026-01-01T10:00:00Z", "running": false, "started_at": null,
        "task_id": null, "updated_at": null}]);
    let beside = Beside {
        statuses: &statuses,
        agents: hostile_agents(),
        entries: serde_json::from_value(entries).unwrap(),
        attachments: vec![json!({"name": HOSTILE})],
        seen: Some(SinceSeen {
            at: now() - chrono::TimeDelta::days(1),
            fields: [("status_id".to_owned(), json!(2))].into(),
        }),
        outbox: if is_staff { outbox.into() } else { Vec::new() },
        now: now(),
    };
    let form = scope.require_technician(CHANGING).is_ok().then(|| {
        FormView::new(
            &at(),
            ticket,
            &statuses,
            true,
            typed,
            "word.proof".to_owned(),
        )
    });
    let query = DetailQuery::default();
    TicketView::new(&at(), scope, &query, ticket, said, &beside, form).render()
}
