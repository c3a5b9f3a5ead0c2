//! Lists: narrowed, sorted, cut, counted.

use std::collections::BTreeSet;

use codex_client::{AssetIn, Client, Filter, ListOptions, Op, TicketOptions, TokenSource};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};
use futures::TryStreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

/// The small letters between two characters.
fn letters(first: char, end: char) -> String {
    (first..end).filter(|c| c.is_lowercase()).collect()
}

on_each_engine! {
    async fn every_sort_order_lists_each_record_once(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        for n in 0..5 {
            let asset = AssetIn { hostname: format!("hand-{n}").into(), ..AssetIn::default() };
            client.assets().create(&asset).await?;
        }
        let all: BTreeSet<i64> = client.assets().all(&ListOptions::default()).await?.iter().map(|asset| asset.id).collect();
        assert_eq!(all.len(), 17);
        for column in ["hostname", "id", "operating_system", "online", "last_seen", "backup_bytes", "updated_at"] {
            let mut orders = Vec::new();
            for sort in [column.to_owned(), format!("-{column}")] {
                let options = ListOptions { limit: Some(3), sort: Some(sort.clone()), ..ListOptions::default() };
                let page = client.assets().all(&options).await?;
                let ids: Vec<i64> = page.iter().map(|asset| asset.id).collect();
                assert_eq!(ids.len(), all.len(), "{sort}");
                assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), all, "{sort}");
                orders.push(ids);
            }
            assert_ne!(orders[0], orders[1], "{column}");
        }
        Ok(())
    }

    /// A field that is declared as listed is everywhere that fields are.
    async fn warranty_date_is_filtered_sorted_exported_and_claimed(app: TestApp) -> TestResult {
        app.sync().await?;
        let fields = "fields=id,warranty_date&sort=-warranty_date";
        let found = app.json(&format!("/api/assets?warranty_date__lt=2028-01-01&{fields}")).await?;
        let found = found.as_array().unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().all(|asset| asset["warranty_date"] == "2027-06-30"), "{found:?}");
        assert_eq!(app.json("/api/assets?warranty_date__gt=2028-01-01").await?, json!([]));
        let sorted = app.json(&format!("/api/assets?{fields}&limit=50")).await?;
        let is_known = |asset: &Value| !asset["warranty_date"].is_null();
        let known = sorted.as_array().unwrap().iter().map(is_known);
        assert!(known.is_sorted_by(|a, b| a >= b), "what is not known comes last: {sorted}");
        let table = app.get("/api/export/assets.csv")?.send().await?.text().await?;
        assert!(table.lines().next().unwrap().contains("warranty_date") && table.contains("2027-06-30"));
        let claims = app.json(&format!("/api/assets/{}/claims", found[0]["id"])).await?;
        let all = claims["fields"].as_array().unwrap();
        let claim = all.iter().find(|claim| claim["field"] == "warranty_date").unwrap();
        assert_eq!((&claim["value"], &claim["source"]), (&json!("2027-06-30"), &json!("datto")));
        Ok(())
    }

    async fn text_is_sorted_by_bytes_on_every_server(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let systems = ["B", "_", "a", "b", "\u{e4}"];
        for system in systems.iter().rev() {
            let asset = AssetIn { hostname: "x".into(), operating_system: (*system).into(), ..AssetIn::default() };
            client.assets().create(&asset).await?;
        }
        let found = async |options: ListOptions| -> anyhow::Result<Vec<Option<String>>> {
            Ok(client.assets().all(&options).await?.into_iter().map(|asset| asset.operating_system).collect())
        };
        let sorted = ListOptions { sort: Some("operating_system".into()), limit: Some(2), ..ListOptions::default() };
        assert_eq!(found(sorted.clone()).await?, systems.map(|system| Some(system.to_owned())));
        assert_eq!(found(sorted.clone().with("operating_system", Op::Lt, "_")).await?, [Some("B".to_owned())]);
        assert_eq!(found(sorted.with("operating_system", Op::Gte, "b")).await?.len(), 2);
        Ok(())
    }

    async fn filters_return_matching_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let all = client.contacts().all(&ListOptions::default()).await?;
        let one = &all[3];
        let ids = async |options: ListOptions| -> anyhow::Result<Vec<i64>> {
            Ok(client.contacts().all(&options).await?.iter().map(|contact| contact.id).collect())
        };
        let none = ListOptions::default;
        assert_eq!(ids(none().with("id", Op::Eq, one.id)).await?, [one.id]);
        assert!(ids(none().with("name", Op::Eq, one.name.to_uppercase())).await?.contains(&one.id));
        assert!(ids(none().with("email", Op::Contains, &one.email[1..6])).await?.contains(&one.id));
        assert!(ids(none().with("name", Op::StartsWith, &one.name[..3])).await?.contains(&one.id));
        assert_eq!(ids(none().with("id", Op::In, format!("{},{}", all[0].id, all[1].id))).await?.len(), 2);
        assert_eq!(ids(none().with("id", Op::Ne, one.id)).await?.len(), all.len() - 1);
        let more = all.iter().filter(|contact| contact.id > one.id).count();
        assert_eq!(ids(none().with("id", Op::Gt, one.id)).await?.len(), more);
        assert_eq!(ids(none().with("id", Op::Gte, one.id)).await?.len(), more + 1);
        assert_eq!(ids(none().with("id", Op::Lte, one.id)).await?.len(), all.len() - more);
        let without = ids(none().with("title", Op::IsNull, true)).await?.len();
        let with = ids(none().with("title", Op::IsNull, false)).await?.len();
        assert_eq!(without + with, all.len());
        assert_eq!(ids(none().with("created_at", Op::Lt, "2020-01-01")).await?.len(), 0);
        assert_eq!(ids(none().with("updated_at", Op::Gte, "2020-01-01T00:00:00Z")).await?.len(), all.len());
        let term = ListOptions { q: Some(one.name.clone()), ..none() };
        assert!(ids(term).await?.contains(&one.id));
        let counted = ListOptions { total: true, limit: Some(2), ..none() };
        let page = client.contacts().list(&counted).await?;
        assert_eq!((page.items.len(), page.total), (2, Some(all.len() as u64)));
        // LIKE has no special characters here.
        assert_eq!(ids(none().with("name", Op::Contains, "%")).await?.len(), 0);
        Ok(())
    }

    async fn companies_are_paged_on_request(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let companies = client.companies();
        let all = companies.list().await?;
        assert_eq!(app.json("/api/companies?limit=1&company_id=x&colour=red").await?.as_array().unwrap().len(), all.len());
        let options = ListOptions { limit: Some(1), total: true, ..ListOptions::default() };
        let page = companies.page(&options).await?;
        assert_eq!((&page.items[..], page.total), (&all[..1], Some(all.len() as u64)));
        assert_eq!(companies.stream(&options).try_collect::<Vec<_>>().await?, all);
        let plan = codex_client::CompanyIn { billing_plan: "Gold".into(), ..Default::default() };
        companies.update(&all[1].account_number, &plan).await?;
        let gold = ListOptions::default().with("billing_plan", Op::Eq, "Gold");
        let found: Vec<_> = companies.stream(&gold).try_collect().await?;
        assert_eq!(found.iter().map(|one| &one.account_number).collect::<Vec<_>>(), [&all[1].account_number]);
        let last = ListOptions { sort: Some("-name".into()), limit: Some(2), ..ListOptions::default() };
        let backwards: Vec<_> = companies.stream(&last).try_collect().await?;
        assert_eq!(backwards.iter().rev().map(|one| &one.name).collect::<Vec<_>>(), all.iter().map(|one| &one.name).collect::<Vec<_>>());
        let q = ListOptions { q: Some(all[2].name.clone()), ..ListOptions::default() };
        assert!(companies.page(&q).await?.items.iter().any(|one| one.name == all[2].name));
        let keys = app.json("/api/companies?fields=name,external_id").await?;
        assert_eq!(keys[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["external_id", "name"]);
        // A client cannot ask about what it is not shown.
        for query in ["billing_plan=Gold", "sort=support_level", "billing_plan__isnull=true"] {
            let answer = app.get_as("client", &format!("/api/companies?{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
        }
        Ok(())
    }

    async fn agents_are_paged_on_request(app: TestApp) -> TestResult {
        app.call_as("admin", Method::POST, "/api/agents/sync")?.send().await?.error_for_status()?;
        let token = app.core.key.user("admin", "a@msp.example")?;
        let client = Client::new(&app.url(), TokenSource::fixed(token))?;
        let all = client.agents().list().await?;
        assert!(all.len() > 2, "{all:?}");
        let found = async |options: &ListOptions| client.agents().stream(options).try_collect::<Vec<_>>().await;
        let one = ListOptions { limit: Some(1), ..ListOptions::default() };
        assert_eq!(found(&one).await?, all);
        let last = ListOptions { sort: Some("-username".into()), ..one.clone() };
        assert!(found(&last).await?.iter().rev().eq(&all));
        for column in ["keycloak_id", "email", "first_name", "enabled", "updated_at"] {
            for sort in [column.to_owned(), format!("-{column}")] {
                let options = ListOptions { sort: Some(sort.clone()), ..one.clone() };
                let ids: BTreeSet<_> = found(&options).await?.into_iter().map(|agent| agent.keycloak_id).collect();
                assert_eq!(ids.len(), all.len(), "{sort}");
            }
        }
        let own = ListOptions::default().with("email", Op::Eq, all[0].email.to_uppercase());
        assert_eq!(found(&own).await?[0], all[0]);
        for enabled in [true, false] {
            let options = ListOptions::default().with("enabled", Op::Eq, enabled);
            assert!(found(&options).await?.iter().eq(all.iter().filter(|agent| agent.enabled == enabled)));
        }
        let q = ListOptions { q: Some(all[0].username.clone()), ..ListOptions::default() };
        assert!(found(&q).await?.contains(&all[0]));
        let answer = app.get("/api/agents?fields=email,keycloak_id&limit=2&total=true&colour=red")?.send().await?;
        let (count, link) = (answer.headers()["x-total-count"].clone(), answer.headers()["link"].clone());
        let body: Value = answer.json().await?;
        assert_eq!((count.to_str()?, &body["total"]), (all.len().to_string().as_str(), &json!(all.len())));
        assert!(link.to_str()?.starts_with("</api/agents?fields=email%2Ckeycloak_id&limit=2"), "{link:?}");
        let keys: Vec<_> = body["agents"].as_array().unwrap().iter().map(|agent| json!(agent.as_object().unwrap().keys().collect::<Vec<_>>())).collect();
        assert_eq!(keys, [json!(["email", "keycloak_id"]), json!(["email", "keycloak_id"])]);
        let refused = app.get_as("technician", "/api/agents?sort=email")?.send().await?;
        assert_eq!(refused.status(), 403);
        Ok(())
    }

    async fn lists_of_a_company_are_paged_on_request(app: TestApp) -> TestResult {
        app.sync().await?;
        for n in 0..3 {
            let place = json!({"name": format!("Office {n}"), "phone_number": (n > 0).then(|| format!("0{n}"))});
            let made = app.call_as("admin", Method::POST, "/api/companies/100001/locations")?.json(&place).send().await?;
            assert_eq!(made.status(), 201);
        }
        for (part, column, hidden) in [("assets", "hostname", "device_uid"), ("contacts", "name", "external_id"), ("users", "name", "external_id"), ("locations", "id", "external_source")] {
            let list = format!("/api/companies/100001/{part}");
            let whole = app.json(&list).await?;
            let whole = whole.as_array().unwrap();
            assert!(whole.len() > 2, "{part}: {}", whole.len());
            assert_eq!(app.json(&format!("{list}?limit=1&company_id=x&colour=red")).await?, json!(whole), "{part}");
            for order in ["", "-"] {
                let mut seen = Vec::new();
                let mut path = Some(format!("{list}?limit=1&total=true&sort={order}{column}&company_id=100002"));
                while let Some(next) = path.take() {
                    let answer = app.get(&next)?.send().await?.error_for_status()?;
                    assert_eq!(answer.headers()["x-total-count"].to_str()?, whole.len().to_string(), "{part}");
                    let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
                    path = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
                    seen.extend(answer.json::<Vec<Value>>().await?);
                }
                if order == "-" {
                    seen.reverse();
                }
                assert_eq!(seen, *whole, "{part} {order}");
            }
            let id = &whole[1]["id"];
            let chosen = app.json(&format!("{list}?id={id}&fields=id,{hidden}")).await?;
            assert_eq!(chosen[0]["id"], *id, "{part}");
            assert_eq!(chosen.as_array().unwrap().len(), 1, "{part}");
            let unknown = app.get(&format!("/api/companies/999999/{part}?sort=id"))?.send().await?;
            assert_eq!(unknown.status(), 404, "{part}");
            for bad in ["sort=colour", "fields=colour", "cursor=x", "id=x", "id__contain=1"] {
                assert_eq!(app.get(&format!("{list}?{bad}"))?.send().await?.status(), 400, "{part} {bad}");
            }
        }
        let without = app.json("/api/companies/100001/locations?phone_number__isnull=true&name__startswith=Office").await?;
        assert_eq!(without.as_array().unwrap().len(), 1, "{without}");
        Ok(())
    }

    async fn tickets_are_filtered_and_sorted(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let whole = app.json("/api/tickets?limit=1000").await?;
        let all = whole["tickets"].as_array().unwrap();
        let every = |options: TicketOptions| client.tickets().stream(&options).try_collect::<Vec<_>>();
        let word = all[0]["subject"].as_str().unwrap().to_owned();
        let by = TicketOptions { sort: Some("id".into()), limit: Some(7), ..TicketOptions::default() };
        let ids: Vec<i64> = every(by.clone()).await?.iter().map(|ticket| ticket.id).collect();
        assert!(ids.is_sorted() && ids.len() == all.len(), "{ids:?}");
        let filter = |column: &str, op, value: String| TicketOptions {
            filters: vec![Filter { column: column.into(), op, value }], ..by.clone()
        };
        let same = every(filter("subject", Op::Contains, word.to_uppercase())).await?;
        assert!(same.iter().any(|ticket| ticket.subject.as_deref() == Some(&word)));
        let some = every(filter("id", Op::In, format!("{},{}", ids[0], ids[3]))).await?;
        assert_eq!(some.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [ids[0], ids[3]]);
        let old = filter("created_at", Op::Lt, "2000-01-01".into());
        assert!(every(old.clone()).await?.is_empty());
        assert_eq!(client.tickets().list(&old).await?.total, 0);
        let status = TicketOptions { status: Some("closed".into()), ..by.clone() };
        let closed = every(status).await?;
        assert_eq!(json!(closed.len()), app.json("/api/tickets?status=closed").await?["total"]);
        let rows: Vec<serde_json::Map<String, Value>> =
            client.tickets().select(&["id", "group_id"], &by).try_collect().await?;
        assert_eq!(rows.len(), ids.len());
        assert_eq!(rows[0].keys().collect::<Vec<_>>(), ["group_id", "id"]);
        let hidden = app.get_as("client", "/api/tickets?fields=group_id&company_id=100001")?.send().await?;
        assert!(hidden.status() == 400 || hidden.json::<Value>().await?["count"] == 0, "not for clients");
        let term = TicketOptions { q: Some(word.clone()), ..TicketOptions::default() };
        assert!(every(term).await?.iter().any(|ticket| ticket.subject.as_deref() == Some(&word)));
        for (query, name) in [("sort=colour", "sort"), ("id=x", "id"), ("created_at__lt=x", "created_at__lt"), ("cursor=x", "cursor")] {
            let answer = app.get(&format!("/api/tickets?{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
            assert!(answer.text().await?.contains(name), "{query}");
        }
        Ok(())
    }

    async fn fields_select_keys_and_tracked_columns(app: TestApp) -> TestResult {
        app.sync().await?;
        let rows = app.json("/api/assets?fields=id,hostname,device_uid&limit=2").await?;
        for row in rows.as_array().unwrap() {
            assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["device_uid", "hostname", "id"]);
            assert!(row["device_uid"].is_string());
        }
        let link = app.get("/api/assets?fields=id&limit=2&sort=-id")?.send().await?.headers()["link"].to_str()?.to_owned();
        assert!(link.contains("fields=id") && link.contains("sort=-id") && link.contains("cursor="), "{link}");
        Ok(())
    }

    async fn invalid_list_parameters_are_400_and_named(app: TestApp) -> TestResult {
        app.sync().await?;
        let first = app.get("/api/assets?limit=2&sort=operating_system")?.send().await?;
        let link = first.headers()["link"].to_str()?.to_owned();
        let cursor = link.split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned();
        for (query, word) in [
            ("online=maybe", "online: must be `true` or `false`"), ("last_seen=soon", "last_seen: must be a time such as"),
            ("cursor=zz", "cursor: must come from the `Link` header"),
            ("colour=red", "colour"), ("sort=colour", "sort"), ("id=x", "id"), ("id__in=1,x", "id__in"),
            ("online=perhaps", "online"), ("last_seen__gt=yesterday", "last_seen__gt"), ("id__contains=1", "id__contains"),
            ("hostname__isnull=2", "hostname__isnull"), ("q=%20", "q"), ("total=2", "total"), ("fields=colour", "fields"),
            ("limit=-1", "limit"), ("limit=99999999999999999999", "limit"), ("hostname=%00", "hostname"),
            (&format!("sort=last_seen&cursor={cursor}"), "cursor"),
            // `1:=a\0`
            ("sort=operating_system&cursor=313a3d6100", "cursor"),
            ("created_at__lt=-9999-01-01", "created_at__lt"), ("created_at__gt=%2B10000-01-01", "created_at__gt"),
            ("created_at=0000-12-31T00:00:00Z", "created_at"), ("sort=created_at&cursor=313a3d2d393939392d30312d3031", "cursor"),
            (&format!("device_uid__in={}", ",".repeat(500)), "device_uid__in"),
            (&"&id__ne=1".repeat(51), "id__ne"),
            (&format!("operating_system__contains={}", letters('\u{100}', '\u{530}')), "operating_system__contains"),
        ] {
            let answer = app.get(&format!("/api/assets?{query}"))?.send().await?;
            assert_eq!(answer.status(), 400, "{query}");
            let detail = answer.json::<Value>().await?["detail"].to_string();
            assert!(detail.contains(word), "{query}: {detail}");
        }
        let alphabet = format!("operating_system={}", letters('\u{430}', '\u{450}'));
        for query in [format!("device_uid__in={}", "x,".repeat(499)), "id__ne=1&".repeat(50), alphabet] {
            assert_eq!(app.get(&format!("/api/assets?{query}"))?.send().await?.status(), 200, "{query}");
        }
        for (path, says) in [
            ("/api/assets/abc", "id: must be a whole number"),
            ("/api/companies/100001/locations/abc", "id: must be a whole number"),
            ("/api/search?q=x&limit=abc", "limit: must be a whole number"),
        ] {
            let answer = app.get(path)?.send().await?;
            assert_eq!(answer.status(), 400, "{path}");
            let detail = answer.json::<Value>().await?["detail"].to_string();
            assert_eq!(detail, format!("\"{says}\""), "{path}");
        }
        // Even where there is nothing of which it could be shown.
        for list in ["assets?id=-1", "contacts?id=-1", "companies?id=-1", "tickets?id=-1"] {
            let answer = app.get(&format!("/api/{list}&fields=colour"))?.send().await?;
            assert_eq!(answer.status(), 400, "{list}");
            assert!(answer.text().await?.contains("fields: there is no `colour`"), "{list}");
        }
        // No older parameter is called so.
        for list in ["companies", "tickets"] {
            let answer = app.get(&format!("/api/{list}?name__contain=x"))?.send().await?;
            assert_eq!(answer.status(), 400, "{list}");
            assert!(answer.text().await?.contains("name__contain"), "{list}");
        }
        for query in ["created_from=-9999-01-01", "updated_to=%2B10000-01-01"] {
            assert_eq!(app.get(&format!("/api/tickets?{query}"))?.send().await?.status(), 400, "{query}");
        }
        // What the contract has stays lenient.
        for path in ["/api/companies?limit=-5&offset=x&colour=red", "/api/tickets?limit=-1&offset=-99999999999999999999",
            "/api/tickets?limit=99999999999999999999", "/api/rmm/devices?limit=-3", "/api/psa/tickets?limit=x"] {
            assert_eq!(app.get(path)?.send().await?.status(), 200, "{path}");
        }
        Ok(())
    }

    async fn tickets_continue_after_a_cursor(app: TestApp) -> TestResult {
        app.sync().await?;
        let whole = app.json("/api/tickets?limit=1000").await?;
        let wanted: Vec<&Value> = whole["tickets"].as_array().unwrap().iter().map(|ticket| &ticket["id"]).collect();
        let mut path = "/api/tickets?limit=7".to_owned();
        let mut seen = Vec::new();
        for _ in 0..20 {
            let answer = app.get(&path)?.send().await?.error_for_status()?;
            let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
            let body: Value = answer.json().await?;
            assert_eq!(body["total"], whole["total"]);
            seen.extend(body["tickets"].as_array().unwrap().iter().map(|ticket| ticket["id"].clone()));
            let Some(link) = link else { break };
            link.trim_start_matches('<').split('>').next().unwrap().clone_into(&mut path);
        }
        assert_eq!(json!(seen), json!(wanted));
        // `offset` counts beside every parameter but `cursor`; most tickets are closed, so that the list goes on.
        let query = "/api/tickets?status=closed&limit=1&id__ne=1&id__ne=2&colour=red&sort=-id&total=true&offset=3";
        let mut answers = Vec::new();
        for _ in 0..4 {
            let answer = app.get(query)?.send().await?.error_for_status()?;
            answers.push(["link", "etag", "x-total-count"].map(|name| answer.headers()[name].to_str().unwrap().to_owned()));
        }
        let kept = "/api/tickets?status=closed&limit=1&id__ne=1&id__ne=2&colour=red&sort=-id&total=true&cursor=";
        assert!(answers[0][0].contains(kept), "{answers:?}");
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
        let bad = app.get("/api/tickets?cursor=zz")?.send().await?;
        assert_eq!(bad.status(), 400);
        Ok(())
    }
}
