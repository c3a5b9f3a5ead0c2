//! Vendors' odd times: what is served of them can be read by everybody, and sent back.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _, Utc};
use codex_tests::{harness::app::TestApp, on_each_engine};
use serde_json::{Value, json};

/// Keys of times, in rows and in what is inside them.
const TIMES: [&str; 14] = [
    "agent_responded_at",
    "closed_at",
    "created_at",
    "due_by",
    "executed_at",
    "first_responded_at",
    "fr_due_by",
    "last_audit_date",
    "last_reboot",
    "last_seen",
    "last_updated_at",
    "resolved_at",
    "started_at",
    "updated_at",
];

/// Times in every form that a vendor has been seen to send, and in some that cannot be true.
fn odd() -> Vec<Value> {
    vec![
        json!("2016-12-31T23:59:60Z"),
        json!("2016-12-31T18:59:60.5-05:00"),
        json!("2200-12-31T23:59:59.9999999Z"),
        json!("1970-01-01T00:00:00.000001Z"),
        json!("2026-01-05 10:00:00"),
        json!("2026-01-05T10:00:00.123456789+05:30"),
        json!("2026-01-05T10:00:00.12Z"),
        json!(1_767_607_200.5),
        json!(1_767_607_200_123_i64),
        json!(1_767_607_200_000_000_i64),
        json!("9999-12-31T23:59:59-05:00"),
        json!("+10002-12-30T00:00:00Z"),
        json!("0001-01-01T00:00:00Z"),
        json!(-62_135_596_800_000_i64),
        json!({}),
        json!("soon"),
    ]
}

/// The time that Python's `datetime.fromisoformat` reads (3.11; earlier ones know no `Z`): no second 60, no fraction
/// but of 3 or 6 digits, and a year that a time of ours can have.
fn read(text: &str) -> Option<DateTime<Utc>> {
    let (whole, rest) = text.split_at_checked("2026-01-05T10:00:00".len())?;
    let fraction = rest
        .strip_suffix("+00:00")
        .or_else(|| rest.strip_suffix('Z'))?;
    let digits = fraction.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    let fits = [0, 4, 7].contains(&fraction.len()) && digits;
    let time = NaiveDateTime::parse_from_str(whole, "%Y-%m-%dT%H:%M:%S").ok()?;
    let sound = fits && time.nanosecond() == 0 && (1970..=2200).contains(&time.year());
    DateTime::parse_from_rfc3339(text)
        .ok()
        .filter(|_| sound)
        .map(|time| time.to_utc())
}

/// Every time in an answer.
fn times(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for item in items {
                times(item, found);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if TIMES.contains(&&**name) => found.push(text.clone()),
                    value => times(value, found),
                }
            }
        }
        _ => {}
    }
}

/// Gives every vendor odd times.
fn set(app: &TestApp) {
    let odd = odd();
    let of = |place: usize| odd[place % odd.len()].clone();
    let mut world = app.world.lock();
    for (n, device) in world.devices.iter_mut().enumerate() {
        for (place, name) in ["lastSeen", "lastReboot", "lastAuditDate"]
            .iter()
            .enumerate()
        {
            device.body.insert((*name).into(), of(n + place * 5));
        }
    }
    for (n, ticket) in world.tickets.iter_mut().take(odd.len()).enumerate() {
        for (place, name) in ["due_by", "fr_due_by"].iter().enumerate() {
            ticket.body.insert((*name).into(), of(n + place));
        }
        let stats = [
            "closed_at",
            "resolved_at",
            "first_responded_at",
            "agent_responded_at",
        ];
        for (place, name) in stats.iter().enumerate() {
            ticket.stats[*name] = of(n + place);
        }
        let id = i64::try_from(n).unwrap() + 1;
        ticket.set_conversations(vec![
            json!({"id": 70_000 + id, "body_text": "Hi", "private": n % 2 == 0,
            "created_at": of(n), "updated_at": of(n + 1)}),
        ]);
        ticket.set_time_entries(vec![
            json!({"id": 80_000 + id, "time_spent": "00:30", "start_time": of(n),
            "executed_at": of(n + 1), "created_at": of(n + 2), "updated_at": of(n + 3)}),
        ]);
    }
    // The vendor's own order of changes stays as it is.
    let leap = json!("2025-12-31T23:59:60Z");
    for place in [20, 21] {
        for name in ["created_at", "updated_at"] {
            world.tickets[place].body.insert(name.into(), leap.clone());
        }
    }
}

/// The rows of a list, page by page.
async fn all(app: &TestApp, list: &str, query: &str) -> anyhow::Result<Vec<Value>> {
    let mut path = Some(format!("/api/{list}?{query}"));
    let mut rows = Vec::new();
    while let Some(next) = path.take() {
        let answer = app.get(&next)?.send().await?;
        anyhow::ensure!(answer.status() == 200, "{next}: {}", answer.status());
        let link = answer.headers().get("link");
        let link = link.map(|link| link.to_str()).transpose()?;
        path = link.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
        let body: Value = answer.json().await?;
        let page = if body.is_array() { &body } else { &body[list] };
        rows.extend(page.as_array().unwrap().iter().cloned());
        anyhow::ensure!(rows.len() < 1_000, "{list}?{query} does not end");
    }
    Ok(rows)
}

fn ids(rows: &[Value]) -> BTreeSet<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

on_each_engine! {
    async fn every_served_time_is_read_by_python_and_accepted_back(app: TestApp) -> TestResult {
        set(&app);
        app.sync().await?;
        let lists = [
            ("assets", vec!["last_seen", "last_reboot", "last_audit_date"]),
            ("tickets", vec!["created_at", "last_updated_at", "closed_at", "resolved_at", "first_responded_at",
                "agent_responded_at", "due_by", "fr_due_by"]),
        ];
        for (list, columns) in lists {
            let beside = if list == "tickets" { ",conversations,notes,time_entries" } else { "" };
            let rows = all(&app, list, &format!("limit=100&fields=id,{}{beside}", columns.join(","))).await?;
            let mut found = Vec::new();
            for row in &rows {
                times(row, &mut found);
            }
            assert!(found.len() > 15, "{list}: {found:?}");
            for text in &found {
                assert!(read(text).is_some(), "{list}: {text}");
            }
            let leap: DateTime<Utc> = "2017-01-01T00:00:00Z".parse()?;
            assert!(found.iter().any(|text| read(text) == Some(leap)), "{list}: {found:?}");
            for column in columns {
                let mut sent = BTreeSet::new();
                for row in &rows {
                    let Some(text) = row[column].as_str() else { continue };
                    if sent.len() == 12 || !sent.insert(text) {
                        continue;
                    }
                    let back = text.replace('+', "%2B");
                    for (op, holds) in [("", true), ("__gte", true), ("__gt", false)] {
                        let query = format!("limit=100&fields=id&{column}{op}={back}");
                        let found = ids(&all(&app, list, &query).await?);
                        assert_eq!(found.contains(&row["id"].as_i64().unwrap()), holds, "{list}: {query}");
                    }
                }
                for order in ["", "-"] {
                    let paged = all(&app, list, &format!("limit=7&fields=id&sort={order}{column}")).await?;
                    assert_eq!((paged.len(), ids(&paged)), (rows.len(), ids(&rows)), "{list} by {order}{column}");
                }
            }
        }
        for path in ["/api/ticket/1", "/api/ticket/2", "/api/ticket/21", "/api/rmm/devices", "/api/tickets"] {
            let mut found = Vec::new();
            times(&app.json(path).await?, &mut found);
            assert!(!found.is_empty(), "{path}");
            assert!(found.iter().all(|text| read(text).is_some()), "{path}: {found:?}");
        }
        Ok(())
    }

    async fn unreadable_times_of_a_ticket_are_reported(app: TestApp) -> TestResult {
        set(&app);
        app.sync().await?;
        let jobs = app.json("/sync/jobs?script=tickets&limit=1").await?;
        let job = app.json(&format!("/sync/jobs/{}", jobs[0]["id"].as_str().unwrap())).await?;
        let issues = job["report"]["issues"].to_string();
        for (what, member) in [
            ("conversation 70010", "created_at"), ("conversation 70009", "updated_at"),
            ("time entry 80010", "start_time"), ("time entry 80009", "executed_at"), ("ticket ", "due_by"),
        ] {
            let reported = job["report"]["issues"].as_array().unwrap().iter().filter_map(Value::as_str);
            let reported = reported.filter(|issue| issue.starts_with(what) && issue.contains(&format!("`{member}`")));
            assert_eq!(reported.count(), 1, "{what}: {issues}");
        }
        for number in [9, 10] {
            let ticket = app.json(&format!("/api/ticket/{number}")).await?;
            let said = [&ticket["conversations"], &ticket["notes"]].map(|list| list.as_array().unwrap().len());
            assert_eq!(said.iter().sum::<usize>(), 1, "the rest is kept");
            assert_eq!(ticket["total_hours_spent"], 0.5);
        }
        Ok(())
    }
}

#[test]
fn test_reader_accepts_what_python_accepts() {
    for good in [
        "2026-01-05T10:00:00+00:00",
        "2026-01-05T10:00:00.123456+00:00",
        "2026-01-05T10:00:00.123Z",
    ] {
        assert!(read(good).is_some(), "{good}");
    }
    for bad in [
        "2016-12-31T23:59:60+00:00",
        "+57856-01-05T10:00:00+00:00",
        "9999-12-31T23:59:59+00:00",
        "2026-01-05T10:00:00.123456789+00:00",
        "2026-01-05T10:00:00",
        "2026-01-05",
        "never",
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
