//! Tickets with what was said on them, and sync jobs.

use chrono::DateTime;
use codex_core::import::Generation;
use serde_json::{Value, json};

use super::{
    Made, OldFlaw, Options,
    companies::{NOBODY, Numbers},
    database::Writer,
    id_of,
    row::Row,
};
use crate::sim::{
    World,
    world::tickets::{self, STATUSES, Ticket},
};

const TICKETS: &str = "ticket_details";
const JOBS: &str = "sync_jobs";
/// What was said, at most: the former service read one view of a ticket.
const MOST_SAID: usize = 10;
/// The number of a ticket that the PSA does not have.
const UNKNOWN: i64 = 9_000_001;
/// What the first generation billed for a ticket without hours.
const LEAST_HOURS: f64 = 0.25;
/// Hours that are 1.2 seconds more than a quarter of an hour.
const ODD_HOURS: f64 = 0.250_02;
const PRIORITIES: [&str; 4] = ["Low", "Medium", "High", "Urgent"];

/// Writes tickets. The first generation has none without a company.
pub(super) async fn fill(
    writer: &mut Writer,
    world: &World,
    options: &Options,
    numbers: &Numbers,
    made: &mut Made,
) -> anyhow::Result<()> {
    let mut first = None;
    for (n, ticket) in world.tickets.iter().enumerate() {
        let department = ticket.body["department_id"].as_i64();
        let number = department.and_then(|id| numbers.by_department.get(&id));
        if number.is_none() && !options.is_second() {
            continue;
        }
        let mut row = ticket_row(n, ticket, world, options, made);
        row.set("company_account_number", number.cloned());
        if options.has(OldFlaw::Hours) && first.is_none() {
            row.set("total_hours_spent", ODD_HOURS);
            made.note(OldFlaw::Hours, TICKETS, "hours_rounded");
        }
        first.get_or_insert(ticket.id());
        writer.write(TICKETS, &row).await?;
    }
    let extra = |id: i64, ticket: i64| {
        let row = Row::new().with("ticket_id", ticket);
        let row = row.with("id", id).with("external_id", ticket);
        let row = row.with("external_source", "freshservice");
        row.with("subject", "An earlier state")
            .with("status", "open")
    };
    if options.has(OldFlaw::Dangling) {
        let lost = extra(1, UNKNOWN).with("company_account_number", NOBODY);
        writer.write(TICKETS, &lost).await?;
        made.note(OldFlaw::Dangling, TICKETS, "company_missing");
    }
    if options.has(OldFlaw::Repeated)
        && options.is_second()
        && let Some(first) = first
    {
        writer.write(TICKETS, &extra(2, first)).await?;
        made.note_left_out(OldFlaw::Repeated, TICKETS, "ticket_repeated");
    }
    Ok(())
}

fn ticket_row(n: usize, ticket: &Ticket, world: &World, options: &Options, made: &mut Made) -> Row {
    let body = &ticket.body;
    let mut row = Row::new().with("ticket_id", ticket.id());
    row.set("external_id", ticket.id());
    row.set("external_source", "freshservice");
    // The migration adds a column of row numbers, and nothing numbers the rows.
    row.set("id", options.is_second().then(|| id_of(n)));
    row.set("ticket_number", ticket.id().to_string());
    for column in [
        "subject",
        "description",
        "description_text",
        "requester_id",
        "responder_id",
        "group_id",
        "created_at",
        "due_by",
        "fr_due_by",
    ] {
        row.set(column, &body[column]);
    }
    row.set("ticket_type", &body["type"]);
    row.set("last_updated_at", &body["updated_at"]);
    for column in ["closed_at", "first_responded_at", "agent_responded_at"] {
        row.set(column, &ticket.stats[column]);
    }
    let asks = tickets::requester(world, ticket);
    row.set("requester_name", &asks["name"]);
    row.set("requester_email", &asks["email"]);
    let status = body["status"].as_i64().unwrap_or_default();
    row.set("status", word(status, options));
    row.set("status_id", status);
    let priority = body["priority"].as_i64().unwrap_or_default();
    let label = usize::try_from(priority - 1).ok();
    let label = label.and_then(|place| PRIORITIES.get(place));
    row.set(
        "priority",
        label.map(|label| {
            if options.is_second() {
                label.to_lowercase()
            } else {
                (*label).to_owned()
            }
        }),
    );
    row.set("priority_id", priority);
    let hours = hours(ticket);
    let is_least = hours == 0.0 && !options.is_second();
    row.set(
        "total_hours_spent",
        if is_least { LEAST_HOURS } else { hours },
    );
    said(n, ticket, &mut row, options, made);
    flaws(n, ticket, &mut row, options, made);
    row
}

/// The word of a status: the first generation shows the account's own, the second one of its own.
fn word(status: i64, options: &Options) -> String {
    let known = STATUSES.iter().find(|(id, _)| *id == status);
    let label = known.map_or_else(|| format!("Status {status}"), |(_, l)| (*l).to_owned());
    if !options.is_second() {
        return label;
    }
    match status {
        6 => "waiting_customer".to_owned(),
        7 => "waiting_third_party".to_owned(),
        15 => "job_complete_bill".to_owned(),
        _ => label.to_lowercase().replace(' ', "_"),
    }
}

/// Hours worked, from entries such as `01:30`.
fn hours(ticket: &Ticket) -> f64 {
    let entries = ticket.time_entries();
    let spent = entries.iter().filter_map(|entry| {
        let (hours, minutes) = entry["time_spent"].as_str()?.split_once(':')?;
        Some(hours.parse::<f64>().ok()? + minutes.parse::<f64>().ok()? / 60.0)
    });
    spent.sum()
}

/// What the server's clock showed at a time of the PSA's.
fn local(at: &Value, options: &Options) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(at.as_str()?).ok()?;
    let local = at.with_timezone(&options.zone);
    Some(local.format("%Y-%m-%dT%H:%M:%S").to_string())
}

/// Conversations and private notes as JSON text, and notes of people of the former service among these.
fn said(n: usize, ticket: &Ticket, row: &mut Row, options: &Options, made: &mut Made) {
    let all = ticket.conversations();
    let all = all.iter().take(MOST_SAID).map(|one| {
        let text = one["body_text"].as_str().unwrap_or("See above");
        json!({"id": one["id"], "body": text, "body_html": one["body"],
            "from_email": one["from_email"], "to_emails": one["to_emails"],
            "incoming": one["incoming"], "private": one["private"], "user_id": one["user_id"],
            "created_at": one["created_at"], "updated_at": one["updated_at"]})
    });
    let (mut notes, conversations): (Vec<Value>, Vec<Value>) =
        all.partition(|one| one["private"] == true);
    if n.is_multiple_of(5) {
        let at = if options.has(OldFlaw::LocalTimes) {
            local(&ticket.body["created_at"], options)
        } else {
            ticket.body["created_at"].as_str().map(str::to_owned)
        };
        notes.push(
            json!({"created_at": at, "text": format!("Called back about {}", ticket.id()),
            "user": "carol"}),
        );
    }
    for (column, list) in [("conversations", conversations), ("notes", notes)] {
        let text = (!list.is_empty()).then(|| Value::from(list).to_string());
        row.set(column, text);
    }
    if !options.has(OldFlaw::Conversations) {
        return;
    }
    match n % 20 {
        7 => row.set("conversations", "{broken"),
        8 => row.set("notes", "[{\"text\": \"cut o"),
        _ => return,
    }
    made.note(OldFlaw::Conversations, TICKETS, "conversations_unreadable");
}

fn flaws(n: usize, ticket: &Ticket, row: &mut Row, options: &Options, made: &mut Made) {
    if options.has(OldFlaw::Statuses) {
        let code = match n % 20 {
            3 => {
                row.set("status", "deleted");
                Some("ticket_marked_deleted")
            }
            13 => {
                row.set("status", "Weird Thing");
                row.set("status_id", None::<i64>);
                Some("status_unknown")
            }
            14 => {
                row.set("priority", "Whenever");
                row.set("priority_id", None::<i64>);
                Some("priority_unknown")
            }
            _ => None,
        };
        if let Some(code) = code {
            made.note(OldFlaw::Statuses, TICKETS, code);
        }
    }
    let missing: &[&'static str] = match n % 20 {
        15 => &["status", "status_id"],
        16 => &["priority", "priority_id"],
        17 => &["total_hours_spent"],
        _ => &[],
    };
    if options.has(OldFlaw::Nulls) && !missing.is_empty() {
        for column in missing.iter().copied() {
            row.set(column, None::<i64>);
        }
        made.count(OldFlaw::Nulls);
    }
    if options.has(OldFlaw::LocalTimes) && n % 10 == 9 {
        row.set(
            "last_updated_at",
            local(&ticket.body["updated_at"], options),
        );
        made.note(OldFlaw::LocalTimes, TICKETS, "time_local");
    }
}

/// Writes sync jobs.
pub(super) async fn jobs(
    writer: &mut Writer,
    options: &Options,
    made: &mut Made,
) -> anyhow::Result<()> {
    let is_local = options.has(OldFlaw::LocalTimes) && options.generation != Generation::Second;
    let time = |day: i64| {
        let offset = if is_local { "" } else { "+00:00" };
        format!("2025-12-{:02}T04:00:00{offset}", day + 1)
    };
    let job = |n: i64| {
        let mut row = Row::new().with("id", format!("0b0b0000-0000-4000-8000-{n:012}"));
        if options.is_second() {
            let (script, kind) = [("psa", "base"), ("psa", "tickets")][usize::from(n % 2 == 1)];
            row.set("script", script);
            row.set("sync_type", kind);
            row.set("provider", "freshservice");
        } else {
            let script = ["freshservice", "tickets"][usize::from(n % 2 == 1)];
            row.set("script", script);
        }
        row.set("status", "completed");
        row.set("started_at", time(n));
        row.set("completed_at", time(n));
        row.set("output", "done");
        row.with("success", true)
    };
    for n in 0..6 {
        writer.write(JOBS, &job(n)).await?;
        if is_local {
            made.note(OldFlaw::LocalTimes, JOBS, "time_local");
        }
    }
    if options.has(OldFlaw::Jobs) {
        let mut running = job(10).with("status", "running");
        for column in ["completed_at", "output", "success"] {
            running.set(column, None::<String>);
        }
        writer.write(JOBS, &running).await?;
        made.note(OldFlaw::Jobs, JOBS, "job_unfinished");
        let odd = job(11).with("started_at", "yesterday");
        writer.write(JOBS, &odd).await?;
        made.note_left_out(OldFlaw::Jobs, JOBS, "time_unreadable");
    }
    Ok(())
}
