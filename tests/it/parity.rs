//! The library in process and the client over HTTP say the same, and what the client adds holds at the real daemon.

use anyhow::Context as _;
use codex_client::{
    AssetIn, ChangeOp, Client, CompanyIn, ContactIn, ListOptions, Op, SearchOptions, TicketOptions,
    TokenSource,
};
use codex_core::{
    Role, Scope,
    assets::wire::AssetOut,
    companies::{level_of, wire::CompanyOut},
    contacts::wire::ContactOut,
    ids::{AssetId, ContactId},
    list::PageRequest,
    locations::wire::LocationOut,
    psa_agents::wire::PsaAgentOut,
    tickets::{
        query::TicketFilter,
        wire::{TicketDetailOut, TicketOut},
    },
};
use codex_tests::{harness::app::TestApp, on_each_engine};
use futures::TryStreamExt as _;
use serde::Serialize;
use serde_json::{Map, Value};

fn client(app: &TestApp) -> anyhow::Result<Client> {
    let token = app.core.key.user("admin", "a@msp.example")?;
    Ok(Client::new(&app.url(), TokenSource::fixed(token))?)
}

/// Both as JSON, which must be equal and say something.
fn same(what: &str, library: impl Serialize, client: impl Serialize) -> anyhow::Result<()> {
    let (library, client) = (
        serde_json::to_value(library)?,
        serde_json::to_value(client)?,
    );
    assert_eq!(library, client, "{what}");
    let empty = matches!(&library, Value::Array(all) if all.is_empty());
    anyhow::ensure!(!empty && !library.is_null(), "{what}: nothing to compare");
    Ok(())
}

on_each_engine! {
    async fn library_and_client_return_the_same(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"]).await?;
        let (client, codex) = (client(&app)?, &app.codex);
        let scope = Scope::staff(Role::Admin);

        let companies = codex.companies(&scope).await?;
        let out: Vec<CompanyOut> = companies.iter().map(CompanyOut::from).collect();
        same("companies", &out, client.companies().list().await?)?;
        for (company, out) in companies.iter().zip(&out) {
            let account = &out.account_number;
            same("company", out, client.companies().get(account).await?)?;
            let locations = codex.company_locations(&scope, company.id).await?;
            let level = out.compliance_level;
            let locations: Vec<_> = locations.iter().map(|one| LocationOut::new(one, level)).collect();
            same("locations", locations, client.companies().locations(account).await?)?;
            same("plan", codex.effective_plan(&scope, company).await?, client.billing().plan_of(account).await?)?;
            same("billable", codex.billable(&scope, company).await?, client.billing().billable(account).await?)?;
        }

        let page = PageRequest::default();
        let contacts = codex.contacts(&scope, None, &page).await?.items;
        let contacts: Vec<_> = contacts.iter().map(|(one, of)| ContactOut::new(one, of.compliance_level)).collect();
        let assets = codex.assets(&scope, None, &page).await?.items;
        let assets: Vec<_> = assets.iter().map(|(one, of)| AssetOut::new(one, level_of(of.as_ref()))).collect();
        let few = ListOptions { limit: Some(5), ..ListOptions::default() };
        same("contacts", &contacts, client.contacts().all(&few).await?)?;
        same("assets", &assets, client.assets().all(&few).await?)?;
        let (id, level) = codex.contact(&scope, ContactId(contacts[0].id)).await?.context("contact")?;
        same("contact", ContactOut::new(&id, level), client.contacts().get(contacts[0].id).await?)?;
        let (id, level) = codex.asset(&scope, AssetId(assets[0].id)).await?.context("asset")?;
        same("asset", AssetOut::new(&id, level), client.assets().get(assets[0].id).await?)?;

        let statuses = codex.ticket_statuses().await?;
        let tickets = codex.tickets_page(&scope, &TicketFilter::default(), &page).await?.items;
        let out: Vec<_> = tickets.iter().map(|one| TicketOut::new(one, &statuses)).collect();
        let few = TicketOptions { limit: Some(7), ..TicketOptions::default() };
        same("tickets", &out, client.tickets().stream(&few).try_collect::<Vec<_>>().await?)?;
        let detail = client.tickets().list(&few).await?.tickets.remove(0);
        let number = serde_json::to_value(&detail)?["id"].as_i64().context("number")?;
        let (ticket, said) = codex.ticket(&scope, number).await?.context("ticket")?;
        same("ticket", TicketDetailOut::new(&ticket, said, &statuses), client.tickets().get(number).await?)?;

        let agents = codex.psa_agents(&scope, None).await?;
        let agents: Vec<_> = agents.iter().map(PsaAgentOut::from).collect();
        same("psa agents", agents, client.psa_agents().list(None).await?)?;
        let numbers = codex.dashboard(&scope, None).await?;
        same("dashboard", numbers, client.dashboard().await?)?;
        let term = assets[0].hostname.as_str();
        let found = codex.search(&scope, term, &[], 20).await?;
        assert!(found.count > 0);
        same("search", found, client.search(term, &SearchOptions::default()).await?)?;
        Ok(())
    }

    async fn cached_page_links_to_a_page_added_later(app: TestApp) -> TestResult {
        let client = client(&app)?;
        for name in ["A", "B"] {
            let contact = ContactIn { name: name.into(), ..ContactIn::default() };
            client.contacts().create(&contact).await?;
            let options = ListOptions { limit: Some(1), total: true, ..ListOptions::default() };
            let page = client.contacts().list(&options).await?;
            let again = client.contacts().list(&options).await?;
            assert_eq!((&page.items, &page.next, page.total), (&again.items, &again.next, again.total));
            assert_eq!(page.items[0].name, "A");
            let more = name == "B";
            assert_eq!((page.next.is_some(), page.total), (more, Some(1 + u64::from(more))));
        }
        Ok(())
    }

    async fn client_supports_keys_conditions_and_dry_runs(app: TestApp) -> TestResult {
        let client = client(&app)?;
        let named = |name: &str| CompanyIn { name: name.into(), ..CompanyIn::default() };
        let once = client.companies().create(&named("A")).idempotency_key("one").await?;
        let again = client.companies().create(&named("A")).idempotency_key("one").await?;
        assert_eq!(once, again);
        assert_eq!(client.companies().create(&named("B")).idempotency_key("one").await.unwrap_err().status(), Some(422));
        client.companies().create(&named("A")).await?;
        assert_eq!(client.companies().list().await?.len(), 2, "without a key of one's own each is another call");

        let account = &once.account_number;
        let companies = client.companies();
        let read = companies.get(account).tagged().await?;
        assert_eq!(read.record, once);
        let reported = companies.update(account, &named("C")).if_match(&read.etag).dry_run().await?;
        assert_eq!(reported.changes[0].fields["name"]["after"], "C");
        assert_eq!(companies.delete(account).dry_run().await?.changes[0].op, ChangeOp::Delete);
        assert_eq!(companies.get(account).await?, once);
        assert_eq!(companies.update(account, &named("C")).if_match(&read.etag).await?.name, "C");
        let late = companies.update(account, &named("D")).if_match(&read.etag).await.unwrap_err();
        assert_eq!(late.status(), Some(412));
        let late = companies.delete(account).if_match(&read.etag).await.unwrap_err();
        assert_eq!(late.status(), Some(412));
        let now = companies.get(account).tagged().await?;
        assert_eq!(now.record.name, "C");
        companies.delete(account).if_match(&now.etag).await?;
        let foretold = client.sync().start(codex_client::SyncKind::Psa).idempotency_key("s");
        let job = foretold.await?.job_id;
        let same = client.sync().start(codex_client::SyncKind::Psa).idempotency_key("s");
        assert_eq!(same.await?.job_id, job);
        Ok(())
    }

    async fn selected_fields_fill_rows_of_own_types(app: TestApp) -> TestResult {
        #[derive(serde::Deserialize)]
        struct Row { id: i64, hostname: String }
        let client = client(&app)?;
        for n in 0..5 {
            let asset = AssetIn { hostname: format!("host-{n}").into(), ..AssetIn::default() };
            client.assets().create(&asset).await?;
        }
        let options = ListOptions { limit: Some(2), ..ListOptions::default() };
        let options = options.with("hostname", Op::StartsWith, "host-");
        let rows = client.assets().select::<Row>(&["id", "hostname"], &options);
        let rows: Vec<Row> = rows.try_collect().await?;
        let all = client.assets().all(&options).await?;
        let wanted: Vec<_> = all.iter().map(|one| (one.id, one.hostname.as_str())).collect();
        assert_eq!(rows.iter().map(|row| (row.id, row.hostname.as_str())).collect::<Vec<_>>(), wanted);
        let two = options.clone().one_of("id", [rows[0].id, rows[1].id]);
        let maps = client.assets().select::<Map<String, Value>>(&["device_uid"], &two);
        let maps: Vec<_> = maps.try_collect().await?;
        assert_eq!(maps.len(), 2);
        assert_eq!(maps[0].keys().collect::<Vec<_>>(), ["device_uid"]);
        let bad = client.assets().select::<Value>(&["colour"], &options);
        let error = bad.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains("colour"), "{error}");
        Ok(())
    }
}
