//! Answers that are kept, and when they are made again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use codex_client::{BulkAction, Client, CompanyIn, TokenSource};
use codex_core::store::{Db, Engine};
use codex_tests::{
    harness::{app::TestApp, database},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};

/// A large answer of several statements.
const TICKETS: &str = "/api/tickets?limit=100";

/// How many statements a GET runs.
async fn cost(app: &TestApp, path: &str) -> anyhow::Result<u64> {
    let before = app.codex.statements_run();
    let answer = app.get(path)?.send().await?.error_for_status()?;
    let size = answer.bytes().await?.len();
    assert!(size > 8 * 1024, "{path} is not worth keeping: {size} bytes");
    Ok(app.codex.statements_run() - before)
}

/// Makes companies, so that their list is large.
async fn many(app: &TestApp, count: usize) -> anyhow::Result<Vec<String>> {
    let token = app.core.key.user("admin", "admin@msp.example")?;
    let client = Client::new(&app.url(), TokenSource::fixed(token))?;
    let rows: Vec<CompanyIn> = (0..count)
        .map(|n| CompanyIn {
            name: format!("Company {n:03}").into(),
            description: "0".into(),
            ..CompanyIn::default()
        })
        .collect();
    client
        .companies()
        .bulk_write(&rows, BulkAction::Create, false)
        .await?;
    let all = client.companies().list().await?;
    Ok(all
        .into_iter()
        .map(|company| company.account_number)
        .collect())
}

on_each_engine! {
    async fn repeated_answer_is_cached_until_its_tables_change(app: TestApp) -> TestResult {
        app.sync().await?;
        let made = cost(&app, TICKETS).await?;
        assert!(made >= 2, "{made}");
        // The second question learns what was before it, and its answer is kept.
        assert_eq!(cost(&app, TICKETS).await?, made + 1);
        assert_eq!(cost(&app, TICKETS).await?, 1, "one look at the revisions");
        // What others commit does not matter: other tables, and another database of the same server.
        let option = json!({"feature_category": "sat", "option_value": "KnowBe4"});
        app.call_as("admin", Method::POST, "/api/feature-options")?.json(&option).send().await?.error_for_status()?;
        assert_eq!(cost(&app, TICKETS).await?, 1);
        if app.codex.db().engine() == Engine::Postgres
            && let Some(other) = database::postgres().await?
        {
            let other = Db::open(&other.url).await?;
            let mut tx = other.begin().await?;
            let q = tx.query("insert into sync_cursors (source, name, at) values ('x', 'y', $1)");
            q.bind(app.codex.now()).execute().await?;
            tx.commit().await?;
            assert_eq!(cost(&app, TICKETS).await?, 1, "another database");
        }
        // A statement that changes nothing is no change.
        let mut tx = app.codex.db().begin().await?;
        tx.query("update tickets set subject = 'x' where id = -1").execute().await?;
        tx.commit().await?;
        assert_eq!(cost(&app, TICKETS).await?, 1);
        // A change of a ticket is seen at once, and so is one that is not of the API.
        let number = app.json(TICKETS).await?["tickets"][0]["id"].clone();
        let closed = json!({"status": "closed"});
        let path = format!("/api/ticket/{number}/update");
        app.call_as("admin", Method::POST, &path)?.json(&closed).send().await?.error_for_status()?;
        assert!(cost(&app, TICKETS).await? > 1);
        assert_eq!(cost(&app, TICKETS).await?, 1);
        let mut tx = app.codex.db().begin().await?;
        tx.query("update tickets set subject = 'Changed by hand'").execute().await?;
        tx.rollback().await?;
        assert_eq!(cost(&app, TICKETS).await?, 1, "what is rolled back is no change");
        let mut tx = app.codex.db().begin().await?;
        tx.query("update tickets set subject = 'Changed by hand'").execute().await?;
        tx.commit().await?;
        assert_eq!(app.json(TICKETS).await?["tickets"][0]["subject"], "Changed by hand");
        Ok(())
    }

    async fn concurrent_equal_calls_compute_one_answer(app: TestApp) -> TestResult {
        app.sync().await?;
        let made = cost(&app, TICKETS).await?;
        let path = format!("{TICKETS}&offset=0");
        let before = app.codex.statements_run();
        let crowd = (0..24).map(|_| async { app.get(&path)?.send().await?.error_for_status()?.bytes().await.map_err(anyhow::Error::from) });
        let answers = futures::future::try_join_all(crowd).await?;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let run = app.codex.statements_run() - before;
        // Twice it is made: once to learn that it is asked for, once to be kept. Everybody else looks once or twice.
        assert!(run <= 2 * made + 2 * 24 + 2, "{run} statements, {made} for one answer");
        Ok(())
    }

    async fn no_answer_is_older_than_its_request(app: TestApp) -> TestResult {
        const WRITERS: usize = 3;
        const CHANGES: i64 = 60;
        let numbers = many(&app, 80).await?;
        let admin = app.core.key.user("admin", "admin@msp.example")?;
        let committed: Arc<Vec<AtomicI64>> = Arc::new((0..WRITERS).map(|_| AtomicI64::new(0)).collect());
        let done = AtomicBool::new(false);
        let write = async |writer: usize| -> anyhow::Result<()> {
            for change in 1..=CHANGES {
                let path = format!("/api/companies/{}", numbers[writer]);
                let body = json!({"description": change.to_string()});
                app.call(Method::PUT, &path).bearer_auth(&admin).json(&body).send().await?.error_for_status()?;
                committed[writer].store(change, Ordering::SeqCst);
            }
            Ok(())
        };
        let read = async || -> anyhow::Result<usize> {
            let mut answers = 0;
            while !done.load(Ordering::SeqCst) {
                let at_least: Vec<i64> = committed.iter().map(|change| change.load(Ordering::SeqCst)).collect();
                let all: Value = app.call(Method::GET, "/api/companies").bearer_auth(&admin).send().await?.json().await?;
                for (number, least) in numbers.iter().zip(at_least) {
                    let company = all.as_array().unwrap().iter().find(|one| one["account_number"] == **number).unwrap();
                    let shown: i64 = company["description"].as_str().unwrap().parse()?;
                    assert!(shown >= least, "{number}: {shown} is older than {least}");
                }
                answers += 1;
            }
            Ok(answers)
        };
        let writers = async {
            let all = futures::future::try_join_all((0..WRITERS).map(&write)).await;
            done.store(true, Ordering::SeqCst);
            all
        };
        let (written, one, two) = tokio::join!(writers, read(), read());
        written?;
        assert!(one? + two? > 20);
        Ok(())
    }
}
