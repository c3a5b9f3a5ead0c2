//! Exports and the bulk read.

use codex_client::{BulkTickets, Client, ExportFormat, TokenSource};
use codex_tests::{
    harness::{
        app::{TestApp, client},
        keys,
    },
    on_each_engine,
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

on_each_engine! {
    async fn bulk_read_equals_the_single_routes(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "admin")?;
        let companies = client.companies();
        let bulk = companies.bulk(Some(BulkTickets { year: None }));
        let bulk: Vec<_> = bulk.try_collect().await?;
        assert_eq!(bulk.len(), 3);
        for one in &bulk {
            let account = &one.company.account_number;
            assert_eq!(one.company, companies.get(account).await?);
            assert_eq!(one.assets, companies.assets(account).await?);
            assert_eq!(one.contacts, companies.contacts(account).await?);
            assert_eq!(one.locations, companies.locations(account).await?);
            assert_eq!(one.tickets, Some(client.tickets().of_company(account, None).await?));
        }
        assert!(bulk.iter().any(|one| one.tickets.as_ref().is_some_and(|tickets| !tickets.is_empty())));
        let plain: Vec<_> = companies.bulk(None).try_collect().await?;
        assert!(plain.iter().all(|one| one.tickets.is_none()));
        let raw = app.json("/api/companies/bulk?include_tickets=TRUE&year=2000").await?;
        assert_eq!(raw[0]["tickets"], json!([]));
        assert!(app.json("/api/companies/bulk?include_tickets=1").await?[0].get("tickets").is_none());
        assert_eq!(app.get_as("client", "/api/companies/bulk")?.send().await?.json::<Value>().await?, json!([]));
        Ok(())
    }

    async fn every_kind_is_exported_as_ndjson_and_csv(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let client = client(&app, "admin")?;
        let plan = codex_client::BillingPlanIn {
            plan_name: "Gold, \"all in\"".into(), term_length: "1 Year".into(), ..Default::default()
        };
        client.billing().create_plan(&plan).await?;
        let option = codex_client::FeatureOptionIn {
            feature_category: "soc".into(), option_value: "Huntress".into(), ..Default::default()
        };
        client.billing().create_feature_option(&option).await?;
        let agreed = codex_client::OverrideIn {
            value: Some(codex_client::OverrideValue::Price(9.5)), enabled: None,
        };
        client.billing().set_override("100001", "per_user_cost", &agreed).await?;
        for resource in codex_core::EXPORTS {
            let lines = client.export(resource, ExportFormat::Ndjson).await?.text().await?;
            let records: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            let table = client.export(resource, ExportFormat::Csv).await?.text().await?;
            let mut table = csv::Reader::from_reader(table.as_bytes());
            let names = table.headers()?.clone();
            let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>()?;
            assert_eq!(rows.len(), records.len(), "{resource}");
            for (row, record) in rows.iter().zip(&records) {
                assert_eq!(names.iter().collect::<Vec<_>>(), keys(record), "{resource}");
                for (name, text) in names.iter().zip(row) {
                    let wanted = match &record[name] {
                        Value::Null => String::new(),
                        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => format!("'{text}"),
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    assert_eq!(text, wanted, "{resource} {name}");
                }
            }
            assert!(!records.is_empty(), "{resource}");
        }
        assert_eq!(client.companies().list().await?.len(), 3);
        for bad in ["planets.csv", "companies.xml", "companies"] {
            let answer = app.get(&format!("/api/export/{bad}"))?.send().await?;
            assert_eq!(answer.status(), 404, "{bad}");
        }
        let own = app.get_as("client", "/api/export/companies.ndjson")?.send().await?;
        assert_eq!((own.status().as_u16(), own.text().await?), (200, String::new()));
        for empty in ["companies", "contacts", "assets", "locations", "tickets"] {
            let own = app.get_as("client", &format!("/api/export/{empty}.csv"))?.send().await?.text().await?;
            let all = client.export(empty, ExportFormat::Csv).await?.text().await?;
            let all: Vec<&str> = all.lines().next().unwrap().split(',').collect();
            let own: Vec<&str> = own.trim_end().split(',').collect();
            assert!(own.len() < all.len() && own.iter().all(|name| all.contains(name)), "{empty}: {own:?}");
        }
        for refused in ["agents", "billing-plans", "overrides", "psa-agents"] {
            let answer = app.get_as("client", &format!("/api/export/{refused}.csv"))?.send().await?;
            assert_eq!(answer.status(), 403, "{refused}");
        }
        Ok(())
    }

    /// Exports have everything that lists give staff by `fields=`.
    async fn every_selectable_field_is_exported(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/audits", "/sync/tickets", "/sync/agents"]).await?;
        let plan = codex_client::BillingPlanIn {
            plan_name: "Gold".into(), term_length: "1 Year".into(), ..Default::default()
        };
        let client = client(&app, "admin")?;
        client.billing().create_plan(&plan).await?;
        let spec = serde_json::to_value(codex_daemon::openapi::public())?;
        let partial = |name: &str| spec["components"]["schemas"][format!("Partial{name}")]["properties"].clone();
        for (kind, list, at, names) in [
            ("companies", "/api/companies", "", ["CompanyOut"].as_slice()),
            ("contacts", "/api/contacts", "", &["ContactOut"]),
            ("assets", "/api/assets", "", &["AssetOut"]),
            ("locations", "/api/companies/100001/locations", "", &["LocationOut"]),
            ("tickets", "/api/tickets", "/tickets", &["TicketOut", "TicketDetailOut"]),
            ("agents", "/api/agents", "/agents", &["AgentOut"]),
            ("billing-plans", "/api/billing-plans", "", &["BillingPlanOut"]),
        ] {
            let fields: std::collections::BTreeSet<String> =
                names.iter().flat_map(|name| keys(&partial(name)).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect();
            assert!(fields.len() > 5, "{kind}: {fields:?}");
            let table = client.export(kind, ExportFormat::Csv).await?.text().await?;
            let table = csv::Reader::from_reader(table.as_bytes()).headers()?.clone();
            let lines = client.export(kind, ExportFormat::Ndjson).await?.text().await?;
            let lines: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            for field in &fields {
                assert!(table.iter().any(|name| name == field), "{kind}.csv lacks `{field}`");
                assert!(lines.iter().all(|record| record.get(field).is_some()), "{kind}.ndjson lacks `{field}`");
            }
            // The values are those of the list.
            let id = ["id", "account_number", "keycloak_id"].into_iter().find(|id| fields.contains(*id)).unwrap();
            let own: Vec<String> = keys(&partial(names[0])).into_iter().map(str::to_owned).collect();
            let listed = app.json(&format!("{list}?fields={}&limit=50", own.join(","))).await?;
            let listed = listed.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
            assert!(!listed.is_empty(), "{kind}");
            for record in &listed {
                let exported = lines.iter().find(|line| line[id] == record[id]);
                let exported = exported.unwrap_or_else(|| panic!("{kind}: {record} is not exported"));
                for field in &own {
                    // When agents were last read is of the answer, not of the record.
                    assert!(field == "last_synced_at" || exported[field] == record[field], "{kind} {field}: {exported}");
                }
            }
        }
        let assets = client.export("assets", ExportFormat::Ndjson).await?.text().await?;
        assert!(assets.lines().any(|line| line.contains("\"reboot_required\":true") || line.contains("\"reboot_required\":false")));
        Ok(())
    }

    async fn exported_texts_are_never_formulas(app: TestApp) -> TestResult {
        let client = client(&app, "admin")?;
        let formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x.example\"; \"y\")"];
        for name in formulas {
            let company = codex_client::CompanyIn { name: name.into(), ..Default::default() };
            client.companies().create(&company).await?;
        }
        let table = client.export("companies", ExportFormat::Csv).await?.text().await?;
        let mut table = csv::Reader::from_reader(table.as_bytes());
        let column = table.headers()?.iter().position(|name| name == "name").unwrap();
        let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>()?;
        let names: Vec<&str> = rows.iter().map(|row| &row[column]).collect();
        assert_eq!(names, formulas.map(|name| format!("'{name}")));
        let lines = client.export("companies", ExportFormat::Ndjson).await?.text().await?;
        assert!(lines.contains("\"name\":\"=1+1\""), "{lines}");
        Ok(())
    }

    async fn records_without_account_number_are_exported(app: TestApp) -> TestResult {
        let email = {
            let mut world = app.world.lock();
            let department = world.departments.iter_mut().find(|one| one["custom_fields"]["account_number"] == 100_001);
            let department = department.unwrap();
            department["custom_fields"]["account_number"] = Value::Null;
            let id = department["id"].clone();
            let people = world.requesters.iter();
            let mut own = people.filter(|one| one["department_ids"] == json!([id]) && one["primary_email"].is_string());
            own.next().unwrap()["primary_email"].as_str().unwrap().to_owned()
        };
        app.sync().await?;
        let export = async |token: &str, kind: &str| -> anyhow::Result<Vec<Value>> {
            let client = Client::new(&app.url(), TokenSource::fixed(token.to_owned()))?;
            let lines = client.export(kind, ExportFormat::Ndjson).await?.text().await?;
            Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
        };
        let admin = app.core.key.user("admin", "admin@msp.example")?;
        let companies = export(&admin, "companies").await?;
        let listed = app.json("/api/companies").await?.as_array().unwrap().len();
        assert_eq!(companies.len(), listed + 1);
        let of_department: Vec<_> = companies.iter().filter(|one| one["account_number"].is_null()).collect();
        assert_eq!(of_department.len(), 1);
        let locations = export(&admin, "locations").await?;
        assert!(locations.iter().any(|one| one["company_account_number"].is_null()), "{locations:?}");
        // Its people see it, and no other.
        let own = app.core.key.user("client", &email)?;
        let seen = export(&own, "companies").await?;
        assert_eq!((seen.len(), &seen[0]["name"]), (1, &of_department[0]["name"]));
        assert!(seen[0]["billing_plan"] == "" && seen[0]["account_number"].is_null(), "{seen:?}");
        assert!(export(&own, "locations").await?.iter().all(|one| one["company_account_number"].is_null()));
        Ok(())
    }
}
