//! Freshservice's tickets, conversations and time entries to our fields (vendors 1.5).

use serde_json::Value;

use super::NAME;
use crate::{
    ids::TicketId,
    json_columns::List,
    records::{ItemError, SourceRecord},
    sync::{
        engine::item::{Item, blank, number, text},
        html, time,
    },
    tickets::{Conversation, SentConversation, Ticket, TicketTexts, TimeEntry},
};

/// Lists of addresses that are null in one shape and empty in another (trap 31).
const ADDRESSES: [&str; 5] = [
    "cc_emails",
    "fwd_emails",
    "reply_cc_emails",
    "to_emails",
    "bcc_emails",
];

/// Whether the vendor says that a ticket is deleted or spam: by these flags alone, never by a status
/// number (vendors 1.5).
pub(super) fn gone(value: &Value) -> bool {
    ["deleted", "spam"].iter().any(|flag| value[*flag] == true)
}

/// A ticket in any of its shapes: listed, found or viewed.
pub(super) fn ticket(value: &Value) -> Result<SourceRecord<Ticket>, ItemError> {
    let mut item = Item::new("ticket", value)?;
    let id = item.id("id", true)?;
    item.state("number", id.parse::<i64>().ok());
    item.state("external_id", id.parse::<i64>().ok());
    item.state("external_source", NAME);
    for (member, field) in [
        ("subject", "subject"),
        ("type", "ticket_type"),
        ("category", "category"),
        ("sub_category", "sub_category"),
        ("item_category", "item_category"),
    ] {
        item.text(member, field);
    }
    for (member, field) in [
        ("status", "status_id"),
        ("priority", "priority_id"),
        ("source", "channel"),
        ("urgency", "urgency"),
        ("impact", "impact"),
        ("requester_id", "requester_id"),
        ("responder_id", "responder_id"),
        ("group_id", "group_id"),
        ("department_id", "department_id"),
    ] {
        item.number(member, field);
    }
    for field in ["fr_escalated", "is_escalated"] {
        item.flag(field, field);
    }
    item.texts("tags", "tags");
    let source_updated_at = value.get("updated_at").and_then(time::parse);
    for (member, field) in [
        ("created_at", "opened_at"),
        ("updated_at", "last_updated_at"),
        ("fr_due_by", "fr_due_by"),
        ("due_by", "due_by"),
    ] {
        item.time(member, field);
    }
    let mut stats = item.nested("stats");
    let all_stats = (!stats.is_empty()).then(|| Value::Object(stats.clone()));
    for (member, field) in [
        ("closed_at", "closed_at"),
        ("resolved_at", "resolved_at"),
        ("first_responded_at", "first_responded_at"),
        ("agent_responded_at", "agent_responded_at"),
    ] {
        item.time_of(&mut stats, member, field);
    }
    let mut requester = item.nested("requester");
    item.text_of(&mut requester, "name", "requester_name");
    item.text_of(&mut requester, "email", "requester_email");

    let mut texts = texts(&mut item);
    texts.stats = all_stats;
    for other in ["conversations", "deleted", "spam"] {
        item.take(other);
    }
    let mut incoming = item.into_incoming(id, "tickets");
    for name in ADDRESSES {
        if incoming.extra.get(name).is_some_and(Value::is_null) {
            let none = Value::Array(Vec::new());
            incoming.extra.insert(name.to_owned(), none);
        }
    }
    incoming.status = Some(texts);
    incoming.source_updated_at = source_updated_at;
    Ok(incoming)
}

/// A member that is there and empty is blanked; a member that is absent stays as it was.
fn texts(item: &mut Item) -> TicketTexts {
    let own = |value: Option<Value>| value.map(|value| text(&value).unwrap_or_default());
    let description = own(item.take("description"));
    let plain = own(item.take("description_text"));
    let of_html = || {
        let html = description.as_deref()?;
        Some(html::text(html).unwrap_or_default())
    };
    let attachments = item.take("attachments");
    TicketTexts {
        // Some shapes have the HTML alone, others the text.
        description_text: match plain {
            Some(empty) if empty.is_empty() => of_html().or(Some(empty)),
            plain => plain.or_else(of_html),
        },
        description,
        attachments: attachments.and_then(|value| match value {
            Value::Null => Some(Vec::new()),
            Value::Array(items) => Some(items),
            _ => None,
        }),
        stats: None,
    }
}

/// Something said on a ticket, and what could not be read of it.
pub(super) fn conversation(
    ticket: TicketId,
    value: &Value,
) -> Result<(SentConversation, Option<ItemError>), ItemError> {
    let mut item = Item::new("conversation", value)?;
    let id = item.id("id", true)?;
    let member = |name: &str| value.get(name).unwrap_or(&Value::Null);
    let body_html = text(member("body"));
    let body = text(member("body_text")).or_else(|| html::text(body_html.as_deref()?));
    let attachments = member("attachments").as_array().cloned();
    let said = Conversation {
        ticket_id: ticket,
        source: NAME.to_owned(),
        external_id: id.parse().ok(),
        user_id: number(member("user_id")),
        author: None,
        incoming: member("incoming").as_bool(),
        private: member("private").as_bool(),
        channel: number(member("source")),
        from_email: text(member("from_email")),
        to_emails: List(item.take_texts("to_emails")),
        support_email: text(member("support_email")),
        body_html,
        body,
        attachments: List(attachments.unwrap_or_default()),
        created_at: item.take_time("created_at"),
        updated_at: item.take_time("updated_at"),
    };
    let sent = SentConversation {
        said,
        cc_emails: List(item.take_texts("cc_emails")),
        bcc_emails: List(item.take_texts("bcc_emails")),
    };
    Ok((sent, item.unread()))
}

/// Time worked on a ticket, and what could not be read of it: an entry of which some time is unreadable is an
/// entry without that time.
pub(super) fn time_entry(
    ticket: TicketId,
    value: &Value,
) -> Result<(TimeEntry, Option<ItemError>), ItemError> {
    let mut item = Item::new("time entry", value)?;
    let id = item.id("id", true)?;
    let external_id = id.parse().map_err(|_| item.fault("`id` is too large"))?;
    let member = |name: &str| value.get(name).unwrap_or(&Value::Null);
    let running = member("timer_running").as_bool();
    let spent = Some(member("time_spent")).filter(|spent| !blank(spent));
    let minutes_spent = spent.and_then(|spent| minutes(spent.as_str()?));
    if let (Some(spent), None) = (spent, minutes_spent) {
        let reason = if spent.is_string() {
            "is a text that is not of the form hh:mm"
        } else {
            "is a value that is not of the form hh:mm"
        };
        item.note_unread("time_spent", reason);
    }
    let entry = TimeEntry {
        ticket_id: ticket,
        source: NAME.to_owned(),
        external_id,
        agent_id: number(member("agent_id")),
        note: text(member("note")),
        billable: member("billable").as_bool(),
        running,
        // A timer that runs says another figure at every look (trap 28).
        minutes: minutes_spent.filter(|_| running != Some(true)),
        task_id: number(member("task_id")),
        started_at: item.take_time("start_time"),
        executed_at: item.take_time("executed_at"),
        created_at: item.take_time("created_at"),
        updated_at: item.take_time("updated_at"),
    };
    Ok((entry, item.unread()))
}

/// The most hours of one entry: eleven years, day and night. Sums of more would fit no number.
const MOST_HOURS: i64 = 100_000;

/// `hh:mm` or `hh:mm:ss`, hours beyond a day too.
///
/// The vendor documents a text of hours and minutes and nothing else. A bare number (`90`, `"1.5"`) may be hours,
/// minutes or seconds; since hours are billed, it is reported and not guessed.
fn minutes(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: i64 = parts
        .next()
        .map_or(Some(0), |seconds| seconds.parse().ok())?;
    let sound = parts.next().is_none() && (0..=MOST_HOURS).contains(&hours);
    let sound = sound && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    sound.then(|| hours.checked_mul(60)?.checked_add(minutes))?
}

/// The account's words for its status numbers, out of the fields of its form (vendors 1.5).
pub(super) fn status_labels(body: &Value) -> Vec<(i64, String)> {
    let none = Vec::new();
    let fields = body["ticket_fields"].as_array().unwrap_or(&none);
    let status = fields.iter().find(|field| field["name"] == "status");
    let choices = status.and_then(|field| field["choices"].as_array());
    let choices = choices.unwrap_or(&none).iter();
    choices
        .filter_map(|choice| Some((number(&choice["id"])?, text(&choice["value"])?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields_of(value: &Value) -> serde_json::Map<String, Value> {
        ticket(value).unwrap().fields
    }

    #[test]
    fn only_flags_mark_a_ticket_as_deleted_or_spam() {
        for status in [6, 7, 28] {
            let value = json!({"id": 1, "status": status, "spam": false, "deleted": false});
            assert!(!gone(&value));
            assert_eq!(fields_of(&value)["status_id"], status);
        }
        assert!(gone(&json!({"id": 1, "deleted": true})) && gone(&json!({"id": 1, "spam": true})));
    }

    /// Trap 30.
    #[test]
    fn closed_at_comes_from_the_statistics_only() {
        let value = json!({"id": 1, "status": 5, "updated_at": "2026-01-02T03:04:05Z"});
        assert!(!fields_of(&value).contains_key("closed_at"));
        let value = json!({"id": 1, "stats": {"closed_at": "2026-01-02T03:04:05Z"}});
        assert_eq!(fields_of(&value)["closed_at"], "2026-01-02T03:04:05Z");
        let value = json!({"id": 1, "stats": {"closed_at": null}});
        assert_eq!(fields_of(&value)["closed_at"], Value::Null);
    }

    /// Trap 31.
    #[test]
    fn null_address_lists_are_empty() {
        let listed = ticket(&json!({"id": 1, "cc_emails": []})).unwrap();
        let viewed = ticket(&json!({"id": 1, "cc_emails": null})).unwrap();
        assert_eq!(listed.extra, viewed.extra);
    }

    /// Trap 27.
    #[test]
    fn conversations_of_any_shape_are_read() {
        let value = json!({"id": "21", "body": "<p>Hi</p>", "to_emails": null, "from_email": "\"N\" <n@x.test>"});
        let (sent, unread) = conversation(TicketId(1), &value).unwrap();
        assert_eq!(unread, None);
        assert!(sent.cc_emails.0.is_empty() && sent.bcc_emails.0.is_empty());
        let said = sent.said;
        assert_eq!(
            (said.body.as_deref(), said.external_id),
            (Some("Hi"), Some(21))
        );
        assert_eq!(said.from_email.as_deref(), Some("\"N\" <n@x.test>"));
        assert!(said.to_emails.0.is_empty() && said.incoming.is_none());
        assert!(conversation(TicketId(1), &json!({"body": "x"})).is_err());
    }

    /// Trap 28. A running timer has none.
    #[test]
    fn time_spent_may_exceed_a_day() {
        let entry = |spent: &str, running: bool| {
            let value = json!({"id": 1, "time_spent": spent, "timer_running": running});
            let (entry, unreadable) = time_entry(TicketId(1), &value).unwrap();
            (entry.minutes, unreadable.is_some())
        };
        assert_eq!(entry("103:30", false), (Some(6_210), false));
        assert_eq!(entry("00:15:59", false), (Some(15), false));
        assert_eq!(entry(" 2:05 ", false), (Some(125), false));
        assert_eq!(entry("01:00", true), (None, false));
        assert_eq!(entry("", false), (None, false));
        let (entry, unreadable) = time_entry(TicketId(1), &json!({"id": 1})).unwrap();
        assert_eq!((entry.minutes, unreadable), (None, None));
    }

    #[test]
    fn unreadable_time_spent_is_reported_and_the_entry_kept() {
        for odd in [
            json!(90),
            json!("90"),
            json!("1.5"),
            json!("soon"),
            json!("1:99"),
            json!("-1:00"),
            json!("100000000000000000:00"),
            json!(true),
            json!({}),
            json!(["02:00"]),
        ] {
            let value = json!({"id": 7, "note": "x", "task_id": 3, "time_spent": odd,
                "start_time": "2026-01-02T03:04:05Z"});
            let (entry, unreadable) = time_entry(TicketId(1), &value).unwrap();
            assert_eq!(
                (entry.minutes, entry.note.as_deref()),
                (None, Some("x")),
                "{odd}"
            );
            assert_eq!(entry.task_id, Some(3));
            assert_eq!(
                entry.started_at,
                time::parse(&json!("2026-01-02T03:04:05Z"))
            );
            let unreadable = unreadable.unwrap().to_string();
            assert!(unreadable.contains("time entry 7"), "{unreadable}");
        }
    }

    #[test]
    fn empty_texts_are_cleared_and_absent_ones_kept() {
        let texts = |value: Value| ticket(&value).unwrap().status.unwrap();
        let empty = Some(String::new());
        for blank in [json!(""), json!(" "), Value::Null] {
            let shown = texts(json!({"id": 1, "description": blank, "description_text": ""}));
            assert_eq!(
                (&shown.description, &shown.description_text),
                (&empty, &empty)
            );
            let html = texts(json!({"id": 1, "description": blank}));
            assert_eq!(
                (&html.description, &html.description_text),
                (&empty, &empty)
            );
        }
        let absent = texts(json!({"id": 1}));
        assert_eq!((absent.description, absent.description_text), (None, None));
        let html = texts(json!({"id": 1, "description": "<p>Hi</p>", "description_text": null}));
        assert_eq!(html.description_text.as_deref(), Some("Hi"));
        let text = texts(json!({"id": 1, "description_text": "Hi"}));
        assert_eq!(
            (text.description, text.description_text.as_deref()),
            (None, Some("Hi"))
        );
        let text = texts(json!({"id": 1, "description_text": ""}));
        assert_eq!((text.description, text.description_text), (None, empty));
        assert_eq!(
            texts(json!({"id": 1, "attachments": null})).attachments,
            Some(Vec::new())
        );
    }

    #[test]
    fn statistics_and_readable_addresses_are_kept() {
        let value = json!({"id": 1, "stats": {"closed_at": null, "inbound_count": 3}});
        let stats = ticket(&value).unwrap().status.unwrap().stats;
        assert_eq!(stats, Some(json!({"closed_at": null, "inbound_count": 3})));
        let value =
            json!({"id": 2, "cc_emails": ["a@x.test", {"odd": 1}], "bcc_emails": ["b@x.test"]});
        let (sent, unread) = conversation(TicketId(1), &value).unwrap();
        assert_eq!(sent.cc_emails.0, ["a@x.test"]);
        assert_eq!(sent.bcc_emails.0, ["b@x.test"]);
        let unread = unread.unwrap().to_string();
        assert!(unread.contains("conversation 2") && unread.contains("`cc_emails`"));
        assert!(!unread.contains("bcc_emails"), "{unread}");
    }

    #[test]
    fn time_out_of_range_is_unknown_and_reported() {
        let odd = [
            json!(1_767_607_200_000_000_i64),
            json!("9999-12-31T23:59:59-05:00"),
            json!("+10002-12-30"),
            json!("soon"),
            json!({}),
        ];
        for odd in odd {
            for member in ["created_at", "updated_at"] {
                let value = json!({"id": 5, "body_text": "Hi", member: odd});
                let (sent, unread) = conversation(TicketId(1), &value).unwrap();
                assert_eq!(sent.said.body.as_deref(), Some("Hi"));
                assert_eq!((sent.said.created_at, sent.said.updated_at), (None, None));
                let unread = unread.unwrap().to_string();
                assert!(unread.contains(member) && unread.contains("conversation 5"));
            }
            let members = ["start_time", "executed_at", "created_at", "updated_at"];
            let mut value = json!({"id": 6, "time_spent": "soon"});
            for member in members {
                value[member] = odd.clone();
            }
            let (entry, unread) = time_entry(TicketId(1), &value).unwrap();
            assert_eq!((entry.started_at, entry.executed_at), (None, None));
            assert_eq!((entry.created_at, entry.updated_at), (None, None));
            // One report an entry, which names each.
            let unread = unread.unwrap().to_string();
            for member in members.into_iter().chain(["time_spent"]) {
                assert!(unread.contains(&format!("`{member}`")), "{unread}");
            }
        }
        let leap = json!({"id": 5, "created_at": "2016-12-31T23:59:60Z", "updated_at": null});
        let (sent, unread) = conversation(TicketId(1), &leap).unwrap();
        let next = time::parse(&json!("2017-01-01T00:00:00Z"));
        assert_eq!((sent.said.created_at, unread), (next, None));
    }

    #[test]
    fn status_labels_come_from_the_form() {
        let body = json!({"ticket_fields": [{"name": "priority", "choices": [{"id": 1, "value": "Low"}]},
            {"name": "status", "choices": [{"id": 9, "value": "Waiting on Customer"}, {"id": null}]}]});
        assert_eq!(
            status_labels(&body),
            [(9, "Waiting on Customer".to_owned())]
        );
        assert!(status_labels(&json!({"ticket_fields": null})).is_empty());
    }
}
