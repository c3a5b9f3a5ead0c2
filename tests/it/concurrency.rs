//! Two who change the same at once.

use codex_core::store::Db;
use codex_tests::{harness::app::TestApp, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};

async fn make(app: &TestApp, path: &str, body: Value) -> anyhow::Result<Value> {
    let made = app.call_as("admin", Method::POST, path)?.json(&body);
    Ok(made.send().await?.error_for_status()?.json().await?)
}

async fn company(app: &TestApp, name: &str) -> anyhow::Result<String> {
    let made = make(app, "/api/companies", json!({"name": name})).await?;
    Ok(made["account_number"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// Many calls at once: their statuses and answers.
async fn at_once(
    app: &TestApp,
    method: Method,
    calls: impl Iterator<Item = (String, Value)>,
) -> anyhow::Result<Vec<(u16, Value)>> {
    let calls = calls.map(async |(path, body)| {
        let call = app.call_as("admin", method.clone(), &path)?.json(&body);
        let answer = call.send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.json().await?))
    });
    futures::future::try_join_all(calls).await
}

/// The winner of several, where the others learned who has what they wanted.
fn only_winner<'a>(answers: &'a [(u16, Value)], won: u16, reported: &str) -> &'a Value {
    let (winners, losers): (Vec<_>, Vec<_>) =
        answers.iter().partition(|(status, _)| *status == won);
    assert_eq!(winners.len(), 1, "{answers:?}");
    for (status, answer) in losers {
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(
            *status == 409 && said.contains(reported),
            "{status} {answer}"
        );
    }
    &winners[0].1
}

async fn count(db: &Db, sql: &'static str) -> anyhow::Result<i64> {
    Ok(db.query(sql).scalar().await?.unwrap_or_default())
}

const WITHOUT_NUMBER: &str = "select count(*) from companies where account_number is null";

async fn put(app: &TestApp, path: &str, body: Value) -> anyhow::Result<u16> {
    let call = app.call_as("admin", Method::PUT, path)?.json(&body);
    Ok(call.send().await?.status().as_u16())
}

/// Which of these companies have a record with this id.
async fn holders(
    app: &TestApp,
    companies: &[&String],
    part: &str,
    id: &Value,
) -> anyhow::Result<Vec<String>> {
    let mut holders = Vec::new();
    for company in companies {
        let own = app
            .json(&format!("/api/companies/{company}/{part}"))
            .await?;
        let own = own.as_array().into_iter().flatten();
        if own.into_iter().any(|one| one["id"] == *id) {
            holders.push((*company).clone());
        }
    }
    Ok(holders)
}

/// The changes of a field of a record as the log has them, each as it was before and after.
async fn changes(db: &Db, kind: &str, id: &Value, field: &str) -> anyhow::Result<Vec<[Value; 2]>> {
    let q =
        db.query("select changes from change_log where kind = $1 and record_id = $2 order by id");
    let entries = q
        .bind(kind)
        .bind(id.as_i64())
        .all::<(sqlx::types::Json<Value>,)>()
        .await?;
    let of_field = entries
        .into_iter()
        .map(|(changes,)| changes.0[field].clone());
    let of_field = of_field.filter(|change| !change.is_null());
    Ok(of_field
        .map(|change| [change["before"].clone(), change["after"].clone()])
        .collect())
}

on_each_engine! {
    async fn concurrent_moves_of_a_record_are_serialized(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        let (a, b) = (company(&app, "A").await?, company(&app, "B").await?);
        let contact = make(&app, "/api/contacts", json!({"name": "Ann"})).await?["id"].clone();
        let asset = make(&app, "/api/assets", json!({"hostname": "pc"})).await?["id"].clone();
        let (ann, pc) = (format!("/api/contacts/{contact}"), format!("/api/assets/{asset}"));
        for _ in 0..8 {
            let statuses = tokio::try_join!(
                put(&app, &ann, json!({"company_account_numbers": [a]})),
                put(&app, &ann, json!({"company_account_numbers": [b]})),
                put(&app, &pc, json!({"company_account_number": a})),
                put(&app, &pc, json!({"company_account_number": b})),
            )?;
            assert_eq!(statuses, (200, 200, 200, 200));
            for (part, id) in [("contacts", &contact), ("assets", &asset)] {
                assert_eq!(holders(&app, &[&a, &b], part, id).await?.len(), 1, "{part}");
            }
        }
        // Each found what the one before it had left.
        for (kind, id, field) in [("contact", &contact, "company_ids"), ("asset", &asset, "company_id")] {
            let changes = changes(&db, kind, id, field).await?;
            assert!(changes.len() >= 8, "{changes:?}");
            assert!(changes.windows(2).all(|two| two[0][1] == two[1][0]), "{changes:?}");
        }
        Ok(())
    }

    async fn one_of_many_creates_gets_the_number(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        for round in 0..4 {
            let number = format!("20000{round}");
            let named = (0..8).map(|n| json!({"name": format!("Company {n}"), "account_number": number}));
            let path = "/api/companies".to_owned();
            let answers = at_once(&app, Method::POST, named.map(|body| (path.clone(), body))).await?;
            only_winner(&answers, 201, &format!("account number {number} belongs to company `"));
        }
        assert_eq!(count(&db, "select count(*) from companies").await?, 4);
        assert_eq!(count(&db, WITHOUT_NUMBER).await?, 0);
        Ok(())
    }

    async fn one_of_many_bulk_writes_creates_the_company(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        for (round, action) in ["upsert", "create", "upsert", "create"].into_iter().enumerate() {
            let number = format!("20000{round}");
            let rows = (0..8).map(|n| json!([{"name": format!("Company {n}"), "account_number": number}]));
            let path = format!("/api/companies/bulk?action={action}");
            let answers = at_once(&app, Method::POST, rows.map(|rows| (path.clone(), rows))).await?;
            let made = answers.iter().filter(|(_, answer)| answer["created"] == 1).count();
            let failed = answers.iter().filter(|(_, answer)| answer["failed"] == 1).count();
            assert_eq!((made, failed), (1, if action == "create" { 7 } else { 0 }), "{answers:?}");
        }
        assert_eq!(count(&db, "select count(*) from companies").await?, 4);
        assert_eq!(count(&db, WITHOUT_NUMBER).await?, 0);
        Ok(())
    }

    async fn one_of_many_renumbers_gets_the_number(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        let mut numbers = Vec::new();
        for name in ["A", "B", "C", "D", "E", "F", "G", "H"] {
            numbers.push(company(&app, name).await?);
        }
        let renumber = |from: &String, to: &str| {
            (format!("/api/companies/{from}/renumber"), json!({"account_number": to}))
        };
        let calls = numbers.iter().map(|number| renumber(number, "200001"));
        let answers = at_once(&app, Method::POST, calls).await?;
        let taken = only_winner(&answers, 200, "account number 200001 belongs to company `");
        assert_eq!(count(&db, WITHOUT_NUMBER).await?, 0);
        assert_eq!(count(&db, "select count(*) from account_aliases").await?, 1);
        // One company that is given several numbers at once has had all of them but the last.
        let mut wanted: Vec<_> = (2..8).map(|n| format!("20000{n}")).collect();
        let calls = wanted.iter().map(|to| renumber(&numbers[0], to));
        for (status, answer) in at_once(&app, Method::POST, calls).await? {
            assert_eq!(status, 200, "{answer}");
        }
        let first = numbers[0].clone();
        wanted.push(first);
        if taken["previous"] == json!([numbers[0]]) {
            wanted.push("200001".to_owned());
        }
        for number in &wanted {
            assert_eq!(app.json(&format!("/api/companies/{number}")).await?["name"], "A");
        }
        Ok(())
    }

    async fn concurrent_overrides_all_succeed(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        let account = company(&app, "A").await?;
        let path = format!("/api/companies/{account}/overrides/soc");
        let agreed = (0..8).map(|n| (path.clone(), json!({"value": format!("Value {n}")})));
        let agreed = at_once(&app, Method::PUT, agreed).await?;
        assert!(agreed.iter().all(|(status, _)| *status == 200), "{agreed:?}");
        assert_eq!(count(&db, "select count(*) from company_overrides").await?, 1);
        let page = format!("/companies/{account}/update");
        let whole = (0..8).map(|n| (page.clone(), json!({"feature_overrides": {"sat": format!("Value {n}")}})));
        let whole = at_once(&app, Method::PUT, whole).await?;
        assert!(whole.iter().all(|(status, _)| *status == 200), "{whole:?}");
        assert_eq!(count(&db, "select count(*) from company_overrides where deleted_at is null").await?, 1);
        Ok(())
    }

    async fn one_of_many_creates_makes_the_plan(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        let plan = json!({"plan_name": "Silver", "term_length": "1 Year"});
        let plans = (0..8).map(|_| ("/api/billing-plans".to_owned(), plan.clone()));
        let made = at_once(&app, Method::POST, plans).await?;
        only_winner(&made, 201, "is `Silver` for `1 Year` already");
        let option = json!({"feature_category": "soc", "option_value": "Huntress"});
        let options = (0..8).map(|_| ("/api/feature-options".to_owned(), option.clone()));
        let made = at_once(&app, Method::POST, options).await?;
        assert!(made.iter().all(|(status, _)| [200, 201].contains(status)), "{made:?}");
        assert_eq!(count(&db, "select count(*) from feature_options").await?, 1);
        Ok(())
    }

    async fn concurrent_links_of_one_record_all_succeed(app: TestApp) -> TestResult {
        let asset = make(&app, "/api/assets", json!({"hostname": "pc"})).await?["id"].clone();
        let mut people = Vec::new();
        for name in ["Ann", "Ben", "Cid", "Dan"] {
            people.push(make(&app, "/api/contacts", json!({"name": name})).await?["id"].clone());
        }
        let account = company(&app, "A").await?;
        let uses = json!({"asset_ids": [asset]});
        let mut calls: Vec<_> = people.iter().map(|id| (format!("/api/contacts/{id}"), uses.clone())).collect();
        calls.push((format!("/api/assets/{asset}"), json!({"company_account_number": account})));
        let calls = calls.iter().map(|(path, body)| put(&app, path, body.clone()));
        let statuses = futures::future::try_join_all(calls).await?;
        assert_eq!(statuses, [200; 5]);
        let scope = codex_core::Scope::system();
        let id = codex_core::ids::AssetId(asset.as_i64().unwrap());
        let users = app.codex.asset_contacts(&scope, id).await?;
        assert_eq!(users.len(), 4);
        assert_eq!(holders(&app, &[&account], "assets", &asset).await?.len(), 1);
        Ok(())
    }

    /// SQLite has a single writer.
    async fn deadlock_victim_gets_a_retryable_error(app: TestApp) -> TestResult {
        if app.database_url().starts_with("sqlite") {
            return Ok(());
        }
        let db = Db::open(app.database_url()).await?;
        let first = make(&app, "/api/contacts", json!({"name": "Ann"})).await?["id"].as_i64().unwrap();
        let second = make(&app, "/api/contacts", json!({"name": "Ben"})).await?["id"].as_i64().unwrap();
        let rows = json!([{"id": first, "job_title": "Changed"}, {"id": second, "job_title": "Changed"}]);
        let lock = "select id from contacts where id = $1 for update";
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() \
            and wait_event_type = 'Lock'";
        // Whoever has waited longest is given up. On a busy machine that may be the test.
        for round in 0..10 {
            let call = || -> anyhow::Result<_> {
                let call = app.call_as("admin", Method::POST, "/api/contacts/bulk?action=update&mode=atomic")?;
                Ok(call.header("idempotency-key", format!("round {round}")).json(&rows).send())
            };
            let mut rival = db.begin().await?;
            rival.query(lock).bind(second).scalar::<i64>().await?;
            let refused = tokio::spawn(call()?);
            for _ in 0..1_000 {
                if db.query(waiting).scalar::<i64>().await? != Some(0) {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            if rival.query(lock).bind(first).scalar::<i64>().await.is_err() {
                drop(rival);
                refused.await??;
                continue;
            }
            let refused = refused.await??;
            assert_eq!(refused.status(), 503);
            assert_eq!(refused.headers()["retry-after"], "1");
            rival.rollback().await?;
            // It was undone: the key is free.
            let again = call()?.await?;
            assert_eq!(again.status(), 200);
            assert!(!again.headers().contains_key("idempotency-replayed"));
            assert_eq!(again.json::<Value>().await?["updated"], 2);
            return Ok(());
        }
        anyhow::bail!("the test itself was given up every time")
    }
}
