//! Administration that templates are tested with.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use askama::Template as _;
use axum::http::HeaderMap;
use codex_core::{
    admin::{ClearData, Cleared, RecordCounts},
    import::{
        Bill, BillDifference, Comparison, Difference, FlawCount, Import, ImportReport, ImportState,
        ImportStatus, TableComparison, TableReport,
    },
    jobs::{Job, JobReport, JobStatus},
    schedule::Planned,
    store::Engine,
};

use super::{
    clear::ClearView,
    import::ImportView,
    overview::{Facts, OverviewView},
    settings::{Refusal, SettingsView},
    test::TestView,
};
use crate::{
    checks::{Finding, Neighbour, Status},
    config::{Config, Sources, edit::SettingsFile, keys::SECTIONS},
    pages::{
        csrf::Csrf,
        form::SentForm,
        parts::samples::{TOKEN, at, now},
        tests::HOSTILE,
    },
};

const FILE: &str = "[freshservice]\ndomain = acme.freshservice.com\napi_key = hunter2\n\
    [datto]\npublic_key = p\nsecret_key = s\n[policies]\ncontact.job_title = source_wins\n";

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (kind, facts) in [
        ("empty", facts("", "")),
        ("usual", facts(FILE, "the run was cancelled")),
        ("hostile", facts(FILE, HOSTILE)),
    ] {
        let view = OverviewView::new(&at(), &facts, None, || TOKEN.to_owned());
        pages.push((format!("admin/overview/{kind}"), view.render().unwrap()));
    }
    pages.extend(settings());
    let cleared = Cleared(vec![("company".to_owned(), 7), ("site_link".to_owned(), 1)]);
    for (kind, found) in [("empty", Cleared::default()), ("usual", cleared)] {
        let view = ClearView::new(&at(), ClearData::Companies, &found, TOKEN.to_owned());
        pages.push((format!("admin/clear/{kind}"), view.render().unwrap()));
        let view = view.refused(HOSTILE, HOSTILE.to_owned());
        pages.push((
            format!("admin/clear/hostile/{kind}"),
            view.render().unwrap(),
        ));
    }
    for (kind, finding) in [
        ("usual", Finding::ok("datto", "answers")),
        (
            "hostile",
            Finding::bad(Status::Error, "datto", HOSTILE, HOSTILE),
        ),
    ] {
        let view = TestView::new(&at(), Neighbour::Datto, &finding, TOKEN.to_owned());
        pages.push((format!("admin/test/{kind}"), view.render().unwrap()));
    }
    pages.extend(imports());
    pages
}

/// The import: none, one that is at work, and a hostile one that differs.
fn imports() -> Vec<(String, String)> {
    let states = [
        ("empty", None),
        ("usual", Some(import(ImportState::Running, "sqlite:old.db"))),
        ("verified", Some(import(ImportState::Verified, "7"))),
        ("hostile", Some(import(ImportState::Differs, HOSTILE))),
    ];
    let pages = states.into_iter().map(|(kind, status)| {
        let view = ImportView::new(&at(), status.as_ref());
        (format!("admin/import/{kind}"), view.render().unwrap())
    });
    pages.collect()
}

fn import(state: ImportState, text: &str) -> ImportStatus {
    let now = now();
    let mut table = TableReport {
        read: 3,
        imported: 2,
        ..TableReport::default()
    };
    table.skipped.insert("link_orphaned".to_owned(), 1);
    let flaw = FlawCount {
        rows: 1,
        samples: vec![text.to_owned()],
    };
    table.flaws.insert("link_orphaned".to_owned(), flaw);
    let mut compared = TableComparison {
        expected: 2,
        found: 2,
        differing: 1,
        ..TableComparison::default()
    };
    compared.differences.push(Difference {
        key: text.to_owned(),
        field: "name".to_owned(),
        old: text.into(),
        new: serde_json::Value::Null,
    });
    let bill = BillDifference {
        account_number: text.to_owned(),
        old_cents: 100,
        new_cents: 0,
        old: Bill::default(),
        new: Bill::default(),
    };
    let comparison = Comparison {
        tables: vec![("contacts".to_owned(), compared)],
        bills: 1,
        differing_bills: 1,
        bill_differences: vec![bill],
    };
    let is_over = state != ImportState::Running;
    let import = Import {
        id: "i".to_owned(),
        source: text.to_owned(),
        layout: "mixed".to_owned(),
        time_zone: Some("Europe/Berlin".to_owned()),
        accepted: BTreeSet::new(),
        state,
        started_at: now,
        finished_at: is_over.then_some(now),
        compared_at: is_over.then_some(now),
        comparison: is_over.then_some(comparison),
        change_id: None,
    };
    ImportStatus {
        import,
        report: ImportReport {
            layout: "mixed".to_owned(),
            tables: vec![("contacts".to_owned(), table)],
        },
        tables_done: 3,
        current: (!is_over).then(|| "assets".to_owned()),
        without_source: vec![("asset".to_owned(), 2)],
    }
}

fn folder(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("instance")).unwrap();
    std::fs::write(dir.path().join("instance/codex.conf"), text).unwrap();
    let sources = Sources::new(dir.path());
    (dir, sources)
}

fn facts(text: &str, error: &str) -> Facts {
    let (_dir, sources) = folder(text);
    let now = now();
    let job = Job {
        id: "j".to_owned(),
        script: "psa".to_owned(),
        provider: Some("freshservice".to_owned()),
        sync_type: Some("base".to_owned()),
        status: JobStatus::Failed,
        started_at: now,
        completed_at: None,
        output: None,
        error: Some(error.to_owned()),
        success: None,
        started_by: None,
        report: JobReport::default(),
    };
    let planned = Planned {
        name: "psa".to_owned(),
        cron: "0 2 * * *".to_owned(),
        next_at: now,
        last_at: Some(now),
    };
    let is_empty = error.is_empty();
    Facts {
        config: Arc::new(Config::load(&sources).unwrap()),
        counts: RecordCounts::default(),
        completed: HashMap::from([("datto".to_owned(), now)]),
        planned: if is_empty { Vec::new() } else { vec![planned] },
        jobs: if is_empty { Vec::new() } else { vec![job] },
        engine: Engine::Sqlite,
        now,
    }
}

/// The form of each section: as it is, and refused.
fn settings() -> Vec<(String, String)> {
    let (_dir, sources) = folder(FILE);
    let sources = sources.set("scheduler.time_zone", HOSTILE);
    let file = SettingsFile::read(&sources).unwrap();
    let csrf = Csrf::of(&HeaderMap::new());
    let mut pages = Vec::new();
    for section in SECTIONS {
        let name = section.name;
        let view = SettingsView::new(&at(), section, &file, &csrf);
        pages.push((
            format!("admin/settings/usual/{name}"),
            view.render().unwrap(),
        ));
        let mut view = SettingsView::new(&at(), section, &file, &csrf);
        let sent = SentForm::from([("domain", HOSTILE)]);
        let fault = (String::new(), HOSTILE.to_owned());
        view.refuse(&sent, Refusal::Faults(vec![fault]));
        pages.push((
            format!("admin/settings/hostile/{name}"),
            view.render().unwrap(),
        ));
        let mut view = SettingsView::new(&at(), section, &file, &csrf);
        view.refuse(&sent, Refusal::Stale);
        pages.push((
            format!("admin/settings/stale/{name}"),
            view.render().unwrap(),
        ));
    }
    pages
}

#[test]
fn stored_secrets_are_in_no_form() {
    for (name, html) in settings() {
        assert!(!html.contains("hunter2"), "{name}: {html}");
    }
}

#[test]
fn settings_set_elsewhere_are_read_only() {
    let pages = settings();
    let find = |name: &str| {
        let mut pages = pages.iter();
        &pages.find(|(known, _)| known == name).unwrap().1
    };
    let scheduler = find("admin/settings/usual/scheduler");
    assert!(!scheduler.contains("id=\"field-time_zone\""), "{scheduler}");
    assert!(scheduler.contains("(set by command line)"), "{scheduler}");
    assert!(
        scheduler.contains("id=\"field-jitter_seconds\""),
        "{scheduler}"
    );
    let server = find("admin/settings/usual/server");
    assert!(server.contains("In force after a restart."), "{server}");
}
