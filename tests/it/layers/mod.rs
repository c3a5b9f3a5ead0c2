//! Which module of codex-core may use which, and who may name a vendor.
//!
//! A module uses modules of its own layer and of those below. The methods of `Codex` are the top layer, wherever they
//! stand: those of a resource are in its `service.rs` or a folder `service/`.

mod code;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use codex_tests::harness::TestResult;

use code::{code, paths, without_tests};

/// Modules by layer, the lowest first.
const LAYERS: [&[&str]; 8] = [
    // What needs no database.
    &[
        "address",
        "clock",
        "dates",
        "email",
        "error",
        "fold",
        "health",
        "ids",
        "json_columns",
        "kinds",
        "mac",
        "masked",
        "money",
        "nearest",
        "panics",
        "phone",
        "plural",
        "scope",
        "times",
        "word_enum",
    ],
    &["store"],
    &["list", "records"],
    // The resources.
    &[
        "agents",
        "assets",
        "billing_plans",
        "claims",
        "companies",
        "contacts",
        "duplicates",
        "feature_options",
        "holds",
        "jobs",
        "locations",
        "outbox",
        "overrides",
        "psa_agents",
        "schedule",
        "site_links",
        "tags",
        "tickets",
        "views",
    ],
    &["registry"],
    &["admin", "bulk", "dashboard", "export", "search"],
    &["import", "sync"],
    &["codex", "idempotency", "seen", "webhooks"],
];
const TOP: usize = LAYERS.len() - 1;

/// Files of a resource that are of the top layer by another name than `service`.
const TOP_FILES: [[&str; 2]; 2] = [["jobs", "dead"], ["tickets", "events"]];

/// What the crate's root shows of its top layer; the rest of that is of no use without one of these.
const TOP_NAMES: [&str; 2] = ["Builder", "Codex"];

/// Files that use modules above their own layer: which, and why. This list may only shrink.
const EXCEPTIONS: [(&str, &[&str], &str); 1] = [(
    "error.rs",
    &["store", "sync"],
    "all layers return the one error type, which carries what each of them says",
)];

const VENDORS: [&str; 3] = ["datto", "freshservice", "keycloak"];

/// Names of today's contract that have a vendor's name in them: fields, columns, names of stored jobs.
const CONTRACT_NAMES: [&str; 9] = [
    "datto_portal_url",
    "datto_site_links",
    "datto_site_name",
    "datto_site_uid",
    "freshservice_id",
    "keycloak_agents",
    "keycloak_id",
    "push-to-datto",
    "total_keycloak_users",
];

/// Files outside of the vendors' folders that name one, and why. This list may only shrink.
const NAMING: [(&str, &str); 5] = [
    (
        "agents/mod.rs",
        "what messages call the directory of people",
    ),
    ("agents/wire.rs", "a message of today's contract"),
    (
        "jobs/sync_kind.rs",
        "names of syncs in paths, commands and stored jobs",
    ),
    ("sync/defaults.rs", "what holds without configuration"),
    ("sync/mod.rs", "the list of vendors"),
];

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../codex-core/src")
}

/// The files of codex-core by path below its `src`, without those that are tests.
fn sources() -> std::io::Result<BTreeMap<String, String>> {
    let root = source_folder();
    let (mut folders, mut files) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let below = path.strip_prefix(&root).unwrap_or(&path);
                let name = below.to_string_lossy().replace('\\', "/");
                if !name.ends_with("/tests.rs") {
                    files.insert(name, std::fs::read_to_string(&path)?);
                }
            }
        }
    }
    Ok(files)
}

/// The layer of a module or of something in it; `None` when it is in none.
fn layer(path: &[&str]) -> Option<usize> {
    let first = *path.first()?;
    let is_top_file = TOP_FILES.iter().any(|file| path.starts_with(file));
    if path.contains(&"service") || is_top_file {
        return Some(TOP);
    }
    if first.starts_with(char::is_uppercase) {
        return Some(if TOP_NAMES.contains(&first) { TOP } else { 0 });
    }
    LAYERS.iter().position(|layer| layer.contains(&first))
}

/// The module of a file.
fn module_of(file: &str) -> Vec<&str> {
    let name = file.trim_end_matches(".rs");
    let name = name.trim_end_matches("/mod");
    name.split('/').filter(|part| *part != "lib").collect()
}

#[test]
fn modules_use_their_own_layer_and_those_below() -> TestResult {
    let (mut broken, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for (file, text) in sources()? {
        let module = module_of(&file);
        // The root of the crate shows what all layers have.
        let Some(own) = layer(&module) else {
            if !module.is_empty() {
                unknown.insert(file);
            }
            continue;
        };
        for path in paths(&module, &code(without_tests(&text), false)) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(name) = path.first() else { continue };
            match layer(&path) {
                Some(used) if used > own => {
                    broken.insert((file.clone(), (*name).to_owned()));
                }
                Some(_) => {}
                None => {
                    unknown.insert(format!("{} in {file}", path.join("::")));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "in no layer: {unknown:#?}");
    for (file, uses, reason) in EXCEPTIONS {
        for used in uses {
            let was_broken = broken.remove(&(file.to_owned(), (*used).to_owned()));
            assert!(
                was_broken,
                "{file} uses {used} no more ({reason}): take it off the list"
            );
        }
    }
    assert!(
        broken.is_empty(),
        "these use a layer above their own: {broken:#?}"
    );
    Ok(())
}

#[test]
fn only_the_folders_of_vendors_name_them() -> TestResult {
    let mut naming = BTreeMap::new();
    for (file, text) in sources()? {
        if VENDORS
            .iter()
            .any(|vendor| file.starts_with(&format!("sync/{vendor}/")))
        {
            continue;
        }
        let code = code(without_tests(&text), true);
        // Examples in the API description.
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("#[schema("));
        let named = lines.filter(|line| {
            let mut line = line.to_lowercase();
            for name in CONTRACT_NAMES {
                line = line.replace(name, "");
            }
            VENDORS.iter().any(|vendor| line.contains(vendor))
        });
        let named: Vec<String> = named.map(|line| line.trim().to_owned()).collect();
        if !named.is_empty() {
            naming.insert(file.clone(), named);
        }
    }
    for (file, reason) in NAMING {
        let named = naming.remove(file);
        assert!(
            named.is_some(),
            "{file} names no vendor any more ({reason}): take it off the list"
        );
    }
    assert!(
        naming.is_empty(),
        "vendors are named outside of their folders: {naming:#?}"
    );
    Ok(())
}
