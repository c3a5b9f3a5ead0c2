//! Calls that say what they know, that may be sent twice, that are too many, whose session is over.

use std::time::{Duration, Instant};

use codex_core::{
    IdempotencyState, KeptAnswer, Scope,
    contacts::ContactIn,
    records::Author,
    store::{Db, Sql},
};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine, on_sqlite,
    sim::core::{service_claims, user_claims},
};
use reqwest::Method;
use serde_json::{Value, json};

/// What a database does to each new company: a function of PostgreSQL's, and the trigger.
type Trap = [Sql; 2];
const NOTHING: &str = "select 1";
const TRIGGER: &str =
    "create trigger trap before insert on companies for each row execute function trap()";

const UNREADABLE: Trap = [
    Sql::Per {
        sqlite: NOTHING,
        pg: "create function trap() returns trigger language plpgsql as \
             $$ begin new.domains := '{}'; return new; end $$",
    },
    Sql::Per {
        sqlite: "create trigger trap after insert on companies begin \
                 update companies set domains = '{}' where id = new.id; end",
        pg: TRIGGER,
    },
];
const REFUSED: Trap = [
    Sql::Per {
        sqlite: NOTHING,
        pg: "create function trap() returns trigger language plpgsql as \
             $$ begin raise exception 'no company may be'; end $$",
    },
    Sql::Per {
        sqlite: "create trigger trap before insert on companies begin \
                 select raise(abort, 'no company may be'); end",
        pg: TRIGGER,
    },
];
const REMOVED: Trap = [
    Sql::Per {
        sqlite: "drop trigger trap",
        pg: "drop trigger trap on companies",
    },
    Sql::Same(NOTHING),
];

async fn trap(db: &Db, trap: Trap) -> anyhow::Result<()> {
    for statement in trap {
        let mut tx = db.begin().await?;
        tx.query(statement).execute().await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A company made with a key: status and answer.
async fn made(app: &TestApp, key: &str) -> anyhow::Result<(u16, String)> {
    let call = app.call_as("admin", Method::POST, "/api/companies")?;
    let call = call
        .header("idempotency-key", key)
        .json(&json!({"name": "Once"}));
    let answer = call.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

async fn companies(db: &Db) -> anyhow::Result<i64> {
    let count = db
        .query("select count(*) from companies")
        .scalar::<i64>()
        .await?;
    Ok(count.unwrap_or_default())
}

on_each_engine! {
    async fn unchanged_answer_is_304(app: TestApp) -> TestResult {
        app.sync().await?;
        for path in ["/api/companies", "/api/companies/100001", "/api/contacts?limit=2", "/billing-plans/api/plans"] {
            let first = app.get(path)?.send().await?;
            let tag = first.headers()["etag"].clone();
            let again = app.get(path)?.header("if-none-match", &tag).send().await?;
            assert_eq!(again.status(), 304, "{path}");
            assert_eq!(again.headers()["etag"], tag);
            assert_eq!(again.text().await?, "");
            let other = app.get(path)?.header("if-none-match", "\"x\"").send().await?;
            assert_eq!(other.status(), 200);
        }
        for path in ["/api/tickets/active", "/health", "/sync/jobs", "/api/health"] {
            assert!(app.get(path)?.send().await?.headers().get("etag").is_none(), "{path}");
        }
        Ok(())
    }

    async fn any_write_invalidates_the_cached_answer(app: TestApp) -> TestResult {
        let rows: Vec<Value> = (0..200).map(|n| json!({"name": format!("Company {n}"), "description": "x".repeat(50)})).collect();
        let write = app.call_as("admin", Method::POST, "/api/companies/bulk")?.json(&rows).send().await?;
        assert_eq!(write.status(), 200);
        let list = async || -> anyhow::Result<(String, u64)> {
            let before = app.codex.statements_run();
            let answer = app.get("/api/companies")?.send().await?;
            let tag = answer.headers()["etag"].to_str()?.to_owned();
            assert_eq!(answer.json::<Vec<Value>>().await?.len(), 200);
            Ok((tag, app.codex.statements_run() - before))
        };
        let (tag, _) = list().await?;
        list().await?;
        // The daemon has statements of its own now and then.
        let mut fewest = u64::MAX;
        for _ in 0..10 {
            let (kept, statements) = list().await?;
            assert_eq!(kept, tag);
            fewest = fewest.min(statements);
        }
        assert_eq!(fewest, 1, "only the version is asked");
        // Another process: its own connections to the same database.
        let other = codex_core::Codex::open(app.database_url()).await?;
        let scope = codex_core::Scope::system();
        let company = other.companies(&scope).await?.remove(0);
        let author = codex_core::records::Author::new("system", other.now());
        let account = company.fields.account_number.unwrap();
        let edit = codex_core::companies::CompanyIn { description: "changed".into(), ..Default::default() };
        other.update_company(&scope, &author, &account, &edit).await?.unwrap().applied().unwrap();
        let (changed, _) = list().await?;
        assert_ne!(changed, tag);
        let billing = app.get_as("client", "/api/companies")?.send().await?;
        assert_eq!(billing.json::<Value>().await?, json!([]), "nobody gets what is kept for others");
        Ok(())
    }

    async fn update_of_an_outdated_version_is_412(app: TestApp) -> TestResult {
        app.sync().await?;
        let contact = app.json("/api/companies/100001/contacts").await?[0]["id"].clone();
        let asset = app.json("/api/companies/100001/assets").await?[0]["id"].clone();
        for (path, body) in [
            ("/api/companies/100001".to_owned(), json!({"address": "A"})),
            (format!("/api/contacts/{contact}"), json!({"job_title": "A"})),
            (format!("/api/assets/{asset}"), json!({"description": "A"})),
        ] {
            let tag = app.get(&path)?.send().await?.headers()["etag"].clone();
            let put = async |tag: &reqwest::header::HeaderValue, body: &Value| -> anyhow::Result<u16> {
                let call = app.call_as("admin", Method::PUT, &path)?.header("if-match", tag).json(body);
                Ok(call.send().await?.status().as_u16())
            };
            assert_eq!(put(&tag, &body).await?, 200, "{path}");
            if path.contains("companies") {
                // What changed shows in the answer of others only where it is one of its keys.
                let edit = json!({"description": "B"});
                app.call_as("admin", Method::PUT, &path)?.json(&edit).send().await?.error_for_status()?;
                assert_eq!(put(&tag, &body).await?, 412, "{path}");
                let delete = app.call_as("admin", Method::DELETE, &path)?.header("if-match", &tag).send().await?;
                assert_eq!(delete.status(), 412);
                let now = app.get(&path)?.send().await?.headers()["etag"].clone();
                assert_eq!(put(&now, &body).await?, 200);
            }
        }
        let absent = app.call_as("admin", Method::PUT, "/api/companies/999999")?
            .header("if-match", "\"x\"").json(&json!({"name": "x"})).send().await?;
        assert_eq!(absent.status(), 404);
        Ok(())
    }

    async fn call_with_a_key_runs_once(app: TestApp) -> TestResult {
        let post = async |key: &str, body: Value| -> anyhow::Result<reqwest::Response> {
            let call = app.call_as("admin", Method::POST, "/api/companies")?;
            Ok(call.header("idempotency-key", key).json(&body).send().await?)
        };
        let first = post("k1", json!({"name": "Once"})).await?;
        assert_eq!(first.status(), 201);
        let place = first.headers()["location"].clone();
        let made: Value = first.json().await?;
        let again = post("k1", json!({"name": "Once"})).await?;
        assert_eq!((again.status().as_u16(), again.headers().contains_key("idempotency-replayed")), (201, true));
        assert_eq!(again.headers().get("location"), Some(&place));
        assert_eq!(app.json(place.to_str()?).await?, made);
        assert_eq!(again.json::<Value>().await?, made);
        assert_eq!(post("k1", json!({"name": "Twice"})).await?.status(), 422);
        assert_eq!(post("", json!({"name": "Twice"})).await?.status(), 400);
        // What was refused was not made: the key is free.
        assert_eq!(post("k2", json!({"name": null})).await?.status(), 422);
        assert_eq!(post("k2", json!({"name": "Second"})).await?.status(), 201);
        let answers = tokio::join!(post("k3", json!({"name": "Third"})), post("k3", json!({"name": "Third"})));
        let mut statuses = [answers.0?.status().as_u16(), answers.1?.status().as_u16()];
        statuses.sort_unstable();
        assert!(statuses == [201, 201] || statuses == [201, 409], "{statuses:?}");
        assert_eq!(app.json("/api/companies").await?.as_array().unwrap().len(), 3);
        // Another caller's key is another key.
        let other = app.call_as("technician", Method::POST, "/api/companies")?;
        let other = other.header("idempotency-key", "k1").json(&json!({"name": "Other"})).send().await?;
        assert_eq!(other.status(), 201);
        Ok(())
    }

    async fn abandoned_call_runs_once_and_is_answered_later(app: TestApp) -> TestResult {
        let rows: Vec<Value> = (0..1_000).map(|n| json!({"name": format!("Company {n}")})).collect();
        let post = |timeout: u64| -> anyhow::Result<_> {
            let call = app.call_as("admin", Method::POST, "/api/companies/bulk")?;
            let call = call.header("idempotency-key", "bulk").json(&rows);
            Ok(call.timeout(Duration::from_millis(timeout)).send())
        };
        // A slow machine keeps the next one waiting longer than the database lets it.
        let is_at_work = |answer: &reqwest::Response| [409, 503].contains(&answer.status().as_u16());
        // Nobody waits for the answer; on a busy machine not even for the call to begin, so that it is sent again for
        // longer each time, until one finds it at work, or made.
        for wait_timeout in [30, 60, 120, 240, 480, 960, 1_920] {
            if let Ok(answer) = post(wait_timeout)?.await {
                // The earlier ones may have ended before they arrived: then this one made it.
                assert!(answer.status() == 200 || is_at_work(&answer), "{answer:?}");
                break;
            }
        }
        for _ in 0..200 {
            let again = post(10_000)?.await?;
            if is_at_work(&again) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            // On a busy machine it may be the first of them that began.
            assert_eq!(again.status(), 200, "{again:?}");
            assert_eq!(again.json::<Value>().await?["created"], 1_000);
            let kept = post(10_000)?.await?;
            assert!(kept.headers().contains_key("idempotency-replayed"), "{kept:?}");
            assert_eq!(kept.json::<Value>().await?["created"], 1_000);
            assert_eq!(app.json("/api/companies").await?.as_array().unwrap().len(), 1_000);
            return Ok(());
        }
        anyhow::bail!("the answer was never kept")
    }

    async fn call_with_an_answer_too_large_to_keep_runs_once(app: TestApp) -> TestResult {
        let row = json!({"name": "x", "first unknown column": 1, "second unknown column": 2, "third unknown column": 3,
            "fourth unknown column": 4, "fifth unknown column": 5, "sixth unknown column": 6});
        let mut rows = vec![row; 9_000];
        rows.push(json!({"name": "Sound GmbH"}));
        let post = async || -> anyhow::Result<_> {
            let call = app.call_as("admin", Method::POST, "/api/companies/bulk")?;
            Ok(call.header("idempotency-key", "large").json(&rows).send().await?)
        };
        let first = post().await?;
        assert_eq!(first.status(), 200);
        let body = first.bytes().await?;
        assert!(body.len() > 4 * 1024 * 1024, "{}", body.len());
        let again = post().await?;
        assert_eq!(again.status(), 409);
        let again: Value = again.json().await?;
        assert!(again["detail"].as_str().unwrap().contains("the call was made"), "{again}");
        assert_eq!(app.json("/api/companies").await?.as_array().unwrap().len(), 1);
        Ok(())
    }

    async fn call_that_failed_after_its_commit_is_not_repeated(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        trap(&db, UNREADABLE).await?;
        let (status, _) = made(&app, "late").await?;
        assert!(status >= 500, "what was written cannot be read: {status}");
        assert_eq!(app.forgive(), 1);
        let (status, answer) = made(&app, "late").await?;
        assert!(status >= 500, "it still cannot be read: {status} {answer}");
        assert_eq!(app.forgive(), 1);
        assert_eq!(companies(&db).await?, 1);
        let mut tx = db.begin().await?;
        tx.query("update companies set domains = '[]'").execute().await?;
        tx.commit().await?;
        for _ in 0..2 {
            let (status, answer) = made(&app, "late").await?;
            assert_eq!(status, 201, "{answer}");
        }
        assert_eq!(companies(&db).await?, 1);
        Ok(())
    }

    async fn key_keeps_only_the_answer_of_its_own_call(app: TestApp) -> TestResult {
        let codex = &app.codex;
        let begun = async |request: &str| -> anyhow::Result<_> {
            match codex.keyed_call("owner", "k", request).await? {
                IdempotencyState::New(call) => Ok(call),
                other => anyhow::bail!("{request}: {other:?}"),
            }
        };
        let answer = |body: &str| KeptAnswer {
            status: 200,
            content_type: None,
            location: None,
            body: body.as_bytes().to_vec(),
        };
        // The first has changed something and has no answer yet; the second changes nothing.
        let (one, two) = (begun("one").await?, begun("two").await?);
        let (scope, author) = (Scope::system(), Author::new("a", codex.now()));
        let person = ContactIn { name: "Ann".into(), ..ContactIn::default() };
        one.run(codex.create_contact(&scope, &author, &person)).await?.applied().unwrap();
        codex.keep_answer(&two, answer("two")).await?;
        begun("one").await?;
        codex.keep_answer(&one, answer("one")).await?;
        let kept = codex.keyed_call("owner", "k", "one").await?;
        assert!(matches!(&kept, IdempotencyState::Made(kept) if *kept == answer("one")), "{kept:?}");
        let other = codex.keyed_call("owner", "k", "two").await?;
        assert!(matches!(other, IdempotencyState::OtherRequest), "{other:?}");
        Ok(())
    }

    async fn key_belongs_to_one_caller_and_role(app: TestApp) -> TestResult {
        let post = async |claims: Value| -> anyhow::Result<(u16, bool)> {
            let call = app.call(Method::POST, "/api/companies").bearer_auth(app.core.key.sign(&claims)?);
            let call = call.header("idempotency-key", "one").json(&json!({"name": "Once"}));
            let answer = call.send().await?;
            Ok((answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed")))
        };
        let person = |level: &str, sub: &str| {
            let mut claims = user_claims(level, "a@msp.example");
            claims["sub"] = json!(sub);
            claims
        };
        assert_eq!(post(person("admin", "u-1")).await?, (201, false));
        assert_eq!(post(person("admin", "u-1")).await?, (201, true));
        assert_eq!(post(person("technician", "u-1")).await?, (201, false));
        assert_eq!(post(person("client", "u-1")).await?, (403, false));
        assert_eq!(post(person("admin", "service:beacon")).await?, (201, false));
        assert_eq!(post(service_claims("beacon", "codex")).await?, (201, false));
        assert_eq!(post(person("admin", "")).await?, (400, false));
        let db = Db::open(app.database_url()).await?;
        assert_eq!(companies(&db).await?, 4);
        Ok(())
    }

    async fn call_that_failed_before_its_commit_can_be_repeated(app: TestApp) -> TestResult {
        let db = Db::open(app.database_url()).await?;
        trap(&db, REFUSED).await?;
        for _ in 0..2 {
            let (status, answer) = made(&app, "early").await?;
            assert!(status >= 500, "{status} {answer}");
        }
        assert_eq!(app.forgive(), 2);
        trap(&db, REMOVED).await?;
        assert_eq!(made(&app, "early").await?.0, 201);
        assert_eq!(made(&app, "early").await?.0, 201, "sent again");
        assert_eq!(companies(&db).await?, 1);
        Ok(())
    }

    async fn cached_answer_keeps_its_headers(app: TestApp) -> TestResult {
        app.sync().await?;
        for n in 0..40 {
            let contact = json!({"name": format!("Person {n}"), "address": "x".repeat(200)});
            app.call_as("admin", Method::POST, "/api/contacts")?.json(&contact).send().await?.error_for_status()?;
        }
        let path = "/api/contacts?limit=45&total=true&fields=id,name,address,background_information,work_phone_number,title";
        let mut before = None;
        for round in 0..3 {
            let answer = app.get(path)?.send().await?;
            let headers = ["x-total-count", "link", "etag", "content-type"].map(|name| answer.headers().get(name).cloned());
            assert!(headers.iter().all(Option::is_some), "{round}: {headers:?}");
            let body = answer.text().await?;
            assert!(body.len() > 8 * 1024, "{}", body.len());
            let now = (headers, body);
            assert!(before.is_none_or(|before| before == now), "{round}");
            before = Some(now);
        }
        Ok(())
    }

    async fn cached_answers_count_like_computed_ones(app: TestApp) -> TestResult {
        for n in 0..100 {
            let made = app.call_as("admin", Method::POST, "/api/companies")?;
            made.json(&json!({"name": format!("Company {n}")})).send().await?.error_for_status()?;
        }
        let engine = app.database_url().split(':').next().unwrap_or_default();
        let caller = format!("counted-{engine}");
        let token = app.core.key.service(&caller, "helm")?;
        let mut tag = String::new();
        for _ in 0..5 {
            let answer = app.call(Method::GET, "/api/companies").bearer_auth(&token);
            let answer = answer.header("if-none-match", &tag).send().await?;
            answer.headers()["etag"].to_str()?.clone_into(&mut tag);
        }
        let text = app.call(Method::GET, "/metrics").send().await?.text().await?;
        let line = format!("codex_foreign_service_tokens_total{{caller=\"service:{caller}\"}} 5");
        assert!(text.contains(&line), "{line} not in {text}");
        let nameless = "method=\"GET\",route=\"(none)\",status=\"304\"";
        assert!(!text.contains(nameless), "{text}");
        Ok(())
    }
}

on_sqlite! {
    async fn preconditions_are_checked_last(app: TestApp) -> TestResult {
        app.sync().await?;
        let company = "/api/companies/100001";
        let good = json!({"description": "x"});
        let before = app.json(company).await?;
        for (role, method, path, body, status) in [
            ("admin", Method::PATCH, company, &good, 405),
            ("billing", Method::PUT, company, &good, 403),
            ("admin", Method::PUT, "/api/companies/999999", &good, 404),
            ("admin", Method::PUT, company, &json!({"name": null}), 422),
            ("admin", Method::PUT, company, &good, 412),
            ("admin", Method::DELETE, company, &good, 412),
        ] {
            let call = app.call_as(role, method.clone(), path)?.header("if-match", "\"x\"");
            let answer = call.json(body).send().await?;
            assert_eq!(answer.status(), status, "{role} {method} {path} {body}");
        }
        assert_eq!(app.json(company).await?, before);
        Ok(())
    }

    async fn caller_above_the_limit_is_429(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("server.calls_per_minute", "5")]).await?;
        let one = app.core.key.service("ledger", "codex")?;
        let two = app.core.key.service("beacon", "codex")?;
        let call = async |token: &str| -> anyhow::Result<reqwest::Response> {
            Ok(app.call(Method::GET, "/api/companies").bearer_auth(token).send().await?)
        };
        for _ in 0..5 {
            assert_eq!(call(&one).await?.status(), 200);
        }
        let refused = call(&one).await?;
        assert_eq!(refused.status(), 429);
        assert!(refused.headers()["retry-after"].to_str()?.parse::<u64>()? <= 60);
        assert_eq!(call(&two).await?.status(), 200, "another caller has calls of its own");
        for _ in 0..10 {
            assert_eq!(app.call(Method::GET, "/health").send().await?.status(), 200, "health is not counted");
        }
        Ok(())
    }

    async fn revoked_session_is_refused_when_configured(database: TestDatabase) -> TestResult {
        let settings = [("auth.check_revocation", "true"), ("auth.revocation_cache_seconds", "1")];
        let mut app = TestApp::with(database, &settings).await?;
        let token = app.core.user_token("admin", "a@msp.example");
        let call = async |app: &TestApp, token: &str| -> anyhow::Result<u16> {
            let answer = app.call(Method::GET, "/api/companies").bearer_auth(token).send().await?;
            Ok(answer.status().as_u16())
        };
        assert_eq!(call(&app, &token).await?, 200);
        app.core.revoke(&token);
        assert_eq!(call(&app, &token).await?, 200, "the answer holds for a second");
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(call(&app, &token).await?, 401);
        let service = app.core.service_token("ledger");
        assert_eq!(call(&app, &service).await?, 200, "services have no session");
        let other = app.core.user_token("admin", "b@msp.example");
        assert_eq!(call(&app, &other).await?, 200);
        app.core.stop().await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(call(&app, &other).await?, 200, "a Core that cannot be asked locks nobody out");
        Ok(())
    }

    async fn silent_core_delays_one_call_only(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[("auth.check_revocation", "true")]).await?;
        app.core.hush(true);
        let begun = Instant::now();
        for person in ["a@msp.example", "b@msp.example", "c@msp.example"] {
            let token = app.core.user_token("admin", person);
            let answer = app.call(Method::POST, "/api/companies?dry_run=true").bearer_auth(&token);
            let answer = answer.header("idempotency-key", person).json(&json!({"name": "X"})).send().await?;
            assert_eq!(answer.status(), 202);
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        assert_eq!(app.core.asked("validate"), 1);
        Ok(())
    }

    async fn metrics_are_readable_and_name_no_record(app: TestApp) -> TestResult {
        app.get("/api/companies/100001")?.send().await?;
        let foreign = app.core.key.service("beacon", "helm")?;
        app.call(Method::GET, "/api/companies").bearer_auth(&foreign).send().await?;
        app.call(Method::from_bytes(b"ODD")?, "/api/companies").send().await?;
        let text = app.call(Method::GET, "/metrics").send().await?.error_for_status()?.text().await?;
        for wanted in [
            "codex_http_requests_total{method=\"GET\",route=\"/api/companies/{account_number}\",status=\"404\"}",
            "codex_foreign_service_tokens_total{caller=\"service:beacon\"}",
            "codex_http_request_seconds_bucket",
            "method=\"OTHER\"",
        ] {
            assert!(text.contains(wanted), "{wanted} not in {text}");
        }
        assert!(!text.contains("100001") && !text.contains("ODD"));
        Ok(())
    }
}
