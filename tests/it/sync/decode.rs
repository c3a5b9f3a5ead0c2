//! Vendor data that databases, readers or arithmetic would refuse: one bad value costs that value alone.

use codex_core::{
    Codex, Scope,
    assets::wire::AssetIn,
    companies::wire::CompanyIn,
    list::PageRequest,
    records::{Intent, RecordBody as _},
    sync::SyncKind,
};
use codex_tests::{
    harness::{
        bench::{LargeBench, TestBench, freshservice_at, quick},
        database::TestDatabase,
    },
    on_each_engine,
    sim::recorded::Recorded,
};
use serde_json::{Value, json};

/// A page as no JSON library writes it, with a byte order mark.
const DEPARTMENTS: &str = "\u{feff}{\"departments\": [
    {\"id\": 21000049726.0, \"name\": \"Half \\ud83d\", \"custom_fields\": {\"account_number\": 100001.0}},
    {\"id\": \"2\", \"name\": \"Nul\\u0000 two\", \"a\\u0000\": {\"b\\u0000\": \"\\u0000c\"},
        \"custom_fields\": {\"account_number\": true, \"size\": NaN, \"big\": 123456789012345678901}},
    {\"id\": 3, \"name\": \"Three\", \"deep\": DEEP},
    {\"id\": true, \"name\": \"Nobody\"},
    {\"id\": 4, \"name\": \"Four\nlines\"},
    {\"id\": 5, \"name\": \"Five\", \"custom_fields\": {\"contract_start_date\": \"9999-12-31\",
        \"contract_term\": \"3 Year\", \"company_start_date\": \"1898-05-01\"}}
]}";

on_each_engine! {
    async fn invalid_json_values_do_not_affect_others(database: TestDatabase) -> TestResult {
        let folder = tempfile::tempdir()?;
        let lists = folder.path().join("api/v2");
        std::fs::create_dir_all(&lists)?;
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        std::fs::write(lists.join("departments.json"), DEPARTMENTS.replace("DEEP", &deep))?;
        for list in ["agents", "requesters"] {
            std::fs::write(lists.join(format!("{list}.json")), format!("{{\"{list}\": []}}"))?;
        }
        let vendor = Recorded::start(folder.path()).await?;
        let source = freshservice_at(vendor.url(), quick())?;
        let codex = Codex::builder(&database.url).source(source).open().await?;
        let system = Scope::system();
        let job = codex.sync(&system, SyncKind::Psa).await?;
        let report = job.report;
        assert_eq!(job.error, None);
        assert_eq!((report.counts["company"].seen, report.counts["company"].failed), (4, 2));
        assert!(!report.scopes["departments"].certified, "absence proves nothing");
        for wanted in [
            "an item of department could not be read: number 3 of its list is nested deeper than 64 levels",
            "`id` is missing or no id",
            "company 5: `contract_start_date` is not a possible date and is unknown",
            "company 2: `account_number` is not text and is unknown",
        ] {
            assert!(report.issues.iter().any(|issue| issue.contains(wanted)), "{wanted}: {:?}", report.issues);
        }
        let rows: Vec<(i64, String, Option<String>)> = codex.db()
            .query("select external_id, name, account_number from companies order by external_id").all().await?;
        let name = |place: usize| rows[place].1.as_str();
        assert_eq!((name(0), name(1), name(2)), ("Nul two", "Four\nlines", "Five"));
        assert_eq!(rows[0].2, None, "a boolean is no account number");
        let half = (21_000_049_726, "Half \u{fffd}".to_owned(), Some("100001".to_owned()));
        assert_eq!(rows[3], half);
        let extra = "select cast(extra as text) from claims where external_id = '2' and kind = 'company'";
        let extra: Option<String> = codex.db().query(extra).scalar().await?;
        let extra: Value = serde_json::from_str(&extra.unwrap_or_default())?;
        assert_eq!(extra["a"], json!({"b": "c"}));
        assert_eq!(extra["custom_fields"]["size"], Value::Null);
        assert_eq!(extra["custom_fields"]["big"], "123456789012345678901");
        let five = codex.db().query("select contract_start_date, contract_end_date, company_start_date \
            from companies where external_id = 5");
        let five: Option<(Option<String>, Option<String>, Option<String>)> = five.optional().await?;
        assert_eq!(five, Some((None, None, Some("1898-05-01".to_owned()))));
        Ok(())
    }

    async fn time_out_of_range_is_unknown_and_reported(bench: LargeBench) -> TestResult {
        let micros = 1_767_607_200_000_000_i64;
        for device in bench.world.lock().devices.iter_mut().take(5) {
            device.body.insert("lastSeen".into(), micros.into());
        }
        let job = bench.sync(SyncKind::Rmm).await?;
        let unread: Vec<&String> = job.report.issues.iter().filter(|issue| issue.contains("lastSeen")).collect();
        assert_eq!(unread.len(), 1, "the first is named, the others are counted: {unread:?}");
        assert!(job.report.issue_count >= 5);
        let mut page = PageRequest {
            sort: Some(codex_core::list::Sort::new("last_seen")),
            limit: Some(500),
            ..PageRequest::default()
        };
        let (mut read, mut times) = (0, 0);
        loop {
            let found = bench.codex.assets(&Scope::system(), None, &page).await?;
            read += found.items.len();
            for (asset, _) in &found.items {
                if let Some(seen) = asset.status.last_seen {
                    times += 1;
                    // The longest form that older readers of ISO 8601 take.
                    assert!(seen.to_rfc3339().len() <= "2026-01-05T10:00:00.123456+00:00".len());
                }
            }
            page.cursor.clone_from(&found.next);
            if found.next.is_none() {
                break;
            }
        }
        assert_eq!(read, 3_000);
        assert!(times > 2_000 && times <= 2_995, "{times}");
        Ok(())
    }

    async fn volatile_members_write_nothing(bench: TestBench) -> TestResult {
        let moved = |points: i64| {
            for agent in &mut bench.world.lock().agents {
                agent["scoreboard_points"] = json!(points);
                agent["scoreboard_level_id"] = json!(points);
                agent["auto_assign_status_changed_at"] = json!(format!("2026-01-05T10:00:{points:02}Z"));
                agent["last_active_at"] = json!(format!("2026-01-05T10:00:{points:02}Z"));
            }
        };
        moved(1);
        bench.sync(SyncKind::Psa).await?;
        let extra = "select cast(extra as text) from claims where kind = 'psa_agent' order by external_id";
        let before: Vec<String> = bench.db().query(extra).scalars().await?;
        moved(2);
        let job = bench.sync(SyncKind::Psa).await?;
        let counts = job.report.counts["psa_agent"];
        assert_eq!((counts.seen, counts.unchanged), (5, 5));
        let after: Vec<String> = bench.db().query(extra).scalars().await?;
        assert_eq!(before, after);
        assert!(!after.concat().contains("scoreboard"));
        Ok(())
    }

    async fn items_read_again_count_once(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Rmm).await?;
        // A count that is wrong makes the site be read by itself, after the account's list.
        bench.world.lock().sites[1].claimed_count = Some(999);
        bench.world.lock().sites[2].claimed_count = Some(999);
        let job = bench.sync(SyncKind::Rmm).await?;
        let counts = job.report.counts["asset"];
        assert_eq!(counts.seen, u64::try_from(bench.live("assets").await?)?);
        assert_eq!(counts.unchanged, counts.seen);
        Ok(())
    }
}

#[test]
fn dates_from_people_are_validated() {
    let company = |key: &str, value: &str| {
        let body = json!({ key: value })
            .as_object()
            .cloned()
            .unwrap_or_default();
        CompanyIn::read(body, Intent::Update)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    for key in ["contract_start_date", "contract_end_date"] {
        for bad in ["yesterday", "+10002-12-30", "9999-12-31"] {
            let error = company(key, bad).unwrap_err();
            assert!(
                error.contains(key) && error.contains("2026-01-31"),
                "{error}"
            );
        }
        assert_eq!(company(key, "2024-02-29"), Ok(()));
    }
    assert_eq!(company("company_start_date", "spring 2015"), Ok(()));
    assert!(company("company_start_date", "0015-04-01").is_err());
    let body = json!({"warranty_date": "2026-02-30"})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let error = AssetIn::read(body, Intent::Update).unwrap_err().to_string();
    assert!(error.contains("warranty_date"), "{error}");
}
