//! `Prefer: handling=strict`, and what today's addresses overlook without it.

use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

async fn get(app: &TestApp, path: &str, strict: bool) -> anyhow::Result<Response> {
    let mut call = app.get(path)?;
    if strict {
        call = call.header("Prefer", "respond-async, handling=strict");
    }
    Ok(call.send().await?)
}

fn header(answer: &Response, name: &str) -> Option<String> {
    let value = answer.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

on_each_engine! {
    async fn unknown_company_is_404_in_every_list(app: TestApp) -> TestResult {
        app.sync().await?;
        for (path, todays) in [
            ("/api/contacts?company_id=nope", false),
            ("/api/contacts?company_account_number=nope", false),
            ("/api/assets?company_id=nope", false),
            ("/api/assets?company_account_number=nope", false),
            ("/api/tickets?company_id=nope", true),
            ("/api/tickets?company_account_number=nope", true),
            ("/api/rmm/devices?company_id=nope", true),
            ("/api/datto/devices?company_id=nope", true),
            ("/api/psa/tickets?company=nope", true),
        ] {
            assert_eq!(get(&app, path, true).await?.status(), 404, "{path}");
            let answer = get(&app, path, false).await?;
            let wanted = if todays { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(answer.status(), wanted, "{path}");
            if todays {
                assert_eq!(header(&answer, "x-total-count").as_deref(), Some("0"), "{path}");
            }
        }
        Ok(())
    }

    async fn ticket_words_support_comparison_operators(app: TestApp) -> TestResult {
        app.sync().await?;
        let count = async |query: &str| -> anyhow::Result<i64> {
            let body = app.json(&format!("/api/tickets?limit=1&{query}")).await?;
            Ok(body["total"].as_i64().unwrap())
        };
        let (open, pending) = (count("status=open").await?, count("status=Pending").await?);
        let all = count("").await?;
        assert!(open > 0 && pending > 0 && open + pending < all, "{open} {pending} {all}");
        assert_eq!(count("status__in=open,pending").await?, open + pending);
        assert_eq!(count("status__ne=open").await?, all - open);
        let priorities = count("priority__in=low,medium,high,urgent").await?;
        assert_eq!(priorities + count("priority__isnull=true").await?, all);
        for bad in ["status__in=open,nope", "status__contains=open", "status__gt=open", "priority__ne=x"] {
            let answer = app.get(&format!("/api/tickets?{bad}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{bad}");
        }
        Ok(())
    }

    async fn text_comparison_ignores_case(app: TestApp) -> TestResult {
        let assets = [
            ("SRV-1", "Windows Server 2022", "Größe", "SN-ab12"),
            ("srv-2", "windows 11", "GRÖSSE, klein", "sn-AB13"),
            ("pc-3", "macOS", "grösse", "X"),
            ("pc-4", "ΟΔΟΣ", "ẞ", "ÄÖ-1"),
        ];
        for (name, system, model, serial) in assets {
            let body = json!({"hostname": name, "operating_system": system, "model": model, "serial_number": serial,
                "mac_address": null});
            let made = app.call_as("admin", Method::POST, "/api/assets")?.json(&body).send().await?;
            assert_eq!(made.status(), 201, "{}", made.text().await?);
        }
        for (query, found) in [
            ("operating_system__contains=WINDOWS", &["SRV-1", "srv-2"][..]),
            ("operating_system__startswith=windows%20s", &["SRV-1"]),
            ("operating_system=macos", &["pc-3"]),
            ("operating_system__ne=MACOS", &["pc-4", "SRV-1", "srv-2"]),
            ("operating_system=οδος", &["pc-4"]),
            ("operating_system__contains=Δος", &["pc-4"]),
            ("operating_system__exact=macos", &[]),
            ("operating_system__exact=macOS", &["pc-3"]),
            ("hostname__exact=srv-1", &[]),
            ("hostname__exact=SRV-1", &["SRV-1"]),
            ("hostname=srv-1", &["SRV-1"]),
            ("model=grösse", &["pc-3"]),
            ("model__startswith=GRÖ", &["pc-3", "SRV-1", "srv-2"]),
            ("model__in=%22Gr%C3%B6sse,%20klein%22,%C3%9F", &["pc-4", "srv-2"]),
            ("serial_number__in=SN-AB12,sn-ab13", &["SRV-1", "srv-2"]),
            ("serial_number=äö-1", &["pc-4"]),
            ("serial_number__gte=a&serial_number__lt=t", &["srv-2"]),
        ] {
            let rows = app.json(&format!("/api/assets?fields=hostname&{query}")).await?;
            let names: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["hostname"].as_str().unwrap()).collect();
            assert_eq!(names, found, "{query}");
        }
        let answer = app.get("/api/assets?model__in=%22open")?.send().await?;
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await?.contains("model__in"));
        Ok(())
    }

    async fn mac_address_is_found_in_any_spelling(app: TestApp) -> TestResult {
        for (name, mac) in [("one", "00:1A:2B:3C:4D:5E"), ("two", "001a.2b3c.4d5f"), ("three", "AA-BB-CC-00-11-22")] {
            let body = json!({"hostname": name, "mac_address": mac});
            let made = app.call_as("admin", Method::POST, "/api/assets")?.json(&body).send().await?;
            assert_eq!(made.status(), 201, "{}", made.text().await?);
        }
        for (spelling, name) in [
            ("00-1a-2b-3c-4d-5e", "one"), ("001A.2B3C.4D5E", "one"), ("001a2b3c4d5e", "one"), ("00:1A:2B:3C:4D:5E", "one"),
            ("00:1a:2b:3c:4d:5f", "two"), ("aabb.cc00.1122", "three"), ("AABBCC001122", "three"),
        ] {
            for query in [format!("mac_address={spelling}"), format!("mac_address__in=x,{spelling}"), format!("q={spelling}")] {
                let rows = app.json(&format!("/api/assets?fields=hostname&{query}")).await?;
                assert_eq!(rows, json!([{"hostname": name}]), "{query}");
            }
            let found = app.json(&format!("/api/search?q={spelling}")).await?;
            assert_eq!(found["results"][0]["title"], name, "{spelling}: {found}");
            assert_eq!(found["count"], 1, "{spelling}");
        }
        let part = app.json("/api/assets?fields=hostname&mac_address__startswith=00-1A-2b").await?;
        assert_eq!(part, json!([{"hostname": "one"}, {"hostname": "two"}]));
        Ok(())
    }

    async fn records_name_their_company_by_account_number(app: TestApp) -> TestResult {
        app.sync().await?;
        let body = json!({"name": "Both", "company_account_numbers": ["100001", "100002"]});
        let made = app.call_as("admin", Method::POST, "/api/contacts")?.json(&body).send().await?;
        assert_eq!(made.status(), 201);
        let place = json!({"name": "Office", "address": "1 Road"});
        app.call_as("admin", Method::POST, "/api/companies/100001/locations")?.json(&place).send().await?.error_for_status()?;
        for list in ["assets", "tickets"] {
            let rows = async |query: &str| -> anyhow::Result<Vec<Value>> {
                let body = app.json(&format!("/api/{list}?fields=id,company_account_number&limit=500&{query}")).await?;
                Ok(body.as_array().or(body["tickets"].as_array()).unwrap().clone())
            };
            let all = rows("").await?;
            let of = |number: &str| all.iter().filter(|row| row["company_account_number"] == number).count();
            assert!(of("100001") > 0 && of("100002") > 0, "{list}: {all:?}");
            assert_eq!(rows("company_account_number=100001").await?.len(), of("100001"), "{list}");
            assert_eq!(rows("company_id=100001").await?.len(), of("100001"), "{list}");
            let both = rows("company_account_number__in=100001,100002").await?.len();
            assert_eq!(both, of("100001") + of("100002"), "{list}");
            let nobodys = all.iter().filter(|row| row["company_account_number"].is_null()).count();
            assert_eq!(rows("company_account_number__isnull=true").await?.len(), nobodys, "{list}");
            let sorted = rows("sort=-company_account_number").await?;
            let numbers: Vec<&str> = sorted.iter().filter_map(|row| row["company_account_number"].as_str()).collect();
            assert!(numbers.is_sorted_by(|one, two| one >= two) && numbers.len() + nobodys == all.len(), "{list}: {numbers:?}");
        }
        let contacts = async |query: &str| app.json(&format!("/api/contacts?fields=name,company_account_numbers&{query}")).await;
        let both = contacts("name=both").await?;
        let mut numbers = both[0]["company_account_numbers"].as_array().unwrap().clone();
        numbers.sort_by_key(Value::to_string);
        assert_eq!((numbers, &both[0]["name"]), (vec![json!("100001"), json!("100002")], &json!("Both")));
        for number in ["100001", "100002"] {
            let all = contacts(&format!("company_account_number__in=x,{number}")).await?;
            assert_eq!(all, contacts(&format!("company_account_number={number}")).await?);
            let own = |row: &Value| row["company_account_numbers"].as_array().unwrap().contains(&json!(number));
            assert!(all.as_array().unwrap().iter().all(own), "{all}");
            let others = contacts(&format!("company_account_number__ne={number}")).await?;
            assert!(!others.as_array().unwrap().iter().any(own), "{others}");
        }
        let nobodys = contacts("company_account_number__isnull=true").await?;
        assert!(nobodys.as_array().unwrap().iter().all(|row| row["company_account_numbers"] == json!([])));
        let places = app.json("/api/companies/100001/locations?fields=name,company_account_number&name=office").await?;
        assert_eq!(places, json!([{"company_account_number": "100001", "name": "Office"}]));
        let own = app.json("/api/companies/100001/assets?fields=company_account_number&limit=1").await?;
        assert_eq!(own, json!([{"company_account_number": "100001"}]));
        // Row ids of companies stay inside.
        for list in ["assets", "contacts", "companies/100001/assets", "companies/100001/locations"] {
            let answer = app.get(&format!("/api/{list}?fields=company_id"))?.send().await?;
            assert_eq!(answer.status(), 400, "{list}");
            assert!(answer.text().await?.contains("did you mean `company_account_number"), "{list}");
        }
        let answer = app.get("/api/contacts?sort=company_account_number")?.send().await?;
        assert_eq!(answer.status(), 400);
        let answer = app.get("/api/assets?company_id=100001&company_account_number=100002")?.send().await?;
        assert_eq!(answer.status(), 400);
        Ok(())
    }

    async fn cut_list_reports_total_and_next_page(app: TestApp) -> TestResult {
        app.sync().await?;
        for (path, name) in [("/api/rmm/devices", "devices"), ("/api/datto/devices", "devices"), ("/api/psa/tickets", ""), ("/api/tickets", "tickets")] {
            let (mut seen, mut total) = (Vec::new(), 0);
            let mut next = Some(format!("{path}?limit=5"));
            while let Some(path) = next.take() {
                let answer = app.get(&path)?.send().await?.error_for_status()?;
                total = header(&answer, "x-total-count").unwrap().parse()?;
                let link = header(&answer, "link");
                next = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
                let body: Value = answer.json().await?;
                let rows = body.as_array().or(body[name].as_array()).unwrap();
                assert!(rows.len() == 5 || next.is_none(), "{path}");
                seen.extend(rows.iter().map(|row| row["id"].to_string()));
            }
            assert_eq!(seen.len(), total, "{path}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), total, "{path}");
            let none = app.get(&format!("{path}?limit=0"))?.send().await?;
            assert_eq!(header(&none, "x-total-count"), Some(total.to_string()), "{path}");
            assert_eq!(header(&none, "link"), None, "{path}");
            let bad = app.get(&format!("{path}?cursor=zz"))?.send().await?;
            assert_eq!(bad.status(), 400, "{path}");
        }
        Ok(())
    }
}

on_sqlite! {
    async fn legacy_routes_ignore_and_list_unknown_parameters(app: TestApp) -> TestResult {
        app.sync().await?;
        for (path, ignored) in [
            ("/api/companies?limit=1&foo=1", "foo, limit"),
            ("/api/companies/100001/contacts?limit=1", "limit"),
            ("/api/tickets?since=2026-01-01&limit=abc", "since, limit"),
            ("/api/tickets/active?group_id=x", "group_id"),
            ("/api/rmm/devices?status=asleep&limit=x&offset=3", "offset, limit, status"),
            ("/api/psa/tickets?company_id=100001", "company_id"),
            ("/api/companies/bulk?include_tickets=perhaps&year=x", "include_tickets, year"),
            ("/api/health?simple", "simple"),
        ] {
            let answer = get(&app, path, false).await?;
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(header(&answer, "x-ignored-parameters").as_deref(), Some(ignored), "{path}");
            assert_eq!(header(&answer, "preference-applied"), None, "{path}");
            let answer = get(&app, path, true).await?;
            let limit_alone = path.ends_with("contacts?limit=1");
            assert_eq!(answer.status(), if limit_alone { 200 } else { 400 }, "{path}");
            assert_eq!(header(&answer, "preference-applied").as_deref(), Some("handling=strict"), "{path}");
            assert_eq!(header(&answer, "x-ignored-parameters"), None, "{path}");
        }
        let answer = get(&app, "/api/companies", false).await?;
        assert_eq!(header(&answer, "x-ignored-parameters"), None);
        // An answer that is kept is of the handling that was asked for.
        for strict in [true, false, true, false] {
            let answer = get(&app, "/api/tickets?limit=40&sort=id", strict).await?;
            assert_eq!(header(&answer, "preference-applied").is_some(), strict);
        }
        Ok(())
    }

    async fn strict_handling_applies_limits_and_suggests_names(app: TestApp) -> TestResult {
        app.sync().await?;
        let answer = get(&app, "/api/companies?limit=1", true).await?;
        let link = header(&answer, "link").unwrap();
        assert!(link.starts_with("</api/companies?limit=1&cursor="), "{link}");
        assert_eq!(answer.json::<Vec<Value>>().await?.len(), 1);
        let whole = get(&app, "/api/companies", true).await?;
        assert_eq!(whole.json::<Vec<Value>>().await?.len(), 3, "without parameters it is the whole list");
        for (path, reported) in [
            ("/api/companies?limt=1", "unknown parameter `limt`; did you mean `limit`?"),
            ("/api/companies?name__contain=x", "unknown parameter `name__contain`; did you mean `name__contains`?"),
            ("/api/tickets?statuss=open", "unknown parameter `statuss`; did you mean `status`?"),
            ("/api/tickets?limit=10001", "limit: must be from 0 to 10000"),
            ("/api/tickets?status=opne", "no status is called `opne`; did you mean `open`?"),
            ("/api/psa/tickets?status=opne", "no status is called `opne`; did you mean `open`?"),
            ("/api/rmm/devices?status=asleep", "status: must be `online` or `offline`"),
            ("/api/companies?sort=nmae", "there is no `nmae` to list by; did you mean `name`?"),
            ("/api/companies?fields=nmae", "there is no `nmae`; did you mean `name`?"),
            ("/webhooks/health?verbose=1", "unknown parameter `verbose`"),
        ] {
            let answer = get(&app, path, true).await?;
            assert_eq!(answer.status(), 400, "{path}");
            let text = answer.text().await?;
            assert!(text.contains(reported), "{path}: {text}");
        }
        // Routes of ours need no preference.
        let answer = get(&app, "/api/contacts?foo=1", false).await?;
        assert_eq!(answer.status(), 400);
        Ok(())
    }

    async fn misspelled_parameters_have_one_answer(app: TestApp) -> TestResult {
        app.sync().await?;
        for (path, hint) in [
            ("/api/companies?nam=1", "`nam`; did you mean `name`?"),
            ("/api/contacts?nam=1", "`nam`; did you mean `name`?"),
            ("/api/assets?nam=1", "`nam`; did you mean `hostname`?"),
            ("/api/companies/100001/contacts?nam=1", "`nam`; did you mean `name`?"),
            ("/api/tickets?subjct=1", "`subjct`; did you mean `subject`?"),
            ("/api/agents?usernme=1", "`usernme`; did you mean `username`?"),
            ("/api/tags?nam=1", "`nam`; did you mean `name`?"),
            ("/api/rmm/devices?statu=1", "`statu`; did you mean `status`?"),
            ("/api/companies?name__contain=1", "`name__contain`; did you mean `name__contains`?"),
            ("/api/contacts?nam__contain=1", "`nam__contain`; did you mean `name__contains`?"),
            ("/api/assets?hostname__contain=1", "`hostname__contain`; did you mean `hostname__contains`?"),
        ] {
            let answer = get(&app, path, true).await?;
            assert_eq!(answer.status(), 400, "{path}");
            let detail = answer.json::<Value>().await?["detail"].to_string();
            assert!(detail.contains(hint), "{path}: {detail}");
        }
        Ok(())
    }
}
