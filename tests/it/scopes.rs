//! That no read forgets who asks: every function that reads the database takes a `Scope`, but these.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use codex_tests::harness::TestResult;

/// What takes none, by file, and why that tells nobody anything.
const WITHOUT: [(&str, &[&str], &str); 17] = [
    (
        "admin/query.rs",
        &["clearable", "counts", "waiting"],
        "behind `require_admin`",
    ),
    (
        "agents/query.rs",
        &["own", "of_email", "last_synced"],
        "a person's own settings, the themes that are open to all, a time",
    ),
    (
        "assets/audit/query.rs",
        &["find", "due", "due_one", "due_count"],
        "of an asset that was found with one; what a sync is to read",
    ),
    (
        "assets/query.rs",
        &["companies_of", "of_companies"],
        "of records and companies that were found with one",
    ),
    (
        "billing_plans/query.rs",
        &["in_use"],
        "behind `require_staff`",
    ),
    (
        "claims/query.rs",
        &["row", "claims", "changes"],
        "behind `require_staff`, for agents `require_admin`; staff see every record",
    ),
    (
        "companies/query.rs",
        &["of_client", "refs", "without_number"],
        "scopes are made of it; of assets found with one; behind `require_staff` or for syncs",
    ),
    (
        "contacts/query.rs",
        &["companies_of", "of_companies"],
        "of records and companies that were found with one",
    ),
    (
        "duplicates/query.rs",
        &["records"],
        "of candidates that were found with one",
    ),
    (
        "feature_options/query.rs",
        &["find"],
        "what was just written, behind `require_billing`",
    ),
    ("holds/query.rs", &["open"], "for syncs"),
    (
        "jobs/query.rs",
        &["cancelled_by", "last_completed", "first_started", "open"],
        "for syncs; times of syncs, which health shows to all when one is late",
    ),
    (
        "locations/query.rs",
        &["of_companies"],
        "of companies that were found with one",
    ),
    (
        "outbox/query.rs",
        &["find", "due", "sent_notes"],
        "for whoever sends it, and behind `require_technician`",
    ),
    ("schedule/query.rs", &["all"], "for the scheduler"),
    ("site_links/query.rs", &["named", "state"], "for syncs"),
    (
        "tickets/query.rs",
        &[
            "statuses",
            "claimed",
            "agents",
            "all_agents",
            "last_sync",
            "is_live",
        ],
        "words of the account; behind `require_technician`; names for tickets that were found with one, from which clients' are taken",
    ),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.ends_with("query.rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The functions of a file that others may call and that read the database, and whether each takes a scope.
fn readers(text: &str) -> Vec<(String, bool)> {
    let functions = text.split("async fn ").skip(1).zip(text.split("async fn "));
    let open = functions.filter(|(_, before)| {
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_start().starts_with("pub")
    });
    let signed = open.filter_map(|(function, _)| {
        let (signature, _) = function.split_once(" ->")?;
        let name = signature.split(['(', '<']).next()?;
        let reads = signature.contains("db: &Db");
        reads.then(|| (name.to_owned(), signature.contains("scope: &Scope")))
    });
    signed.collect()
}

#[test]
fn every_read_takes_a_scope_or_is_listed_without() -> TestResult {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codex-core/src");
    let mut all = Vec::new();
    files(&source, &mut all)?;
    let (mut without, mut with) = (BTreeMap::new(), 0);
    for path in all {
        let readers = readers(&fs::read_to_string(&path)?);
        let scoped = readers.iter().filter(|(_, scoped)| *scoped).count();
        with += scoped;
        let names = readers.into_iter().filter(|(_, scoped)| !scoped);
        let names: BTreeSet<String> = names.map(|(name, _)| name).collect();
        if !names.is_empty() {
            let file = path.strip_prefix(&source)?;
            without.insert(file.display().to_string(), names);
        }
    }
    assert!(with > 25, "{with}");
    let known = WITHOUT.map(|(file, names, _)| {
        let names = names.iter().map(|name| (*name).to_owned());
        (file.to_owned(), names.collect::<BTreeSet<_>>())
    });
    assert_eq!(without, BTreeMap::from(known));
    Ok(())
}
