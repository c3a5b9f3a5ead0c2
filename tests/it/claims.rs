//! Which source each field of a record comes from, and the release of manual values.

use codex_client::{BillingPlanIn, ClaimedResource, CompanyIn, FieldClaimsOut, RecordClaimsOut};
use codex_core::store::Db;
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Value, json};

use ClaimedResource::{Agents, Assets, BillingPlans, Companies, Contacts, Locations, Tickets};

const ACME: &str = "100001";

fn field<'c>(claims: &'c RecordClaimsOut, name: &str) -> &'c FieldClaimsOut {
    let found = claims.fields.iter().find(|field| field.field == name);
    found.unwrap_or_else(|| panic!("{name} is a field of {claims:?}"))
}

/// The newest entry of the change log: operation, actor, reason and changes.
async fn newest_change(app: &TestApp) -> anyhow::Result<(String, String, Option<String>, Value)> {
    let db = Db::open(app.database_url()).await?;
    let newest =
        "select op, actor, reason, cast(changes as text) from change_log order by id desc limit 1";
    let found: Option<(String, String, Option<String>, String)> =
        db.query(newest).optional().await?;
    let (op, actor, reason, changes) = found.unwrap();
    Ok((op, actor, reason, serde_json::from_str(&changes)?))
}

fn described(text: &str) -> CompanyIn {
    CompanyIn {
        description: text.into(),
        ..CompanyIn::default()
    }
}

on_each_engine! {
    async fn claims_show_the_winner_the_others_and_since(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let synced = client.claims().get(Companies, ACME).await?;
        assert_eq!((synced.id.as_str(), synced.resource), (ACME, Companies));
        let name = field(&synced, "name");
        assert_eq!(name.source.as_deref(), Some("freshservice"));
        assert!(name.others.is_empty() && name.since.is_some(), "{name:?}");
        let new = CompanyIn { name: "New GmbH".into(), ..CompanyIn::default() };
        let new = client.companies().create(&new).await?.account_number;
        let own = client.claims().get(Companies, &new).await?;
        assert_eq!(field(&own, "name").source.as_deref(), Some("manual"));
        let nobodys = field(&own, "datto_portal_url");
        assert_eq!((&nobodys.value, &nobodys.source, nobodys.since), (&Value::Null, &None, None));
        let source = &synced.sources[0];
        assert_eq!(source.source, "freshservice");
        assert!(source.external_id.is_some() && source.gone_at.is_none());

        let theirs = field(&synced, "description").clone();
        client.companies().update(ACME, &described("Ours")).await?;
        let edited = client.claims().get(Companies, ACME).await?;
        let ours = field(&edited, "description");
        assert_eq!((ours.source.as_deref(), &ours.value), (Some("manual"), &json!("Ours")));
        assert!(ours.since > theirs.since || theirs.since.is_none(), "{ours:?}");
        assert_eq!(ours.others.len(), 1);
        assert_eq!((ours.others[0].source.as_str(), &ours.others[0].value), ("freshservice", &theirs.value));
        assert_eq!(ours.others[0].external_id, source.external_id);
        assert_eq!(field(&edited, "name"), name, "another field stays as it was");
        assert_eq!(client.claims().manual(Companies, ACME, "description").await?, *ours);
        assert_eq!(edited.sources[0].source, "manual");
        assert_eq!(edited.sources[0].external_id, None, "row ids stay inside");
        Ok(())
    }

    async fn release_restores_the_source_value_and_is_logged(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let theirs = field(&client.claims().get(Companies, ACME).await?, "description").clone();
        client.companies().update(ACME, &described("Ours")).await?;

        let read = client.claims().manual(Companies, ACME, "description").tagged().await?;
        let release = || client.claims().release(Companies, ACME, "description");
        let foretold = release().dry_run().await?;
        assert_eq!(foretold.changes[0].fields["description"], json!({"before": "Ours", "after": theirs.value}));
        client.companies().update(ACME, &described("Ours, once more")).await?;
        let refused = release().if_match(&read.etag).await.unwrap_err();
        assert_eq!(refused.status(), Some(412), "{refused}");

        let now = client.claims().manual(Companies, ACME, "description").tagged().await?;
        release().if_match(&now.etag).await?;
        let released = client.claims().get(Companies, ACME).await?;
        let description = field(&released, "description");
        assert_eq!((&description.value, description.source.as_deref()), (&theirs.value, Some("freshservice")));
        assert!(description.others.is_empty(), "{description:?}");
        let (op, actor, reason, changes) = newest_change(&app).await?;
        assert_eq!(op, "update");
        assert_eq!(changes, json!({"description": {"before": "Ours, once more", "after": theirs.value}}));
        assert!(!actor.is_empty() && reason.unwrap().contains("released"), "{actor}");
        Ok(())
    }

    async fn release_without_a_value_change_is_logged(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let name = client.companies().get(ACME).await?.name;
        let since = field(&client.claims().get(Companies, ACME).await?, "name").since;
        let same = CompanyIn { name: name.clone().into(), ..CompanyIn::default() };
        client.companies().update(ACME, &same).await?;
        let stays = json!({"name": {"before": name, "after": name}});
        assert_eq!(newest_change(&app).await?.3, stays, "a person has set it");
        let read = client.claims().manual(Companies, ACME, "name").tagged().await?;
        assert_eq!((read.record.source.as_deref(), read.record.since), (Some("manual"), since), "the value is as old as it was");

        let foretold = client.claims().release(Companies, ACME, "name").dry_run().await?;
        assert_eq!(foretold.changes.len(), 1);
        client.claims().release(Companies, ACME, "name").if_match(&read.etag).await?;
        let (_, _, reason, changes) = newest_change(&app).await?;
        assert_eq!((changes, reason.is_some()), (stays, true));
        let released = client.claims().get(Companies, ACME).tagged().await?;
        assert_eq!(field(&released.record, "name").source.as_deref(), Some("freshservice"));
        assert_ne!(released.etag, read.etag);
        Ok(())
    }

    async fn impossible_releases_are_refused_by_name(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "admin")?;
        for (id, name, says) in [
            (ACME, "description", "nobody has set `description` of this company"),
            (ACME, "descripton", "a company has no field `descripton`; did you mean `description`? It has account_number, "),
            (ACME, "colour", "a company has no field `colour`; it has account_number, "),
            ("999999", "description", "there is no company `999999`"),
        ] {
            for refused in [
                client.claims().release(Companies, id, name).await.unwrap_err(),
                client.claims().manual(Companies, id, name).await.unwrap_err(),
            ] {
                assert_eq!(refused.status(), Some(404));
                assert!(refused.to_string().contains(says), "{refused}");
            }
        }
        let plan = BillingPlanIn {
            plan_name: "Gold".into(),
            term_length: "1 Year".into(),
            ..BillingPlanIn::default()
        };
        client.billing().create_plan(&plan).await?;
        let plan = client.billing().plans().await?[0].id.to_string();
        let claims = client.claims().get(BillingPlans, &plan).await?;
        assert_eq!(field(&claims, "plan_name").source.as_deref(), Some("manual"));
        let kept = client.claims().release(BillingPlans, &plan, "plan_name").await.unwrap_err();
        assert_eq!(kept.status(), Some(409), "{kept}");
        assert!(kept.to_string().contains("no source states `plan_name`"), "{kept}");
        Ok(())
    }

    async fn every_resource_has_claims_without_secrets(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let id = async |path: &str, at: &str| -> anyhow::Result<String> {
            let found = app.json(path).await?.pointer(at).cloned().unwrap_or_default();
            Ok(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
        };
        let company = format!("/api/companies/{ACME}");
        let records = [
            (Agents, id("/api/agents", "/agents/0/keycloak_id").await?, "username", "keycloak"),
            (Assets, id(&format!("{company}/assets"), "/0/id").await?, "hostname", "datto"),
            (Contacts, id(&format!("{company}/contacts"), "/0/id").await?, "name", "freshservice"),
            (Locations, id(&format!("{company}/locations"), "/0/id").await?, "name", "freshservice"),
            (Tickets, id(&format!("{company}/tickets"), "/0/ticket_id").await?, "subject", "freshservice"),
        ];
        let admin = client(&app, "admin")?;
        for (resource, id, name, source) in &records {
            let claims = admin.claims().get(*resource, id).await?;
            assert_eq!(field(&claims, name).source.as_deref(), Some(*source), "{resource:?}");
            let names: Vec<&str> = claims.fields.iter().map(|field| field.field.as_str()).collect();
            for hidden in ["company_id", "last_seen", "online"] {
                assert!(!names.contains(&hidden), "{hidden} of {resource:?}");
            }
            let text = serde_json::to_string(&claims)?;
            assert!(!text.contains("SECRET"), "{text}");
        }
        let asset = admin.claims().get(Assets, &records[1].1).await?;
        assert_eq!(field(&asset, "company_account_number").value, json!(ACME));

        let agent = format!("/api/agents/{}/claims", records[0].1);
        for (level, path, status) in [
            ("technician", agent.as_str(), 403),
            ("admin", agent.as_str(), 200),
            ("client", "/api/companies/100001/claims", 403),
            ("admin", "/api/company/100001/claims", 404),
            ("admin", "/api/search/1/claims", 404),
            ("admin", "/api/billing-plans/x/claims", 400),
            ("admin", "/api/contacts/007/claims", 404),
        ] {
            assert_eq!(app.get_as(level, path)?.send().await?.status(), status, "{path} as {level}");
        }
        Ok(())
    }

    async fn release_requires_the_role_for_updates(app: TestApp) -> TestResult {
        app.sync().await?;
        let admin = client(&app, "admin")?;
        admin.companies().update(ACME, &described("Ours")).await?;
        let plan = BillingPlanIn {
            plan_name: "Gold".into(),
            term_length: "1 Year".into(),
            ..BillingPlanIn::default()
        };
        admin.billing().create_plan(&plan).await?;
        let plan = format!("/api/billing-plans/{}/claims/manual/plan_name?dry_run=true", admin.billing().plans().await?[0].id);
        let company = format!("/api/companies/{ACME}/claims/manual/description?dry_run=true");
        for (level, of_company, of_plan) in [
            ("admin", 202, 409),
            ("technician", 202, 403),
            ("billing", 403, 409),
            ("client", 403, 403),
        ] {
            for (path, status) in [(&company, of_company), (&plan, of_plan)] {
                let answer = app.call_as(level, Method::DELETE, path)?.send().await?;
                assert_eq!(answer.status(), status, "{path} as {level}");
            }
        }
        Ok(())
    }
}
