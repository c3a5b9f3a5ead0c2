//! Search and tables through the API.

use std::time::Duration;

use codex_client::{Client, ListOptions, SearchOptions, TicketOptions, TokenSource};
use codex_core::{Codex, Scope, store::Db};
use codex_tests::{
    harness::{
        TestResult,
        app::{TestApp, client},
        database::{self, TestDatabase},
        urlencode,
    },
    on_each_engine, on_sqlite,
};
use reqwest::Method;
use serde_json::{Value, json};

async fn find_letters(app: &TestApp) -> TestResult {
    app.sync().await?;
    let staff = client(app, "technician")?;
    let companies = SearchOptions {
        kinds: vec!["company".into()],
        limit: None,
    };
    for (n, (name, terms)) in [
        ("Αφοί Νίκος ΑΕ", &["νικος", "ΝΙΚΟΣ", "Νίκος", "νικοσ"][..]),
        ("Łódź Ørsted", &["lodz orsted", "ŁÓDŹ", "ørsted"]),
        ("Işık İzmir", &["isik", "IŞIK", "izmir", "ışık"]),
        (
            "Quo\u{200b}kka\u{ad} Ltd",
            &["quokka", "quo\u{200d}kka ltd"],
        ),
        ("Straße & Æsir", &["strasse", "STRASSE", "aesir"]),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("70000{n}");
        let company = codex_client::CompanyIn {
            name: name.into(),
            account_number: number.into(),
            ..Default::default()
        };
        staff.companies().create(&company).await?;
        for term in terms {
            let found = staff.search(term, &companies).await?;
            assert_eq!(
                (found.count, found.results[0].title.as_str()),
                (1, name),
                "{term}"
            );
            let list = ListOptions::default().with("name", codex_client::Op::Contains, term);
            assert_eq!(
                staff.companies().page(&list).await?.items.len(),
                1,
                "{term}"
            );
        }
        let whole = ListOptions::default().with("name", codex_client::Op::Eq, name.to_uppercase());
        assert_eq!(
            staff.companies().page(&whole).await?.items.len(),
            1,
            "{name}"
        );
    }
    let number = staff
        .tickets()
        .list(&TicketOptions::default())
        .await?
        .tickets[0]
        .id;
    let note = json!({"notes": "“Ibexes” climb—‘chamois’ don’t… ΛΌΓΟΣ हिन्दी ÄRGERLICH"});
    let path = format!("/api/ticket/{number}/update");
    app.call_as("technician", Method::POST, &path)?
        .json(&note)
        .send()
        .await?
        .error_for_status()?;
    for term in [
        "ibexes",
        "IBEX",
        "chamois",
        "“ibexes”",
        "λόγος",
        "λογοσ",
        "argerlich",
        "ärgerlich",
        "हिन्दी",
        "climb chamois",
    ] {
        let found = staff.search(term, &SearchOptions::default()).await?;
        assert_eq!(found.count, 1, "{term}: {found:?}");
        assert_eq!(found.results[0].id, number.to_string());
    }
    // A letter that becomes six: together more than PostgreSQL takes as one word.
    let long = "\u{3316}".repeat(200);
    let found = staff.search(&long, &SearchOptions::default()).await?;
    assert_eq!(found.count, 0);
    Ok(())
}

on_each_engine! {
    /// The best match comes first.
    async fn records_are_found_by_any_part_of_their_name(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let all = SearchOptions::default();
        for company in client.companies().list().await? {
            let found = client.search(&company.name.to_uppercase(), &all).await?;
            assert_eq!(found.results[0].id, company.account_number, "{found:?}");
            assert_eq!(found.results[0].kind, "company");
            let part: String = company.name.chars().skip(1).take(4).collect();
            let found = client.search(&part, &SearchOptions { kinds: vec!["company".into()], limit: Some(100) }).await?;
            assert!(found.results.iter().any(|hit| hit.id == company.account_number), "{part}");
            let found = client.search(&company.account_number, &all).await?;
            assert_eq!(found.results[0].title, company.name);
        }
        let asset = client.companies().assets("100001").await?.remove(0);
        let found = client.search(&asset.hostname, &all).await?;
        assert!(found.results.iter().any(|hit| hit.kind == "asset" && hit.id == asset.id.to_string()
            && hit.company_account_number.as_deref() == Some("100001")), "{found:?}");
        assert_eq!(client.search("no such thing at all", &all).await?.count, 0);
        for odd in ["%", "_", "\"", "'", "a\"b AND", "x*", "日本", "\\", "😀"] {
            client.search(odd, &all).await?;
        }
        Ok(())
    }

    async fn conversations_are_found_by_their_words(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let board = client.tickets().list(&TicketOptions::default()).await?;
        let number = board.tickets[0].id;
        let note = json!({"notes": "The quokka überwinters in the plant room; ask bob.smith@zoo-keepers.example, \
            10.20.30.40 or http://intra.corp.example/srv/data/file_name.txt?v=1.2.3"});
        let path = format!("/api/ticket/{number}/update");
        let answer = app.call_as("technician", Method::POST, &path)?.json(&note).send().await?;
        assert_eq!(answer.status(), 200);
        let all = SearchOptions::default();
        for words in [
            "quokka", "QUOK", "plant quokka", "überwinters", "10.20.30.40", "20.30", "bob.smith@zoo-keepers.example", "zoo",
            "keepers", "smith", "intra.corp.example", "corp", "srv/data", "file_name.txt", "file_name", "v=1.2.3",
        ] {
            let found = client.search(words, &all).await?;
            assert_eq!(found.count, 1, "{words}: {found:?}");
            assert_eq!((found.results[0].id.as_str(), found.results[0].matched.as_str()),
                (number.to_string().as_str(), "text"));
        }
        assert_eq!(client.search("quokka hedgehog", &all).await?.count, 0);
        Ok(())
    }

    async fn agents_and_plans_are_found_by_those_who_may_list_them(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/agents"]).await?;
        let plan = json!({"plan_name": "Quokka Care", "term_length": "1 Year"});
        app.call_as("admin", Method::POST, "/api/billing-plans")?.json(&plan).send().await?.error_for_status()?;
        let working = app.json("/api/psa/agents").await?[0].clone();
        let agent = app.json("/api/agents").await?["agents"][0].clone();
        let found = async |level: &str, kind: &str, term: &Value| -> anyhow::Result<Vec<String>> {
            let query = [("q", term.as_str().unwrap_or_default()), ("kind", kind)];
            let found: Value = app.get_as(level, "/api/search")?.query(&query).send().await?.error_for_status()?.json().await?;
            Ok(found["results"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect())
        };
        let id = working["external_id"].to_string();
        assert!(found("technician", "psa_agent", &working["name"]).await?.contains(&id));
        assert_eq!(found("technician", "billing_plan", &json!("quokka")).await?.len(), 1);
        let id = agent["keycloak_id"].as_str().unwrap().to_owned();
        assert!(found("admin", "agent", &agent["username"]).await?.contains(&id));
        assert!(found("admin", "", &agent["username"]).await?.contains(&id));
        assert!(found("technician", "agent", &agent["username"]).await?.is_empty());
        for (kind, term) in [("agent", &agent["username"]), ("psa_agent", &working["name"]), ("billing_plan", &json!("quokka"))] {
            assert!(found("client", kind, term).await?.is_empty(), "{kind}");
        }
        Ok(())
    }

    async fn an_older_database_is_indexed_when_it_is_opened(app: TestApp) -> TestResult {
        app.sync().await?;
        let mut tx = app.codex.db().begin().await?;
        tx.query("delete from search_names").execute().await?;
        tx.commit().await?;
        let client = client(&app, "technician")?;
        let companies = SearchOptions { kinds: vec!["company".into()], limit: None };
        let name = client.companies().get("100001").await?.name;
        assert_eq!(client.search(&name, &companies).await?.count, 0);
        let url = app.database_url();
        let (one, two) = tokio::join!(codex_core::Codex::open(url), codex_core::Codex::open(url));
        one?;
        two?;
        assert_eq!(client.search(&name, &companies).await?.results[0].id, "100001");
        Ok(())
    }

    async fn clients_see_a_shared_contact_under_their_own_company(app: TestApp) -> TestResult {
        app.sync().await?;
        let staff = client(&app, "technician")?;
        let email = staff.companies().contacts("100001").await?[0].email.clone();
        for (name, numbers) in [("Quokka A", vec!["100001", "100002"]), ("Quokka B", vec!["100002"])] {
            let person = codex_client::ContactIn {
                name: name.into(),
                company_account_numbers: numbers.into_iter().map(str::to_owned).collect::<Vec<_>>().into(),
                ..Default::default()
            };
            staff.contacts().create(&person).await?;
        }
        let token = app.core.key.user("client", &email)?;
        let own = Client::new(&app.url(), TokenSource::fixed(token))?;
        let found = own.search("quokka", &SearchOptions::default()).await?;
        assert_eq!(found.count, 1, "{found:?}");
        assert_eq!(found.results[0].company_account_number.as_deref(), Some("100001"));
        assert_eq!(staff.search("quokka", &SearchOptions::default()).await?.count, 2);
        Ok(())
    }

    async fn index_follows_updates_and_deletions(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let companies = SearchOptions { kinds: vec!["company".into()], limit: None };
        let edit = codex_client::CompanyIn { name: "Zebra & Söhne".into(), ..Default::default() };
        client.companies().update("100001", &edit).await?;
        let found = client.search("zebra sohne", &companies).await?;
        assert_eq!(found.count, 1);
        client.companies().delete("100001").await?;
        assert_eq!(client.search("zebra", &companies).await?.count, 0);
        let deleted = client.deleted().list("company", &ListOptions::default()).await?.items;
        client.deleted().restore("company", deleted[0].id).await?;
        assert_eq!(client.search("zebra", &companies).await?.count, 1);
        Ok(())
    }

    async fn clients_find_no_foreign_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let email = app.json("/api/companies/100001/contacts").await?[0]["email"].as_str().unwrap().to_owned();
        let token = app.core.key.user("client", &email)?;
        let get = async |path: &str| -> anyhow::Result<Value> {
            Ok(app.call(Method::GET, path).bearer_auth(&token).send().await?.error_for_status()?.json().await?)
        };
        let companies = app.json("/api/companies").await?;
        let mut own = 0;
        for company in companies.as_array().unwrap() {
            let (name, number) = (company["name"].as_str().unwrap(), &company["account_number"]);
            let path = format!("/api/search?q={}&limit=100", urlencode(name));
            let found = get(&path).await?;
            for hit in found["results"].as_array().unwrap() {
                let of = if hit["kind"] == "company" { &hit["id"] } else { &hit["company_account_number"] };
                assert_eq!(of, "100001", "{hit}");
                own += 1;
            }
            if number != "100001" {
                assert_eq!(found["count"], 0);
            }
        }
        assert!(own > 0);
        Ok(())
    }

    async fn clients_find_their_own_records_among_many_hits(app: TestApp) -> TestResult {
        app.sync().await?;
        let email = app.json("/api/companies/100001/contacts").await?[0]["email"].as_str().unwrap().to_owned();
        let staff = client(&app, "technician")?;
        let own = Client::new(&app.url(), TokenSource::fixed(app.core.key.user("client", &email)?))?;
        let tickets = SearchOptions { kinds: vec!["ticket".into()], limit: None };
        // By name: others made theirs first.
        let others: Vec<_> = (0..1_100).map(|n| codex_client::CompanyIn {
            name: format!("Quokka {n}").into(),
            ..Default::default()
        }).collect();
        staff.companies().bulk_write(&others, codex_client::BulkAction::Create, false).await?;
        let person = codex_client::ContactIn {
            name: "Old Quokka".into(),
            company_account_numbers: vec!["100001".to_owned()].into(),
            ..Default::default()
        };
        staff.contacts().create(&person).await?;
        let found = own.search("quokka", &SearchOptions::default()).await?;
        assert_eq!((found.count, found.more, found.results[0].title.as_str()), (1, false, "Old Quokka"));
        assert_eq!(own.search("quokka new", &SearchOptions::default()).await?.count, 0);
        // By what was said, and by what tickets are about: the newest are others'.
        let number = own.tickets().list(&TicketOptions::default()).await?.tickets[0].id;
        let note = json!({"notes": "A quokka in the plant room"});
        let path = format!("/api/ticket/{number}/update");
        app.call_as("technician", Method::POST, &path)?.json(&note).send().await?.error_for_status()?;
        for (term, of_others, published, crowd) in [
            ("quokka", "numbat", "update conversations set private = false where body = 'A quokka in the plant room'",
             "insert into conversations (ticket_id, source, private, to_emails, attachments, body, words) \
              select id, 'manual', false, '[]', '[]', 'A quokka and a numbat', 'a and numbat quokka' from tickets where id > 100000"),
            ("wombat", "echidna", "update ticket_details set description_text = 'A wombat', words = 'a wombat' where ticket_id in \
              (select ticket_id from conversations where body = 'A quokka in the plant room')",
             "insert into ticket_details (ticket_id, description_text, words) \
              select id, 'A wombat and an echidna', 'a an and echidna wombat' from tickets where id > 100000"),
        ] {
            let mut tx = app.codex.db().begin().await?;
            tx.query("with recursive n (i) as (select 1 union all select i + 1 from n where i < 1100) \
                insert into tickets (id, created_at, updated_at, number, tags, company_id, newest_at, subject_fold) \
                select 100000 + i, c.created_at, c.updated_at, 100000 + i, '[]', c.id, c.updated_at, '' \
                from n join companies c on c.account_number = '100002' \
                where not exists (select 1 from tickets where id > 100000)").execute().await?;
            for sql in [published, crowd] {
                tx.query(sql).execute().await?;
            }
            tx.commit().await?;
            let found = own.search(term, &tickets).await?;
            assert!(!found.more, "{term}");
            let ids: Vec<String> = found.results.into_iter().map(|hit| hit.id).collect();
            assert_eq!(ids, [number.to_string()], "{term}");
            let found = own.search(of_others, &SearchOptions::default()).await?;
            assert_eq!((found.count, found.more), (0, false), "{of_others}");
            assert!(staff.search(term, &tickets).await?.more);
        }
        Ok(())
    }

    async fn letters_match_in_any_case_and_without_diacritics(app: TestApp) -> TestResult {
        find_letters(&app).await
    }

    async fn results_cut_by_the_limit_are_flagged(app: TestApp) -> TestResult {
        let staff = client(&app, "technician")?;
        let first = |limit| SearchOptions { kinds: vec!["company".into()], limit: Some(limit) };
        let named = |n: usize| codex_client::CompanyIn { name: format!("Wallaby {n}").into(), ..Default::default() };
        let thousand: Vec<_> = (0..1_000).map(named).collect();
        staff.companies().bulk_write(&thousand, codex_client::BulkAction::Create, false).await?;
        let found = staff.search("wallaby", &first(100)).await?;
        assert_eq!((found.count, found.more), (100, true));
        let all = staff.search("wallaby 99", &first(100)).await?;
        assert!(all.count > 1 && all.count < 100 && !all.more, "{}", all.count);
        let count = u32::try_from(all.count)?;
        for (limit, more) in [(count, false), (count - 1, true)] {
            let found = staff.search("wallaby 99", &first(limit)).await?;
            assert_eq!((u32::try_from(found.count)?, found.more), (limit, more));
        }
        Ok(())
    }

    async fn page_tables_are_searched_sorted_and_paged(app: TestApp) -> TestResult {
        app.sync().await?;
        for (what, keys) in [("companies", 7), ("contacts", 7), ("assets", 16)] {
            let first = app.json(&format!("/{what}/api/search?per_page=2")).await?;
            assert_eq!(first["success"], true);
            let rows = first[what].as_array().unwrap();
            assert_eq!(rows.len(), 2);
            assert_eq!(rows[0].as_object().unwrap().len(), keys, "{}", rows[0]);
            let total = first["pagination"]["total"].as_i64().unwrap();
            assert_eq!(first["pagination"]["pages"], (total + 1) / 2);
            assert_eq!((&first["pagination"]["has_prev"], &first["pagination"]["next_num"]), (&json!(false), &json!(2)));
            let beyond = app.json(&format!("/{what}/api/search?page=99&per_page=2")).await?;
            assert_eq!((&beyond[what], &beyond["pagination"]["has_prev"]), (&json!([]), &json!(true)));
            let odd = app.json(&format!("/{what}/api/search?page=-1&per_page=-5&sort_by=nonsense&search=%25")).await?;
            assert_eq!(odd["pagination"]["page"], 1);
            let token = app.core.key.service("ledger", "codex")?;
            let service = app.call(Method::GET, &format!("/{what}/api/search")).bearer_auth(token).send().await?;
            assert_eq!(service.status(), 403);
        }
        let up = app.json("/companies/api/search?sort_by=name").await?;
        let down = app.json("/companies/api/search?sort_by=name&order=desc").await?;
        let names = |table: &Value| -> Vec<String> {
            table["companies"].as_array().unwrap().iter().map(|row| row["name"].to_string()).collect()
        };
        let mut turned = names(&down);
        turned.reverse();
        assert_eq!(names(&up), turned);
        let name = up["companies"][0]["name"].as_str().unwrap().to_uppercase();
        let found = app.json(&format!("/companies/api/search?search={}", urlencode(&name))).await?;
        assert_eq!(found["pagination"]["total"], 1);
        let assets = app.json(&format!("/assets/api/search?search={}", urlencode(&name))).await?;
        let number = &found["companies"][0]["account_number"];
        let of_company = app.json(&format!("/api/companies/{}/assets", number.as_str().unwrap())).await?;
        assert_eq!(assets["pagination"]["total"].as_u64(), Some(of_company.as_array().unwrap().len() as u64));
        Ok(())
    }

    async fn pages_edit_through_their_own_routes(app: TestApp) -> TestResult {
        app.sync().await?;
        let put = async |path: &str, body: Value| -> anyhow::Result<(u16, Value)> {
            let answer = app.call_as("admin", Method::PUT, path)?.json(&body).send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        };
        let (status, answer) = put("/companies/100001/update", json!({"billing_plan": "Gold",
            "feature_overrides": {"soc": "Huntress", "sat": "", "per_user_cost": "9.5"}})).await?;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
        let agreed = app.json("/api/companies/100001/overrides").await?;
        assert_eq!(agreed.as_array().unwrap().len(), 2, "{agreed}");
        assert_eq!(app.json("/api/companies/100001").await?["billing_plan"], "Gold");
        // What was switched off stays so, whoever saves the page.
        let off = put("/api/companies/100001/overrides/Dark%20Web", json!({"value": "Yes", "enabled": false})).await?;
        assert_eq!(off.0, 200, "{}", off.1);
        put("/companies/100001/update", json!({"feature_overrides": {"soc": "Huntress", "Dark Web": "No", "per_user_cost": "9.5"}})).await?;
        put("/api/companies/100001/overrides/Dark%20Web", json!({"value": "Never"})).await?;
        let kept = app.json("/api/companies/100001/overrides/Dark%20Web").await?;
        assert_eq!(kept, json!({"enabled": false, "key": "Dark Web", "value": "Never"}));
        let agreed = app.json("/api/companies/100001/overrides").await?;
        assert_eq!(agreed.as_array().unwrap().len(), 3, "{agreed}");
        put("/api/companies/100001", json!({"contract_term_length": "1-Year"})).await?;
        assert_eq!(app.json("/api/companies/100001").await?["contract_term_length"], "1 Year");
        let place = app.json("/api/companies/100001/locations").await?[0]["id"].clone();
        let (status, place) = put(&format!("/companies/100001/locations/{place}"), json!({"address": "Bern"})).await?;
        assert_eq!((status, &place["location"]["address"]), (200, &json!("Bern")), "{place}");
        // All or nothing: neither one bad value nor a missing right leaves a half behind.
        let (status, _) = put("/companies/100001/update", json!({"billing_plan": "Tin",
            "feature_overrides": {"soc": "Other", "per_user_cost": -1}})).await?;
        assert_eq!(status, 422);
        let body = json!({"billing_plan": "Tin", "feature_overrides": {"soc": "Other"}});
        let refused = app.call_as("technician", Method::PUT, "/companies/100001/update")?.json(&body).send().await?;
        assert_eq!(refused.status(), 403);
        assert_eq!(app.json("/api/companies/100001").await?["billing_plan"], "Gold");
        assert_eq!(app.json("/api/companies/100001/overrides").await?, agreed);
        put("/companies/100001/update", json!({"feature_overrides": {}})).await?;
        assert_eq!(app.json("/api/companies/100001/overrides").await?, json!([]));
        assert_eq!(put("/companies/100001/update", json!({})).await?.0, 400);
        assert_eq!(put("/companies/999999/update", json!({"name": "x"})).await?.0, 404);

        let id = app.json("/api/companies/100001/contacts").await?[0]["id"].clone();
        let (status, _) = put(&format!("/contacts/{id}/update"), json!({"first_name": "Ada", "last_name": "L",
            "secondary_emails": "a@b.example, c@d.example"})).await?;
        assert_eq!(status, 200);
        let contact = app.json(&format!("/api/contacts/{id}")).await?;
        assert_eq!((&contact["name"], &contact["secondary_emails"]),
            (&json!("Ada L"), &json!("[\"a@b.example\",\"c@d.example\"]")));

        let asset = app.json("/api/companies/100001/assets").await?[0]["id"].clone();
        let path = format!("/assets/{asset}/update-contacts");
        assert_eq!(put(&path, json!({"contact_ids": [id]})).await?.0, 200);
        assert_eq!(put(&path, json!({"contact_ids": [99_999_999]})).await?.0, 400);
        assert_eq!(put(&path, json!({"other": 1})).await?.0, 200);
        assert_eq!(put(&path, json!({})).await?.0, 400);

        let add = async |body: Value| -> anyhow::Result<_> {
            Ok(app.call_as("admin", Method::POST, "/companies/100001/locations")?.json(&body).send().await?)
        };
        assert_eq!(add(json!({"name": "Branch"})).await?.status(), 400);
        let added = add(json!({"name": "Branch", "address": "Street 1"})).await?;
        assert_eq!(added.status(), 200);
        let location = added.json::<Value>().await?["location"]["id"].clone();
        let listed = app.json("/companies/100001/locations").await?;
        assert!(listed["locations"].as_array().unwrap().iter().any(|one| one["id"] == location));
        let path = format!("/companies/100001/locations/{location}");
        for status in [200, 404] {
            let answer = app.call_as("admin", Method::DELETE, &path)?.send().await?;
            assert_eq!(answer.status(), status);
        }
        Ok(())
    }

    async fn assets_are_found_by_installed_software(app: TestApp) -> TestResult {
        app.sync().await?;
        app.run_syncs(&["/sync/audits"]).await?;
        let asset = async || -> anyhow::Result<Option<(Value, String)>> {
            for asset in app.json("/api/companies/100001/assets").await?.as_array().unwrap() {
                let audit = app.json(&format!("/api/assets/{}/audit", asset["id"])).await?;
                if let Some(name) = audit["software"][0]["name"].as_str() {
                    return Ok(Some((asset["id"].clone(), name.to_owned())));
                }
            }
            Ok(None)
        };
        let (id, program) = asset().await?.expect("a device with programs");
        let id = id.to_string();
        let email = app.json("/api/companies/100001/contacts").await?[0]["email"].as_str().unwrap().to_owned();
        let staff = client(&app, "technician")?;
        let own = Client::new(&app.url(), TokenSource::fixed(app.core.key.user("client", &email)?))?;
        let assets = SearchOptions { kinds: vec!["asset".into()], limit: Some(100) };
        let found = staff.search(&program, &assets).await?;
        assert!(found.results.iter().any(|hit| hit.id == id && hit.matched == "text"), "{program}: {found:?}");
        let expected: Vec<_> = found.results.into_iter()
            .filter(|hit| hit.company_account_number.as_deref() == Some("100001")).collect();
        assert!(!expected.is_empty());
        assert_eq!(own.search(&program, &assets).await?.results, expected);
        Ok(())
    }
}

on_sqlite! {
    async fn invalid_search_names_its_parameter(app: TestApp) -> TestResult {
        for (query, word) in [("", "q"), ("q=", "q"), ("q=x&kind=planet", "kind"), ("q=x&limit=0", "limit"),
            ("q=x&limit=101", "limit"), ("q=x&colour=red", "colour")] {
            let answer = app.get(&format!("/api/search?{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
            let detail = answer.json::<Value>().await?["detail"].to_string();
            assert!(detail.contains(word), "{query}: {detail}");
        }
        Ok(())
    }
}

/// The servers of many installations were made so: what is a letter must not be asked of the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_match_on_a_postgresql_with_ascii_locale() -> TestResult {
    let Some(database) = database::postgres_of_ascii().await? else {
        return Ok(());
    };
    let app = TestApp::on(database).await?;
    let letters =
        "select cast(datctype as text) from pg_database where datname = current_database()";
    let letters: Option<String> = app.codex.db().query(letters).scalar().await?;
    assert_eq!(letters.as_deref(), Some("C"));
    find_letters(&app).await
}

/// Making the words of each description again takes longer than a search may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn word_search_uses_stored_vectors_on_postgresql() -> TestResult {
    let Some(database) = database::postgres().await? else {
        return Ok(());
    };
    let database = TestDatabase::on(database).await?;
    let codex = Codex::open(&database.url).await?;
    let mut tx = codex.db().begin().await?;
    for sql in [
        "insert into tickets (id, created_at, updated_at, number, tags, newest_at, subject_fold) \
         select i, now(), now(), i, '[]', now(), '' from generate_series(1, 10000) i",
        "insert into conversations (ticket_id, source, to_emails, attachments, words) \
         select i, 'manual', '[]', '[]', 'the user said' || i from generate_series(1, 10000) i",
        "insert into ticket_details (ticket_id, words) \
         select i, 'about' || i || ' the user' from generate_series(1, 10000) i",
    ] {
        tx.query(sql).execute().await?;
    }
    tx.commit().await?;
    for sql in ["analyze conversations", "analyze ticket_details"] {
        codex.db().query(sql).execute().await?;
    }
    for (term, ticket) in [("said7777", "7777"), ("about8888", "8888")] {
        let found = codex.search(&Scope::system(), term, &[], 10).await?;
        let ids: Vec<&str> = found.results.iter().map(|hit| hit.id.as_str()).collect();
        assert_eq!(ids, [ticket], "{term}");
    }
    // The server counts what a connection has done when it ends, or somewhat later.
    codex.close().await;
    let db = Db::open(&database.url).await?;
    let used = "select count(*) from pg_stat_user_indexes where idx_scan > 0 \
        and indexrelname in ('conversations_words', 'ticket_details_words')";
    let mut indexes = None;
    for _ in 0..100 {
        indexes = db.query(used).scalar::<i64>().await?;
        if indexes == Some(2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(indexes, Some(2), "of the two indexes");
    db.close().await;
    Ok(())
}
