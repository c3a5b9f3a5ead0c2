//! Imports of generated databases: every generation and random mixtures with every flaw, syncs afterwards, and kills in
//! between.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use codex_core::{
    Codex, Scope,
    import::{Flaw, Generation, ImportOutcome, ImportReport},
};
use codex_tests::{
    harness::{
        TestResult,
        bench::TestBench,
        child::{become_codexd, codexd},
        database::{self, TestDatabase, setting},
    },
    old::{self, Made, OldFlaw, Options, Target},
    on_each_engine,
    sim::{Size, World},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::options;

/// Mixtures, unless CODEX_TEST_HYBRIDS says more.
const HYBRIDS: u64 = 6;
/// Kills, unless CODEX_TEST_IMPORT_KILLS says more.
const KILLS: u64 = 10;
const CHILD: &str = "import::generated::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// A generated database; it goes with its value.
struct Generated {
    url: String,
    made: Made,
    _kept: Option<TestDatabase>,
}

/// Makes an old database on the engine of `like`: a file beside it, or another database.
async fn generate(
    like: &TestDatabase,
    world: &World,
    wanted: &Options,
) -> anyhow::Result<Generated> {
    let (url, kept) = if like.url.starts_with("sqlite") {
        let path = like.folder().join("old.db");
        (format!("sqlite:{}", path.display()), None)
    } else {
        let kept = database::empty_postgres().await?.context("a server")?;
        (kept.url.clone(), Some(kept))
    };
    let target = Target::open(&url).await?;
    let made = old::fill(target, world, wanted).await?;
    Ok(Generated {
        url,
        made,
        _kept: kept,
    })
}

/// Compares what was made with what an import reports: every row read, those left out, the flaws of the others.
fn check_balance(report: &ImportReport, made: &Made) {
    for (name, table) in &report.tables {
        let rows = made.rows.get(name.as_str()).copied();
        assert_eq!(table.read, rows.unwrap_or_default(), "{name}: {table:#?}");
        assert!(table.balances(), "{name}: {table:#?}");
        let left_out = table.merged + table.skipped.values().sum::<u64>();
        let expected = made.left_out.get(name.as_str()).copied();
        assert_eq!(left_out, expected.unwrap_or_default(), "{name}: {table:#?}");
    }
    for ((table, code), rows) in &made.reported {
        let found = report.tables.iter().find(|(name, _)| name == table);
        let found = found.and_then(|(_, report)| report.flaws.get(*code));
        let found = found.map_or(0, |flaw| flaw.rows);
        assert!(found >= *rows, "{table}: {found} of {rows} {code}");
    }
}

/// Imports and compares both sides.
async fn import(codex: &Codex, old: &Generated) -> TestResult {
    let (scope, options) = (Scope::system(), options(&old.url));
    let done = codex.run_import(&scope, &options, |_, _| {}).await?;
    let ImportOutcome::Done(report) = done else {
        bail!("{done:?}");
    };
    check_balance(&report, &old.made);
    verify(codex, old).await
}

async fn verify(codex: &Codex, old: &Generated) -> TestResult {
    let options = options(&old.url);
    let scope = Scope::system();
    let compared = codex.verify_import(&scope, &options, true, |_| {});
    let comparison = compared.await?;
    assert!(comparison.is_clean(), "{comparison:#?}");
    // One company has no number, another that of a third.
    let companies = old.made.rows["companies"];
    assert!(comparison.bills + 3 >= companies, "{comparison:#?}");
    Ok(())
}

/// Every asset and contact has the id that Ledger has stored, and every override its company.
async fn check_ids(bench: &TestBench, made: &Made) -> TestResult {
    let contacts =
        "select external_id, id from contacts where deleted_at is null and external_id is not null";
    let contacts: Vec<(i64, i64)> = bench.db().query(contacts).all().await?;
    let contacts: BTreeSet<(i64, i64)> = contacts.into_iter().collect();
    for (psa_id, id) in &made.contacts {
        let of_requester: Vec<i64> = contacts
            .range((*psa_id, i64::MIN)..=(*psa_id, i64::MAX))
            .map(|(_, id)| *id)
            .collect();
        assert_eq!(of_requester, [*id], "requester {psa_id}");
    }
    let assets =
        "select device_uid, id from assets where deleted_at is null and device_uid is not null";
    let assets: Vec<(String, i64)> = bench.db().query(assets).all().await?;
    let assets: BTreeMap<String, i64> = assets.into_iter().collect();
    for (uid, id) in &made.assets {
        assert_eq!(assets.get(uid), Some(id), "device {uid}");
    }
    let overrides = "select o.id, c.account_number, o.key from company_overrides o \
        join companies c on c.id = o.company_id where o.deleted_at is null and c.deleted_at is null";
    let overrides: Vec<(i64, Option<String>, String)> = bench.db().query(overrides).all().await?;
    let overrides: BTreeMap<i64, (String, String)> = overrides
        .into_iter()
        .map(|(id, number, key)| (id, (number.unwrap_or_default(), key)))
        .collect();
    assert_eq!(overrides.len(), made.overrides.len());
    for (id, (number, key)) in &made.overrides {
        let expected = (number.clone(), (*key).to_owned());
        assert_eq!(overrides.get(id), Some(&expected), "override {id}");
    }
    Ok(())
}

/// Imports a database of the bench's world, then syncs from its vendors.
async fn import_and_sync(bench: &TestBench, wanted: &Options) -> TestResult {
    let world = bench.world.lock().clone();
    let old = generate(&bench.database, &world, wanted).await?;
    ensure!(
        !old.made.assets.is_empty()
            && !old.made.contacts.is_empty()
            && !old.made.overrides.is_empty()
    );
    import(&bench.codex, &old).await?;
    bench.sync_all().await?;
    check_ids(bench, &old.made).await?;
    bench.codex.close().await;
    Ok(())
}

on_each_engine! {
    async fn first_generation_keeps_every_id(bench: TestBench) -> TestResult {
        import_and_sync(&bench, &Options::flawed(Generation::First)?).await
    }

    async fn second_generation_keeps_every_id(bench: TestBench) -> TestResult {
        import_and_sync(&bench, &Options::flawed(Generation::Second)?).await
    }

    async fn migrated_generation_keeps_every_id(bench: TestBench) -> TestResult {
        import_and_sync(&bench, &Options::flawed(Generation::Mixed)?).await
    }

    async fn killed_imports_end_like_undisturbed_ones(database: TestDatabase) -> TestResult {
        let world = World::generate(Size::S, 7);
        let old = generate(&database, &world, &Options::flawed(Generation::Second)?).await?;
        let codes: Vec<&str> = Flaw::ALL.iter().map(|flaw| flaw.code()).collect();
        let accepted = database.folder().join("accepted.txt");
        std::fs::write(&accepted, codes.join("\n"))?;
        let conf = database.folder().join("codex.conf");
        std::fs::write(&conf, "")?;

        let seed = setting("CODEX_TEST_SEED").and_then(|s| s.parse().ok()).unwrap_or(7);
        let kills = setting("CODEX_TEST_IMPORT_KILLS").and_then(|k| k.parse().ok()).unwrap_or(KILLS);
        let (mut random, mut killed, mut imports) = (StdRng::seed_from_u64(seed), 0, 0);
        while killed < kills {
            imports += 1;
            ensure!(imports <= kills + 20, "imports end before they can be killed");
            let target = database.copy().await?;
            let words = [
                "--config".to_owned(),
                conf.display().to_string(),
                "--set".to_owned(),
                format!("database.connection_string={}", target.url),
                "import".to_owned(),
                "run".to_owned(),
                "--from".to_owned(),
                old.url.clone(),
                "--old-time-zone".to_owned(),
                "Europe/Berlin".to_owned(),
                "--accept-warnings".to_owned(),
                accepted.display().to_string(),
                "--allow-writing-role".to_owned(),
            ];
            loop {
                let mut child = codexd(CHILD, target.folder(), &words)?;
                // The last one ends, however long it takes.
                let longest = if killed < kills { random.random_range(100..2_000) } else { 120_000 };
                let ended = tokio::time::timeout(Duration::from_millis(longest), child.wait()).await;
                if let Ok(status) = ended {
                    assert_eq!(status?.code(), Some(0), "seed {seed}, after {killed} kills");
                    break;
                }
                ensure!(killed < kills, "the import does not end");
                child.kill().await?;
                killed += 1;
                // A server may still be at the last statement of the dead process.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let codex = Codex::open(&target.url).await?;
            let status = codex.import_status(&Scope::system()).await?.context("an import")?;
            check_balance(&status.report, &old.made);
            verify(&codex, &old).await?;
            codex.close().await;
        }
        println!("seed {seed}: {killed} kills in {imports} imports");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixtures_of_generations_keep_every_id() -> TestResult {
    let count = setting("CODEX_TEST_HYBRIDS").and_then(|count| count.parse().ok());
    let seed = setting("CODEX_TEST_SEED").and_then(|seed| seed.parse().ok());
    let first: u64 = seed.unwrap_or(7);
    for seed in first..first + count.unwrap_or(HYBRIDS) {
        println!("mixture {seed}");
        let bench = TestBench::on(database::sqlite()?).await?;
        import_and_sync(&bench, &Options::mixture(seed)?).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flaw_is_in_some_generation() -> TestResult {
    let world = World::generate(Size::Small, 7);
    let mut found = BTreeSet::new();
    for generation in [Generation::First, Generation::Second, Generation::Mixed] {
        let like = database::sqlite()?;
        let old = generate(&like, &world, &Options::flawed(generation)?).await?;
        found.extend(old.made.flaws.into_keys());
    }
    let missing = OldFlaw::ALL.iter().filter(|flaw| !found.contains(*flaw));
    let missing: Vec<&str> = missing.map(|flaw| flaw.word()).collect();
    assert_eq!(missing, Vec::<&str>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_flaws_has_no_warnings() -> TestResult {
    let world = World::generate(Size::Small, 7);
    let like = database::sqlite()?;
    let mut wanted = Options::flawed(Generation::Second)?;
    wanted.flaws.clear();
    let old = generate(&like, &world, &wanted).await?;
    let codex = Codex::open(&like.url).await?;
    let mut options = options(&old.url);
    options.accepted.clear();
    let done = codex
        .run_import(&Scope::system(), &options, |_, _| {})
        .await?;
    let ImportOutcome::Done(report) = done else {
        bail!("{done:?}");
    };
    check_balance(&report, &old.made);
    verify(&codex, &old).await?;
    codex.close().await;
    Ok(())
}
