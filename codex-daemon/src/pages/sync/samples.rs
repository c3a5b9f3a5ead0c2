//! Syncs and jobs that templates are tested with, as each kind of staff sees them.

use std::collections::HashMap;

use askama::Template as _;
use chrono::TimeDelta;
use codex_core::{
    Scope,
    jobs::{Counts, DRY_RUN, Job, JobReport, JobStatus, ScopeResult},
    list::{Cursor, Page},
    schedule::{Entry, Planned},
    sync::{SyncKind, VendorLimits},
};

use super::{
    JobParts, JobView, SyncParts, SyncView, duration,
    jobs::{LIST, rows},
    title,
};
use crate::pages::{
    parts::samples::{TOKEN, at, now, record, scopes},
    plain_list::samples::{asked, facets},
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in scopes() {
        for (kind, job) in [
            ("empty", queued()),
            ("usual", usual()),
            ("hostile", hostile()),
        ] {
            pages.push((format!("sync/job/{kind}/{role}"), job_page(&scope, &job)));
            pages.push((format!("sync/jobs/{kind}/{role}"), list(&scope, &job)));
        }
        pages.push((
            format!("sync/overview/empty/{role}"),
            overview(&scope, Vec::new(), vec![]),
        ));
        let all = SyncKind::ALL.to_vec();
        pages.push((
            format!("sync/overview/usual/{role}"),
            overview(&scope, vec![usual()], all),
        ));
    }
    pages
}

fn queued() -> Job {
    Job {
        id: "6f1b3c1e-0000-4000-8000-000000000001".to_owned(),
        script: "psa".to_owned(),
        provider: Some("freshservice".to_owned()),
        sync_type: Some("base".to_owned()),
        status: JobStatus::Queued,
        started_at: now(),
        started_by: None,
        completed_at: None,
        output: None,
        error: None,
        success: None,
        report: JobReport::default(),
    }
}

fn usual() -> Job {
    let counts = Counts {
        seen: 240,
        created: 3,
        ..Counts::default()
    };
    let report = JobReport {
        counts: [("company".to_owned(), counts)].into(),
        scopes: [(
            "departments".to_owned(),
            scope_result("8 of 12 are missing"),
        )]
        .into(),
        issues: vec!["department 7 could not be read: `name` is not text".to_owned()],
        notes: vec!["would create company `Acme`".to_owned()],
        issue_count: 4,
        calls: 12,
        stage: "departments".to_owned(),
        percent: Some(40),
        refused: None,
    };
    Job {
        status: JobStatus::Running,
        started_by: Some("u1".to_owned()),
        report,
        ..queued()
    }
}

/// Every text is an attack.
fn hostile() -> Job {
    let counts = Counts {
        seen: u64::MAX,
        ..Counts::default()
    };
    Job {
        script: DRY_RUN.to_owned(),
        provider: Some(HOSTILE.to_owned()),
        sync_type: Some(HOSTILE.to_owned()),
        status: JobStatus::Failed,
        started_by: Some(HOSTILE.to_owned()),
        completed_at: Some(now()),
        output: Some(HOSTILE.repeat(500)),
        error: Some(HOSTILE.to_owned()),
        report: JobReport {
            counts: [(HOSTILE.to_owned(), counts)].into(),
            scopes: [(HOSTILE.to_owned(), scope_result(HOSTILE))].into(),
            issues: vec![HOSTILE.to_owned()],
            notes: vec![HOSTILE.to_owned()],
            stage: HOSTILE.to_owned(),
            ..JobReport::default()
        },
        ..queued()
    }
}

fn scope_result(reason: &str) -> ScopeResult {
    ScopeResult {
        certified: false,
        seen: 4,
        reason: Some(reason.to_owned()),
    }
}

fn job_page(scope: &Scope, job: &Job) -> String {
    let issues = job.report.issues.iter();
    let parts = JobParts {
        records: issues.map(|issue| vec![record("company", issue)]).collect(),
        names: HashMap::from([("u1".to_owned(), "Ann Lee".to_owned())]),
        limits: Some(VendorLimits {
            per_minute: Some(140),
            used: 30,
            closed_until: Some(now()),
        }),
        now: now() + TimeDelta::seconds(75),
        token: TOKEN.to_owned(),
        notice: super::notice(Some("started")),
        problem: job.error.clone(),
    };
    JobView::new(&at(), scope, job, parts).render().unwrap()
}

fn list(scope: &Scope, job: &Job) -> String {
    let page = Page {
        items: vec![job.clone()],
        next: Some(Cursor::new("a", 1)),
        total: None,
    };
    let asked = asked(&LIST, "sync=psa&state=running");
    let rows = rows(&at(), &page.items, &HashMap::new(), now());
    let view = LIST.view(&at(), scope, &asked, &page, rows, facets(&LIST));
    view.render().unwrap()
}

fn overview(scope: &Scope, newest: Vec<Job>, available: Vec<SyncKind>) -> String {
    let entry = Entry::new("psa", SyncKind::Psa, "0 2 * * *", "UTC", TimeDelta::zero()).unwrap();
    let planned = Planned {
        name: "psa".to_owned(),
        cron: entry.cron(),
        next_at: now(),
        last_at: None,
    };
    let parts = SyncParts {
        completed: newest.clone(),
        newest,
        planned: vec![planned],
        entries: vec![entry],
        available,
        now: now(),
        token: TOKEN.to_owned(),
    };
    SyncView::new(&at(), scope, &parts).render().unwrap()
}

#[test]
fn buttons_of_syncs_follow_the_role() {
    let all = || SyncKind::ALL.to_vec();
    for (role, scope) in scopes() {
        let html = overview(&scope, vec![usual()], all());
        let is_admin = role == "admin";
        let starts = html.matches("name=\"start\"").count();
        let wanted = match role {
            "admin" => SyncKind::ALL.len(),
            "technician" => 2,
            _ => 0,
        };
        assert_eq!(starts, wanted, "{role}");
        assert_eq!(html.contains("name=\"dry_run\""), is_admin, "{role}");
        assert_eq!(html.contains("for administrators"), !is_admin, "{role}");
        assert!(html.contains("2026-01-05 10:00 UTC"), "{role}: {html}");
        let job = job_page(&scope, &usual());
        assert_eq!(job.contains("Cancel job"), role != "billing", "{role}");
        assert!(job.contains("110 of 140 in this minute"), "{role}: {job}");
        assert!(job.contains("Refresh") && job.contains("Ann Lee"), "{role}");
        assert!(
            job.contains("href=\"/codex/companies/100001\""),
            "{role}: {job}"
        );
    }
}

#[test]
fn jobs_have_titles_and_durations() {
    let mut job = queued();
    assert_eq!(title(&job), "freshservice");
    job.script = DRY_RUN.to_owned();
    job.sync_type = Some("datto".to_owned());
    assert_eq!(title(&job), "Dry run of datto");
    for (seconds, wanted) in [
        (-1, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (7_260, "2 h 1 min"),
    ] {
        let then = now() + TimeDelta::seconds(seconds);
        assert_eq!(duration(&job, then), wanted);
    }
}
