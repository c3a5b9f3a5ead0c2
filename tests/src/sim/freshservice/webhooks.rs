//! What the Workflow Automator sends (vendors 1.7), and a relay in front of it that signs.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::sim::world::tickets::Ticket;

/// The body of an event, as a template of placeholders makes it: numbers are text, nobody is empty text.
pub fn event(name: &str, ticket: &Ticket) -> Value {
    let text = |member: &str| match &ticket.body[member] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({
        "event": name,
        "ticket_id": format!("INC-{}", ticket.id()),
        "subject": text("subject"),
        "status_id": text("status"),
        "priority_id": text("priority"),
        "requester_id": text("requester_id"),
        "responder_id": text("responder_id"),
        "group_id": text("group_id"),
        "department_id": text("department_id"),
        "updated_at": text("updated_at"),
        "created_at": text("created_at"),
    })
}

/// The signature header of a body.
pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    let mut header = "sha256=".to_owned();
    for byte in tag.as_ref() {
        // Writing to a text does not fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}
