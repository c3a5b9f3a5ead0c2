//! Tickets, what was said on them and how long they took (vendors 1.5).

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{World, freshservice};

const KINDS: [&str; 3] = ["Incident", "Service Request", "Case"];
const SUBJECTS: [&str; 6] = [
    "Printer on fire",
    "Passwort vergessen – bitte zurücksetzen",
    "New starter",
    "VPN is slow",
    "💻 does not start",
    "RE: \"Quote\" 'n' <tags> & more",
];
/// The account's own statuses; one that turns up on tickets, 28, is in no form (trap 8).
pub const STATUSES: [(i64, &str); 9] = [
    (2, "Open"),
    (3, "Pending"),
    (4, "Resolved"),
    (5, "Closed"),
    (6, "Waiting on Customer"),
    (7, "Waiting on Third Party"),
    (8, "Customer Replied"),
    (9, "On Hold"),
    (15, "Job Complete - Bill"),
];

/// A ticket.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// As a single view sends it; lists leave members out.
    pub body: Map<String, Value>,
    /// What `include=stats` adds.
    pub stats: Value,
    /// Conversations, once somebody has changed them; made up from the id until then.
    said: Option<Vec<Value>>,
    /// Time entries, once somebody has changed them.
    worked: Option<Vec<Value>>,
}

/// A time as Freshservice sends it.
pub fn sent(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The n-th of `count` tickets, the first being the oldest: two years' worth until `now`.
pub(super) fn ticket(n: usize, count: usize, world: &World) -> Ticket {
    let age = |n: usize| {
        let left = i64::try_from(count - n).unwrap_or(1);
        Duration::minutes(left * 2 * 365 * 24 * 60 / i64::try_from(count).unwrap_or(1))
    };
    let opened = world.now - age(n);
    let changed = (opened + Duration::hours(i64::try_from(n % 90).unwrap_or(0))).min(world.now);
    let recent = n * 10 > count * 9;
    let status = match n % 20 {
        0 => 28,
        place @ 1..=12 if recent => STATUSES[place % STATUSES.len()].0,
        place if recent => [2, 2, 3, 6, 8][place % 5],
        7 => 15,
        _ => 5,
    };
    let requester = &world.requesters[n * 7 % world.requesters.len()];
    let department = match n % 11 {
        3 => Value::Null,
        5 => json!(999_999_999_998_i64),
        _ => requester["department_ids"][0].clone(),
    };
    // Agents ask for things too (trap 15).
    let agent = &world.agents[n % world.agents.len()];
    let asks = if n % 31 == 4 { agent } else { requester };
    let text = format!("{} – ticket {}", SUBJECTS[n % SUBJECTS.len()], n + 1);
    let closed = [4, 5, 15].contains(&status);
    let moment = |on: bool, at: DateTime<Utc>| if on { json!(sent(at)) } else { Value::Null };
    let body = json!({
        "id": n + 1,
        "subject": if n % 97 == 5 { "" } else { text.as_str() },
        "description": format!("<div>Dear all,<br>{} &amp; <b>more</b></div>", text.replace('<', "&lt;")),
        "description_text": if n % 3 == 0 { Value::Null } else { json!(format!("Dear all, {text} & more")) },
        "status": status,
        "priority": 1 + n % 4,
        "source": 1 + n % 3,
        "urgency": 1 + n % 3,
        "impact": 1 + n % 2,
        "type": KINDS[n % KINDS.len()],
        "requester_id": asks["id"],
        "requested_for_id": asks["id"],
        "responder_id": if n % 5 == 2 { Value::Null } else { agent["id"].clone() },
        "group_id": if n % 4 == 1 { Value::Null } else { json!(19_000_234_000_i64 + i64::try_from(n % 3).unwrap_or(0)) },
        "department_id": department,
        "category": if n % 2 == 0 { json!("Hardware") } else { Value::Null },
        "sub_category": null,
        "item_category": null,
        "due_by": sent(opened + Duration::days(3)),
        "fr_due_by": sent(opened + Duration::hours(8)),
        "fr_escalated": false,
        "is_escalated": n % 13 == 1,
        "deleted": false,
        "spam": false,
        "email_config_id": null,
        "cc_emails": [],
        "fwd_emails": [],
        "reply_cc_emails": [],
        "to_emails": null,
        "bcc_emails": null,
        "custom_fields": if n % 10 == 3 { json!({}) } else { json!({"building": "North"}) },
        "tags": if n % 6 == 0 { json!(["vip"]) } else { json!([]) },
        "attachments": [],
        "sla_policy_id": 21_000_001,
        "approval_status": 4,
        "approval_status_name": "Not Requested",
        "created_at": sent(opened),
        "updated_at": sent(changed),
    });
    let stats = json!({
        "ticket_id": 21_003_880_000_i64 + i64::try_from(n).unwrap_or(0),
        "opened_at": null,
        "pending_since": null,
        "first_responded_at": moment(n % 3 != 1, opened + Duration::minutes(20)),
        "agent_responded_at": moment(n % 3 != 1, changed),
        "resolved_at": moment(closed, changed),
        "closed_at": moment(status == 5, changed),
        "inbound_count": 1,
        "outbound_count": 1,
    });
    let Value::Object(body) = body else {
        return Ticket {
            body: Map::new(),
            stats,
            said: None,
            worked: None,
        };
    };
    Ticket {
        body,
        stats,
        said: None,
        worked: None,
    }
}

impl Ticket {
    /// Its number.
    pub fn id(&self) -> i64 {
        self.body["id"].as_i64().unwrap_or_default()
    }

    /// Makes its conversations these.
    pub fn set_conversations(&mut self, said: Vec<Value>) {
        self.said = Some(said);
    }

    /// Makes its time entries these.
    pub fn set_time_entries(&mut self, worked: Vec<Value>) {
        self.worked = Some(worked);
    }

    /// A flag of its body.
    pub fn flag(&self, name: &str) -> bool {
        self.body[name] == true
    }

    /// A time of its body.
    pub fn time(&self, name: &str) -> DateTime<Utc> {
        let text = self.body[name].as_str().unwrap_or_default();
        DateTime::parse_from_rfc3339(text).map_or(DateTime::UNIX_EPOCH, |at| at.to_utc())
    }

    /// What was said, oldest first. One in fifty has more than a view holds, one in 500 more than a page
    /// (trap 26).
    pub fn conversations(&self) -> Vec<Value> {
        if let Some(said) = &self.said {
            return said.clone();
        }
        let id = self.id();
        let count = match id {
            _ if id % 500 == 41 => 131,
            _ if id % 50 == 41 => 12,
            _ => id % 7,
        };
        (0..count).map(|n| self.conversation(n)).collect()
    }

    fn conversation(&self, n: i64) -> Value {
        let at = sent(self.time("created_at") + Duration::minutes(n * 7));
        let incoming = n % 2 == 0;
        json!({
            "id": 21_050_000_000 + self.id() * 1_000 + n,
            "user_id": if incoming { self.body["requester_id"].clone() } else { self.body["responder_id"].clone() },
            "ticket_id": self.id(),
            "body": format!("<p>Message {n} on {}</p><script>alert(1)</script>", self.id()),
            "body_text": if n % 4 == 3 { Value::Null } else { json!(format!("Message {n} on {}", self.id())) },
            "incoming": incoming,
            "private": n % 5 == 1,
            "source": if n % 5 == 1 { 2 } else { 0 },
            "support_email": if n % 5 == 1 { Value::Null } else { json!("help@msp.example") },
            "from_email": "\"Somebody\" <somebody@client.example>",
            "to_emails": if n % 3 == 0 { Value::Null } else { json!(["help@msp.example"]) },
            "cc_emails": null,
            "bcc_emails": null,
            "attachments": if n == 2 { json!([{"name": "log.txt", "size": 12, "content_type": "text/plain",
                "attachment_url": "https://example.test/log.txt"}]) } else { json!([]) },
            "created_at": at,
            "updated_at": at,
        })
    }

    /// Time worked. One timer in forty runs; one entry has more hours than a day (trap 28).
    pub fn time_entries(&self) -> Vec<Value> {
        if let Some(worked) = &self.worked {
            return worked.clone();
        }
        let id = self.id();
        let entry = |n: i64| {
            let spent = if id % 300 == 7 { "103:30" } else { "00:30" };
            json!({
                "id": 21_090_000_000 + id * 100 + n,
                "agent_id": self.body["responder_id"],
                "task_id": null,
                "note": "Looked into it",
                "billable": n != 1,
                "timer_running": id % 40 == 9 && n == 0,
                "time_spent": spent,
                "start_time": self.body["created_at"],
                "executed_at": self.body["created_at"],
                "created_at": self.body["created_at"],
                "updated_at": self.body["created_at"],
            })
        };
        (0..id % 3).map(entry).collect()
    }
}

impl World {
    /// Where a ticket is; they are in the order of their numbers.
    fn place(&self, id: i64) -> Option<usize> {
        self.tickets.binary_search_by_key(&id, Ticket::id).ok()
    }

    /// A ticket.
    pub fn ticket(&self, id: i64) -> Option<&Ticket> {
        self.tickets.get(self.place(id)?)
    }

    /// Changes a ticket as somebody would at the vendor: its time of change moves.
    pub fn change_ticket(&mut self, id: i64, change: impl FnOnce(&mut Ticket)) -> Option<()> {
        let now = json!(sent(self.now));
        let place = self.place(id)?;
        let ticket = &mut self.tickets[place];
        change(ticket);
        ticket.body.insert("updated_at".into(), now);
        Some(())
    }

    /// Sets members of a ticket.
    pub fn set_ticket(&mut self, id: i64, members: &Value) -> Option<()> {
        let members = members.as_object()?.clone();
        self.change_ticket(id, |ticket| ticket.body.extend(members))
    }

    /// Erases a ticket for good: it is in no list and no view any more.
    pub fn purge_ticket(&mut self, id: i64) -> Option<Ticket> {
        let place = self.place(id)?;
        Some(self.tickets.remove(place))
    }

    /// Opens a ticket and gives its number.
    pub fn open_ticket(&mut self) -> i64 {
        let n = self.tickets.iter().map(Ticket::id).max().unwrap_or(0);
        let n = usize::try_from(n).unwrap_or(0);
        let mut new = ticket(n, n + 1, self);
        let now = json!(sent(self.now));
        for time in ["created_at", "updated_at"] {
            new.body.insert(time.into(), now.clone());
        }
        new.body.insert("status".into(), json!(2));
        let id = new.id();
        self.tickets.push(new);
        id
    }

    /// Somebody says something on a ticket.
    pub fn say(&mut self, id: i64, private: bool, text: &str) -> Option<()> {
        self.change_ticket(id, |ticket| {
            let mut said = ticket.conversations();
            let mut new = ticket.conversation(i64::try_from(said.len()).unwrap_or(0));
            new["private"] = json!(private);
            new["body"] = json!(format!("<p>{text}</p>"));
            new["body_text"] = json!(text);
            said.push(new);
            ticket.said = Some(said);
        })
    }

    /// Somebody writes a note of HTML on a ticket; gives it as a list sends it.
    pub fn note(&mut self, id: i64, private: bool, html: &str) -> Option<Value> {
        let now = json!(sent(self.now));
        let text = html.replace("<br>", "\n").replace("&lt;", "<");
        let text = text.replace("<div>", "").replace("</div>", "");
        self.say(
            id,
            private,
            &text.replace("&gt;", ">").replace("&amp;", "&"),
        )?;
        let mut new = None;
        self.change_ticket(id, |ticket| {
            let last = ticket.said.as_mut().and_then(|said| said.last_mut());
            if let Some(last) = last {
                last["body"] = json!(html);
                last["incoming"] = json!(false);
                last["created_at"] = now.clone();
                last["updated_at"] = now;
                new = Some(last.clone());
            }
        })?;
        new
    }

    /// Takes back what was said last on a ticket.
    pub fn unsay(&mut self, id: i64) -> Option<()> {
        self.change_ticket(id, |ticket| {
            let mut said = ticket.conversations();
            said.pop();
            ticket.said = Some(said);
        })
    }

    /// Somebody works on a ticket; `spent` is `hh:mm`.
    pub fn work(&mut self, id: i64, spent: &str) -> Option<()> {
        self.change_ticket(id, |ticket| {
            let mut worked = ticket.time_entries();
            let place = i64::try_from(worked.len()).unwrap_or(0);
            worked.push(
                json!({"id": 21_090_000_000 + id * 100 + place, "agent_id": null, "note": null,
                "billable": true, "timer_running": false, "time_spent": spent}),
            );
            ticket.worked = Some(worked);
        })
    }
}

/// The form of tickets, as far as anybody reads it.
pub fn form() -> Value {
    let choices = STATUSES.map(|(id, label)| {
        json!({"id": id, "value": label, "requester_display_value": format!("Is {label}")})
    });
    json!({"ticket_fields": [
        {"id": 1, "name": "subject", "label": "Subject", "field_type": "default_subject", "choices": []},
        {"id": 5, "name": "status", "label": "Status", "field_type": "default_status", "choices": choices},
        {"id": 6, "name": "priority", "label": "Priority", "field_type": "default_priority",
            "choices": [{"id": 1, "value": "Low"}, {"id": 2, "value": "Medium"}]},
    ]})
}

/// The object that `include=requester` adds; a person who is no longer there has none.
pub fn requester(world: &World, ticket: &Ticket) -> Value {
    let id = ticket.body["requester_id"].as_i64().unwrap_or_default();
    // Requesters are made in the order of their ids; a few that tests have moved are looked for one by one.
    let place = world
        .requesters
        .binary_search_by_key(&Some(id), |r| r["id"].as_i64());
    let few = world.requesters.len() <= 3_000;
    let slowly = || {
        few.then(|| World::position(&world.requesters, id))
            .flatten()
    };
    let place = place.ok().or_else(slowly);
    let requester = place.map(|at| world.requesters[at].clone());
    let agent = || World::position(&world.agents, id).map(|at| world.agents[at].clone());
    let Some(person) = requester.or_else(agent) else {
        return Value::Null;
    };
    let name = [&person["first_name"], &person["last_name"]];
    let name: Vec<&str> = name.iter().filter_map(|part| part.as_str()).collect();
    let email = [&person["primary_email"], &person["email"]];
    json!({"id": id, "name": name.join(" "), "email": email.iter().find_map(|e| e.as_str()),
        "mobile": null, "phone": person["work_phone_number"]})
}

/// Members that a view has and lists have not.
pub const VIEW_ONLY: [&str; 8] = [
    "urgency",
    "impact",
    "tags",
    "attachments",
    "bcc_emails",
    "sla_policy_id",
    "approval_status",
    "approval_status_name",
];

/// An id of an agent, for tests.
pub fn agent_id(n: usize) -> i64 {
    freshservice::agent(n)["id"].as_i64().unwrap_or_default()
}
