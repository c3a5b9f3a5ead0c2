//! What Freshservice's Workflow Automator reports about a ticket (contract 1.2.I, vendors 1.7).
//!
//! An administrator writes the body from placeholders, so numbers arrive as text, absent values as empty text, and ids
//! as people read them (`INC-123`). Only the id is required.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{NAME, ticket_map};
use crate::{
    Error, Result,
    sync::{
        engine::{
            decode,
            item::{blank, number, text},
        },
        time,
    },
    tickets::TicketEvent,
};

/// The largest body: texts of tickets are not read from it.
pub const MAX_EVENT: usize = 1 << 20;
/// Objects that the vendor's products wrap around what the administrator wrote (vendors 6).
const WRAPPERS: [&str; 2] = ["freshservice_webhook", "freshdesk_webhook"];
/// Members, and what a ticket of the API calls them.
const MEMBERS: [(&str, &str); 9] = [
    ("subject", "subject"),
    ("status_id", "status"),
    ("priority_id", "priority"),
    ("requester_id", "requester_id"),
    ("responder_id", "responder_id"),
    ("group_id", "group_id"),
    ("department_id", "department_id"),
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
];

/// Reads the body of a webhook.
///
/// # Errors
/// [`Error::Invalid`] for a body that is no object, or without a ticket's id.
pub fn ticket_event(body: &[u8]) -> Result<TicketEvent> {
    let value = match decode::read(body) {
        Ok(value) => value,
        Err(error) => salvaged(body).ok_or_else(|| Error::invalid("body", error.to_string()))?,
    };
    let Value::Object(body) = value else {
        return Err(Error::invalid("body", "must be an object"));
    };
    let wrapped = WRAPPERS
        .iter()
        .find_map(|name| body.get(*name)?.as_object());
    event_of(wrapped.unwrap_or(&body))
}

fn event_of(body: &Map<String, Value>) -> Result<TicketEvent> {
    if body.is_empty() {
        return Err(Error::invalid("body", "is empty"));
    }
    let given = body.get("ticket_id").unwrap_or(&Value::Null);
    let number = ticket_number(given)
        .ok_or_else(|| Error::invalid("ticket_id", "is missing or no ticket's id"))?;
    let (stated, empty) = stated(body, number);
    let item = if stated.len() > 1 {
        ticket_map::ticket(&Value::Object(stated)).ok()
    } else {
        None
    };
    Ok(TicketEvent {
        provider: NAME,
        number,
        ticket_id: given.clone(),
        // By the event's name alone, never by a status number (vendors 1.5).
        deleted: body.get("event").and_then(Value::as_str) == Some("ticket.deleted"),
        at: body.get("updated_at").and_then(with_offset),
        item,
        empty,
    })
}

/// What a body states of a ticket, in the API's words, and our fields that it shows empty.
fn stated(body: &Map<String, Value>, id: i64) -> (Map<String, Value>, Vec<&'static str>) {
    let mut stated = Map::from_iter([("id".to_owned(), json!(id))]);
    let mut empty = Vec::new();
    for (member, name) in MEMBERS {
        let Some(value) = body.get(member) else {
            continue;
        };
        if blank(value) {
            // The members are named as our fields are.
            empty.push(member);
            continue;
        }
        let value = match name {
            "subject" => text(value).map(Value::from),
            "created_at" | "updated_at" => with_offset(value).map(|at| json!(at)),
            // A label where a number should be says too little.
            _ => number(value).map(Value::from),
        };
        stated.extend(value.map(|value| (name.to_owned(), value)));
    }
    let person: Map<String, Value> = [("requester_name", "name"), ("requester_email", "email")]
        .into_iter()
        .filter_map(|(member, name)| Some((name.to_owned(), text(body.get(member)?)?.into())))
        .collect();
    if !person.is_empty() {
        stated.insert("requester".into(), person.into());
    }
    (stated, empty)
}

/// `123`, `"123"`, `"INC-123"`, `"#SR-12"` (trap 37); 0 is none.
fn ticket_number(value: &Value) -> Option<i64> {
    let text = text(value)?;
    let text = text.trim().trim_start_matches('#');
    let digits = match text.rsplit_once('-') {
        Some((kind, digits)) if is_word(kind) => digits,
        Some(_) => return None,
        None => text,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|id| plain && *id > 0)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A time that names its offset: a placeholder may show the account's local time, and hours of
/// difference would make new old.
fn with_offset(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?.trim()).ok()?;
    time::parse(value)
}

/// The id and the event's name of a body that a quote in a subject has broken (trap 37): a
/// whole object by its braces, with one member of each name.
fn salvaged(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?.trim();
    text.strip_prefix('{')?.strip_suffix('}')?;
    let member = |name: &str| {
        let quoted = format!("\"{name}\"");
        let mut places = text
            .match_indices(&quoted)
            .map(|(at, found)| at + found.len());
        let (place, None) = (places.next()?, places.next()) else {
            return None;
        };
        let value = text[place..].trim_start().strip_prefix(':')?.trim_start();
        let value = value.trim_start_matches('"');
        let end = value.find(['"', ',', '}', '\n'])?;
        Some(json!(value[..end].trim()))
    };
    let mut found = Map::from_iter([("ticket_id".to_owned(), member("ticket_id")?)]);
    found.extend(member("event").map(|event| ("event".to_owned(), event)));
    Some(Value::Object(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: &Value) -> Result<TicketEvent> {
        ticket_event(body.to_string().as_bytes())
    }

    /// Trap 37.
    #[test]
    fn ticket_ids_are_read_in_every_form() {
        for id in [
            json!(12),
            json!("12"),
            json!(" INC-12 "),
            json!("#SR-12"),
            json!(12.0),
        ] {
            assert_eq!(event(&json!({"ticket_id": id})).unwrap().number, 12, "{id}");
        }
        for id in [
            json!(0),
            json!(null),
            json!(""),
            json!("INC-"),
            json!("a b-1"),
            json!(-3),
            json!({}),
        ] {
            let error = event(&json!({"ticket_id": id})).unwrap_err().to_string();
            assert!(error.starts_with("ticket_id: "), "{id}: {error}");
        }
        assert!(event(&json!({"subject": "x"})).is_err());
    }

    /// Trap 37.
    #[test]
    fn number_texts_are_read_and_empty_texts_ignored() {
        let body = json!({"ticket_id": "7", "event": "ticket.updated", "subject": "A", "status_id": "3",
            "priority_id": "High", "responder_id": "", "updated_at": "2026-01-05T10:00:00+01:00",
            "requester_email": "a@x.test", "requester_name": ""});
        let event = event(&json!({"freshservice_webhook": body})).unwrap();
        let item = event.item.as_ref().unwrap();
        assert_eq!(item.fields["status_id"], 3);
        assert!(
            !item.fields.contains_key("priority_id") && !item.fields.contains_key("responder_id")
        );
        assert_eq!(item.fields["requester_email"], "a@x.test");
        assert_eq!(event.at.unwrap().to_rfc3339(), "2026-01-05T09:00:00+00:00");
        assert!(event.is_complete(&Map::new()));
        let assigned = Map::from_iter([("responder_id".to_owned(), json!(5))]);
        assert!(!event.is_complete(&assigned), "nobody, or not said?");
    }

    #[test]
    fn time_without_an_offset_is_ignored() {
        let body = json!({"ticket_id": 7, "subject": "A", "status_id": 2, "updated_at": "2026-01-05 10:00:00"});
        let event = event(&body).unwrap();
        assert_eq!(event.at, None);
        assert!(!event.is_complete(&Map::new()));
    }

    /// A leap second is the next minute.
    #[test]
    fn time_out_of_range_is_ignored() {
        let at = |text: &str| {
            event(&json!({"ticket_id": 7, "updated_at": text}))
                .unwrap()
                .at
        };
        for beyond in ["9999-12-31T23:59:59-05:00", "1969-12-31T23:59:59Z"] {
            assert_eq!(at(beyond), None, "{beyond}");
        }
        let leap = at("2016-12-31T18:59:60-05:00").map(|at| at.to_rfc3339());
        assert_eq!(leap.as_deref(), Some("2017-01-01T00:00:00+00:00"));
    }

    /// Trap 37. A quote in a subject breaks it.
    #[test]
    fn ticket_id_is_read_from_broken_json() {
        let broken =
            br#"{"ticket_id": "INC-9", "event": "ticket.deleted", "subject": "the "new" one"}"#;
        let event = ticket_event(broken).unwrap();
        assert_eq!((event.number, event.deleted, event.item), (9, true, None));
        for bad in [
            &b"nonsense"[..],
            b"{\"ticket_id\": 5,",
            b"[1]",
            b"{}",
            b"\xff",
            b"5",
        ] {
            assert!(ticket_event(bad).is_err());
        }
        let twice = br#"{"ticket_id": 1, "subject": ""ticket_id": 2"}"#;
        assert!(ticket_event(twice).is_err(), "which one?");
    }

    #[test]
    fn deletion_is_an_event_and_not_a_status() {
        assert!(
            !event(&json!({"ticket_id": 1, "status_id": 7}))
                .unwrap()
                .deleted
        );
        assert!(
            event(&json!({"ticket_id": 1, "event": "ticket.deleted"}))
                .unwrap()
                .deleted
        );
    }
}
