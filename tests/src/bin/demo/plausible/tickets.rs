//! What people ask the MSP for, and what it answers.

use codex_tests::sim::{
    World,
    world::{
        requester_id,
        tickets::{Ticket, sent},
    },
};
use serde_json::{Value, json};

/// Subject, what the client writes, and the category.
const REQUESTS: [(&str, &str, &str); 14] = [
    (
        "Printer does not print",
        "The printer on the second floor has not printed since this morning. Its display shows an error.",
        "Hardware",
    ),
    (
        "Password reset",
        "I cannot log in after my holiday. Could you reset my password?",
        "Access",
    ),
    (
        "New employee starts on Monday",
        "A new colleague starts on Monday and needs a laptop, a mailbox and a telephone.",
        "Onboarding",
    ),
    (
        "VPN is slow",
        "The VPN has been slow since yesterday. Files on the server take minutes to open.",
        "Network",
    ),
    (
        "Laptop does not start",
        "My laptop shows a black screen when I switch it on.",
        "Hardware",
    ),
    (
        "Quote for five monitors",
        "We would like a quote for five 27-inch monitors for the sales team.",
        "Purchasing",
    ),
    (
        "Outlook asks for a password again and again",
        "Since the update Outlook asks for my password every few minutes.",
        "E-mail",
    ),
    (
        "Suspicious e-mail",
        "I received an e-mail with an invoice that I do not know. I have not opened it. Is it genuine?",
        "Security",
    ),
    (
        "Access to the shared folder Finance",
        "Please give me access to the folder Finance. My manager agrees.",
        "Access",
    ),
    (
        "Wi-Fi drops in the meeting room",
        "The Wi-Fi in the large meeting room drops in every video call.",
        "Network",
    ),
    (
        "Backup failed last night",
        "The backup of the file server reports an error.",
        "Backup",
    ),
    (
        "Employee leaves at the end of the month",
        "Please close the accounts of a colleague who leaves at the end of the month.",
        "Offboarding",
    ),
    (
        "Two-factor login on a new telephone",
        "I have a new telephone and cannot confirm my login any more.",
        "Access",
    ),
    (
        "Update of the accounting software",
        "The vendor has released a new version. When can you install it?",
        "Software",
    ),
];
const CLIENT: [&str; 4] = [
    "Thank you, I will try that.",
    "It still happens. Could you have another look?",
    "I am at my desk until five if you want to call.",
    "It works now. Thank you for the quick help.",
];
const DESK: [&str; 4] = [
    "Thank you for your message. We are looking into it.",
    "Could you send us a screenshot of the message?",
    "We have made a change on our side. Please try again.",
    "The part is ordered and arrives on Thursday.",
];
const NOTES: [&str; 3] = [
    "Called the client, no answer. Trying again tomorrow.",
    "Same cause as last month, see the knowledge base.",
    "Waiting for the vendor.",
];
const WORK: [&str; 4] = [
    "Remote session with the user",
    "Analysed the log and changed the configuration",
    "Site visit",
    "Telephone call with the vendor",
];
const SPENT: [&str; 6] = ["00:15", "00:30", "00:45", "01:00", "01:30", "02:15"];
/// A status that the account has no word for.
const UNKNOWN_STATUS: i64 = 28;
const CLOSED: i64 = 5;
/// A department that does not exist.
const NO_DEPARTMENT: i64 = 999_999_999_998;
/// The longest conversation.
const LONGEST: usize = 6;
/// With more tickets, only their own texts are rewritten: the rest would fill the memory.
const MANY: usize = 50_000;

pub(super) fn rewrite(world: &mut World) {
    let is_large = world.tickets.len() > MANY;
    let now = sent(world.now);
    let requesters = &world.requesters;
    for (n, ticket) in world.tickets.iter_mut().enumerate() {
        let (subject, text, category) = REQUESTS[n % REQUESTS.len()];
        let asks = asker(requesters, ticket);
        let body = &mut ticket.body;
        body.insert("subject".into(), json!(subject));
        body.insert("description".into(), json!(format!("<div>{text}</div>")));
        body.insert("description_text".into(), json!(text));
        body.insert("category".into(), json!(category));
        if body["status"] == UNKNOWN_STATUS {
            body.insert("status".into(), json!(CLOSED));
        }
        if body["department_id"] == NO_DEPARTMENT {
            let department = asks.map(|one| one["department_ids"][0].clone());
            body.insert("department_id".into(), department.unwrap_or_default());
        }
        if !is_large {
            let said = conversations(ticket, n, text, asks, &now);
            let worked = time_entries(ticket, n);
            ticket.set_conversations(said);
            ticket.set_time_entries(worked);
        }
    }
}

/// The requester of a ticket; `None` for an agent.
fn asker<'r>(requesters: &'r [Value], ticket: &Ticket) -> Option<&'r Value> {
    let place = ticket.body["requester_id"].as_i64()? - requester_id(0);
    requesters.get(usize::try_from(place).ok()?)
}

fn conversations(
    ticket: &Ticket,
    n: usize,
    request: &str,
    asks: Option<&Value>,
    now: &str,
) -> Vec<Value> {
    let sender = asks.and_then(|one| {
        let (first, last) = (one["first_name"].as_str()?, one["last_name"].as_str()?);
        let address = one["primary_email"].as_str()?;
        Some(format!("\"{first} {last}\" <{address}>"))
    });
    let said = ticket.conversations().into_iter().take(LONGEST).enumerate();
    let said = said.map(|(place, mut one)| {
        let is_incoming = one["incoming"] == true;
        let text = match (place, is_incoming) {
            _ if one["private"] == true => NOTES[n % NOTES.len()],
            (0, _) => request,
            (_, true) => CLIENT[(n + place) % CLIENT.len()],
            (_, false) => DESK[(n + place) % DESK.len()],
        };
        one["body"] = json!(format!("<p>{text}</p>"));
        one["body_text"] = json!(text);
        one["from_email"] = match &sender {
            Some(sender) if is_incoming => json!(sender),
            _ => json!("\"Service Desk\" <help@msp.example>"),
        };
        for time in ["created_at", "updated_at"] {
            if one[time].as_str() > Some(now) {
                one[time] = json!(now);
            }
        }
        one
    });
    said.collect()
}

fn time_entries(ticket: &Ticket, n: usize) -> Vec<Value> {
    let worked = ticket.time_entries().into_iter().enumerate();
    let worked = worked.map(|(place, mut one)| {
        one["note"] = json!(WORK[(n + place) % WORK.len()]);
        one["time_spent"] = json!(SPENT[(n + place) % SPENT.len()]);
        one
    });
    worked.collect()
}
