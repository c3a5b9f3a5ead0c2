//! Dashboards that templates are tested with.

use codex_core::{
    Role, Scope,
    dashboard::{MONTHS, SHOWN, SYNC_DAYS, WEEKS, wire::DashboardOut},
    ids::CompanyId,
    schedule::Planned,
};
use serde_json::{Value, json};

use super::{DashboardView, Operation};
use crate::{
    http::forwarded::Forwarded,
    pages::{parts::samples::now, tests::HOSTILE},
};

/// As many of something as a dashboard shows at most.
fn many(count: usize, of: impl Fn(usize) -> Value) -> Value {
    (0..count).map(of).collect()
}

fn empty() -> DashboardOut {
    let none = json!([]);
    let numbers = json!({
        "assets": {"offline": 0, "online": 0, "operating_systems": none, "patch_states": null, "unknown": 0,
            "went_offline": none, "went_offline_today": 0},
        "contracts": {"ending": none, "ending_soon": 0, "months": none, "without_plan": 0,
            "without_plan_companies": none},
        "counts": {"agents": 0, "assets": 0, "billing_plans": 0, "companies": 0, "contacts": 0, "open_tickets": 0},
        "own": null, "pending": null, "syncs": none,
        "tickets": {"by_company": none, "by_priority": none, "newest": none, "open": 0, "open_statuses": none,
            "overdue": 0, "weeks": none},
    });
    serde_json::from_value(numbers).unwrap()
}

/// Everything is there, and every text is `text`.
fn full(text: &str) -> DashboardOut {
    let company = json!({"account_number": "100001", "name": text, "contract_end_date": text});
    let ticket = json!({"company_account_number": "100001", "company_name": text, "due_by": now(),
        "is_overdue": true, "number": 4711, "opened_at": now(), "priority": "urgent", "status": text,
        "subject": text});
    let named = many(
        SHOWN,
        |n| json!({"count": 1000 - 99 * n, "name": (n > 0).then_some(text)}),
    );
    let asset = json!({"company_account_number": null, "company_name": null, "hostname": text, "id": 7,
        "last_seen": now()});
    let day = |n: i64| (now().date_naive() - chrono::TimeDelta::days(n)).to_string();
    let jobs = ["failed", "completed", "running", "cancelled"];
    let days: usize = SYNC_DAYS.unsigned_abs().try_into().unwrap();
    let syncs = many(4 * days, |n| {
        let back = i64::try_from(n % days).unwrap();
        json!({"day": day(SYNC_DAYS - 1 - back), "failed": n % 2, "jobs": 96, "status": jobs[n % 4],
            "job_id": "0193a1b2-1111-7e4f-8a5b-6c7d8e9f0a1b", "source": format!("{text}{}", n / days)})
    });
    let weeks = WEEKS.unsigned_abs().try_into().unwrap();
    let numbers = json!({
        "assets": {"offline": 196, "online": 2804, "operating_systems": named, "patch_states": named,
            "unknown": 3, "went_offline": many(SHOWN, |_| asset.clone()), "went_offline_today": 12},
        "contracts": {"ending": many(SHOWN, |_| company.clone()), "ending_soon": 14,
            "months": many(MONTHS, |n| json!({"ending": n, "month": format!("2026-{:02}", n + 1)})),
            "without_plan": 12, "without_plan_companies": many(SHOWN, |_| company.clone())},
        "counts": {"agents": 12, "assets": 3003, "billing_plans": 6, "companies": 240, "contacts": 4200,
            "open_tickets": 312},
        "own": {"open": 12, "overdue": 2, "responder_id": 21001, "tickets": many(SHOWN, |_| ticket.clone())},
        "pending": {"duplicates": 3, "held_deletions": 1, "outbox_failed": 2, "outbox_waiting": 1},
        "syncs": syncs,
        "tickets": {
            "by_company": many(SHOWN, |n| json!({"account_number": (n > 0).then_some("100001"),
                "name": (n > 0).then_some(text), "open": 40 - n, "overdue": n})),
            "by_priority": [{"priority": "urgent", "open": 3}, {"priority": "high", "open": 17},
                {"priority": null, "open": 4}],
            "newest": many(SHOWN, |_| ticket.clone()), "open": 312, "open_statuses": ["open", text],
            "overdue": 17,
            "weeks": many(weeks, |n| json!({"closed": 70 + n, "opened": 70 + n * 7 % 11, "week": "2025-07-14"})),
        },
    });
    serde_json::from_value(numbers).unwrap()
}

fn operation(text: &str) -> Operation {
    Operation {
        planned: vec![Planned {
            name: text.to_owned(),
            cron: "0 * * * *".to_owned(),
            next_at: now() + chrono::TimeDelta::minutes(5),
            last_at: None,
        }],
        facts: vec![("Database", "SQLite".to_owned())],
    }
}

impl DashboardView {
    /// What templates are tested with, for each role.
    pub(in crate::pages) fn samples() -> Vec<(&'static str, Self)> {
        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let own = Scope::client(vec![CompanyId(1)]);
        let sample = |scope: &Scope, name, numbers: &DashboardOut, operation| {
            Self::new(&at, scope, name, numbers, (operation, now()))
        };
        let usual = full("Blue Heron GmbH");
        let hostile = full(HOSTILE);
        let [admin, technician, billing] =
            [Role::Admin, Role::Technician, Role::Billing].map(Scope::staff);
        let none = Operation::default;
        vec![
            (
                "dashboard/empty/admin",
                sample(&admin, None, &empty(), none()),
            ),
            (
                "dashboard/empty/client",
                sample(&own, Some(" "), &empty(), none()),
            ),
            (
                "dashboard/stranger/client",
                sample(&Scope::client(Vec::new()), Some("Ann"), &empty(), none()),
            ),
            (
                "dashboard/usual/admin",
                sample(&admin, Some("Ann"), &usual, operation("psa")),
            ),
            (
                "dashboard/usual/technician",
                sample(&technician, Some("Ann"), &usual, none()),
            ),
            (
                "dashboard/usual/billing",
                sample(&billing, Some("Ann"), &usual, none()),
            ),
            (
                "dashboard/usual/client",
                sample(&own, Some("Ann"), &usual, none()),
            ),
            (
                "dashboard/hostile/admin",
                sample(&admin, Some(HOSTILE), &hostile, operation(HOSTILE)),
            ),
            (
                "dashboard/hostile/technician",
                sample(&technician, Some(HOSTILE), &hostile, none()),
            ),
            (
                "dashboard/hostile/billing",
                sample(&billing, Some(HOSTILE), &hostile, none()),
            ),
        ]
    }
}
