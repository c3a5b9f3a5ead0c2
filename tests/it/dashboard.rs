//! The dashboard: its numbers, who sees which, and what it costs.

use chrono::TimeDelta;
use codex_client::{Client, TokenSource};
use codex_core::{
    Role, Scope,
    dashboard::wire::DashboardOut,
    ids::CompanyId,
    list::{Filter, PageRequest, listed},
    tickets::query::TicketFilter,
};
use codex_tests::{
    harness::{TestResult, app::TestApp},
    on_each_engine, on_sqlite,
};
use reqwest::{Method, header::ACCEPT};
use serde_json::{Value, json};

const HTML: &str = "text/html,*/*;q=0.8";

fn client(app: &TestApp, level: &str, email: &str) -> anyhow::Result<Client> {
    let token = app.core.key.user(level, email)?;
    Ok(Client::new(&app.url(), TokenSource::fixed(token))?)
}

/// The page as somebody's browser gets it.
async fn open(app: &TestApp, level: &str, email: &str) -> anyhow::Result<String> {
    let token = app.core.key.user(level, email)?;
    let call = app.call(Method::GET, "/").header(ACCEPT, HTML);
    let answer = call.bearer_auth(token).send().await?;
    Ok(answer.error_for_status()?.text().await?)
}

/// The e-mail address of somebody at company 100001.
async fn of_client(app: &TestApp) -> anyhow::Result<String> {
    let contacts = app.json("/api/companies/100001/contacts").await?;
    Ok(contacts[0]["email"].as_str().unwrap().to_owned())
}

/// Tickets of company 100001 of the last weeks: one every five days, every third of them closed a day later, every
/// fourth overdue.
async fn add_tickets(app: &TestApp, count: i64) -> TestResult {
    let now = app.codex.now();
    let mut tx = app.codex.db().begin().await?;
    for n in 0..count {
        let opened = now - TimeDelta::days(5 * n) - TimeDelta::minutes(1);
        let closed = (n % 3 == 2).then(|| opened + TimeDelta::seconds(30));
        let due = (n % 4 == 1).then(|| now - TimeDelta::hours(1));
        let q = tx.query(
            "insert into tickets (id, created_at, updated_at, number, tags, company_id, newest_at, subject_fold, \
             subject, status_id, priority_id, opened_at, closed_at, due_by) \
             select $1, $2, $2, $1, '[]', id, $2, '', 'Quokka', $3, $4, $5, $6, $7 \
             from companies where account_number = '100001'",
        );
        let status = if closed.is_some() { 5_i64 } else { 2_i64 };
        let q = q.bind(900_000 + n).bind(now).bind(status).bind(1 + n % 4);
        q.bind(opened).bind(closed).bind(due).execute().await?;
    }
    tx.commit().await.map_err(Into::into)
}

/// How many tickets a list has.
async fn tickets(app: &TestApp, filters: &[(&str, &str)]) -> anyhow::Result<i64> {
    let filters = filters.iter();
    let page = PageRequest {
        limit: Some(1),
        total: true,
        filters: filters
            .map(|(name, value)| Filter::new(name, value))
            .collect(),
        ..PageRequest::default()
    };
    let scope = Scope::system();
    let every = TicketFilter::default();
    let found = app.codex.tickets_page(&scope, &every, &page).await?;
    found.total.ok_or_else(|| anyhow::anyhow!("no total"))
}

/// How many statements the numbers take.
async fn statements(app: &TestApp, scope: &Scope) -> anyhow::Result<u64> {
    let mut fewest = u64::MAX;
    // The daemon has statements of its own now and then.
    for _ in 0..5 {
        let before = app.codex.statements_run();
        app.codex
            .dashboard(scope, Some("nobody@msp.example"))
            .await?;
        fewest = fewest.min(app.codex.statements_run() - before);
    }
    Ok(fewest)
}

async fn agree(app: &TestApp, numbers: &DashboardOut) -> TestResult {
    let of = &numbers.tickets;
    let open = listed(&of.open_statuses);
    let open = ("status__in", open.as_str());
    assert_eq!(tickets(app, &[open]).await?, of.open);
    assert_eq!(numbers.counts.open_tickets, of.open);
    let now = app.codex.now().to_rfc3339();
    assert_eq!(
        tickets(app, &[open, ("due_by__lt", &now)]).await?,
        of.overdue
    );
    let mut sum = 0;
    for one in &of.by_priority {
        let filter = match &one.priority {
            Some(word) => ("priority", word.as_str()),
            None => ("priority__isnull", "true"),
        };
        assert_eq!(tickets(app, &[open, filter]).await?, one.open, "{one:?}");
        sum += one.open;
    }
    assert_eq!(sum, of.open);
    for one in &of.by_company {
        let filter = match &one.account_number {
            Some(number) => ("company_account_number", number.as_str()),
            None => ("company_account_number__isnull", "true"),
        };
        assert_eq!(tickets(app, &[open, filter]).await?, one.open, "{one:?}");
    }
    assert_eq!(of.weeks.len(), 26);
    for (week, next) in of.weeks.iter().zip(of.weeks.iter().skip(1)) {
        let (from, to) = (week.week.as_str(), next.week.as_str());
        let opened = [("created_at__gte", from), ("created_at__lt", to)];
        assert_eq!(tickets(app, &opened).await?, week.opened, "{week:?}");
        let closed = [("closed_at__gte", from), ("closed_at__lt", to)];
        assert_eq!(tickets(app, &closed).await?, week.closed, "{week:?}");
    }
    Ok(())
}

on_each_engine! {
    async fn numbers_agree_with_the_lists_behind_them(app: TestApp) -> TestResult {
        app.sync().await?;
        app.run_syncs(&["/sync/agents"]).await?;
        add_tickets(&app, 40).await?;
        let numbers = client(&app, "admin", "admin@msp.example")?.dashboard().await?;
        agree(&app, &numbers).await?;
        assert!(numbers.tickets.weeks.iter().filter(|week| week.opened > 0).count() > 20, "{numbers:?}");
        assert!(numbers.tickets.overdue > 0 && numbers.tickets.newest.iter().all(|one| one.number >= 900_000));
        let (counts, assets) = (&numbers.counts, &numbers.assets);
        let all = |path: &'static str| { let app = &app; async move {
            anyhow::Ok(i64::try_from(app.json(path).await?.as_array().unwrap().len())?)
        } };
        assert_eq!(all("/api/companies").await?, counts.companies);
        assert_eq!(app.json("/contacts/api/search?show_inactive=1").await?["pagination"]["total"], counts.contacts);
        assert_eq!(app.json("/assets/api/search").await?["pagination"]["total"], counts.assets);
        assert_eq!(app.json("/api/agents").await?["total"], counts.agents.unwrap());
        assert_eq!(assets.online + assets.offline + assets.unknown, counts.assets);
        assert!((1..=counts.assets).contains(&assets.operating_systems.iter().map(|one| one.count).sum()));
        // Every sync of today went well, and its job can be read.
        let syncs = numbers.syncs.unwrap();
        assert!(syncs.len() >= 3 && syncs.iter().all(|day| day.failed == 0 && day.jobs > 0), "{syncs:?}");
        app.json(&format!("/sync/status/{}", syncs[0].job_id)).await?;
        Ok(())
    }

    async fn figures_are_kept_until_their_records_change(app: TestApp) -> TestResult {
        app.sync().await?;
        let staff = Scope::staff(Role::Technician);
        let before = app.codex.dashboard(&staff, None).await?;
        // Revisions, jobs, and what waits: nothing is counted again.
        assert!(statements(&app, &staff).await? <= 3);
        assert!(statements(&app, &Scope::client(vec![CompanyId(1)])).await? <= 1);
        add_tickets(&app, 5).await?;
        let after = app.codex.dashboard(&staff, None).await?;
        assert_eq!(after.tickets.open, before.tickets.open + 4);
        let company = json!({"name": "Quokka Ltd", "contract_end_date": (app.codex.now() + TimeDelta::days(9)).date_naive()});
        app.call_as("admin", Method::POST, "/api/companies")?.json(&company).send().await?.error_for_status()?;
        let last = app.codex.dashboard(&staff, None).await?;
        assert_eq!(last.counts.companies, before.counts.companies + 1);
        let (contracts, earlier) = (last.contracts.unwrap(), before.contracts.unwrap());
        assert_eq!(contracts.ending_soon, earlier.ending_soon + 1);
        assert_eq!(contracts.without_plan, earlier.without_plan + 1);
        assert!(contracts.months.iter().map(|month| month.ending).sum::<i64>() > 0);
        Ok(())
    }

    async fn clients_get_numbers_of_their_own_companies(app: TestApp) -> TestResult {
        app.sync().await?;
        add_tickets(&app, 6).await?;
        let email = of_client(&app).await?;
        let own = client(&app, "client", &email)?.dashboard().await?;
        assert_eq!(own.counts.companies, 1);
        assert_eq!((own.counts.agents, own.counts.billing_plans), (None, None));
        assert!(own.contracts.is_none() && own.pending.is_none() && own.syncs.is_none() && own.own.is_none());
        assert!(own.assets.patch_states.is_none());
        let assets = app.json("/api/companies/100001/assets").await?.as_array().unwrap().len();
        assert_eq!(own.counts.assets, i64::try_from(assets)?);
        let contacts = app.json("/api/companies/100001/contacts").await?.as_array().unwrap().len();
        assert_eq!(own.counts.contacts, i64::try_from(contacts)?);
        let companies = own.tickets.by_company.iter().map(|one| one.account_number.as_deref());
        assert_eq!(companies.collect::<Vec<_>>(), [Some("100001")]);
        assert!(own.tickets.newest.iter().all(|one| one.company_account_number.as_deref() == Some("100001")));
        assert_eq!(own.tickets.by_priority.iter().map(|one| one.open).sum::<i64>(), own.tickets.open);

        let stranger = client(&app, "client", "nobody@elsewhere.example")?.dashboard().await?;
        let counts = &stranger.counts;
        assert_eq!((counts.companies, counts.contacts, counts.assets, counts.open_tickets), (0, 0, 0, 0));
        assert!(stranger.tickets.weeks.iter().all(|week| week.opened + week.closed == 0));
        assert!(stranger.tickets.newest.is_empty() && stranger.assets.went_offline.is_empty());
        Ok(())
    }

    async fn technicians_get_their_own_open_tickets(app: TestApp) -> TestResult {
        app.sync().await?;
        let agents = app.json("/api/psa/agents").await?;
        let mut found = 0;
        for agent in agents.as_array().unwrap() {
            let Some(email) = agent["email"].as_str().filter(|email| !email.is_empty()) else { continue };
            let numbers = client(&app, "technician", &email.to_uppercase())?.dashboard().await?;
            let Some(own) = numbers.own else { continue };
            assert_eq!(Value::from(own.responder_id), agent["external_id"]);
            let (open, id) = (listed(&numbers.tickets.open_statuses), own.responder_id.to_string());
            let mine = [("status__in", open.as_str()), ("responder_id", id.as_str())];
            assert_eq!(tickets(&app, &mine).await?, own.open);
            assert_eq!(i64::try_from(own.tickets.len())?, own.open.min(10));
            assert!(own.tickets.is_sorted_by_key(|one| (one.due_by.is_none(), one.due_by)));
            found += own.open;
        }
        assert!(found > 0, "{agents}");
        assert!(client(&app, "technician", "nobody@msp.example")?.dashboard().await?.own.is_none());
        Ok(())
    }

    async fn pages_show_what_their_role_needs(app: TestApp) -> TestResult {
        app.sync().await?;
        add_tickets(&app, 6).await?;
        let technician = "technician@msp.example";
        for (level, email, has, lacks) in [
            ("technician", technician, &["Went offline today", "Overdue tickets", "Patch state"][..], &["Syncs of the last", "Contracts ending"][..]),
            ("admin", "admin@msp.example", &["Syncs of the last 14 days", "Administration", "Schedule", "SQL", "Contracts ending per month"], &["id=\"went-offline\""]),
            ("billing", "billing@msp.example", &["Companies without a plan", "Contracts ending within 90 days"], &["Overdue tickets", "Syncs of"]),
            ("client", &of_client(&app).await?, &["Newest open tickets", "Operating systems"], &["Billing plans", "Patch state", "Contracts", "Syncs", "/holds/"]),
        ] {
            let html = open(&app, level, email).await?;
            for part in has {
                assert!(html.contains(part), "{level}: no {part}: {html}");
            }
            for part in lacks {
                assert!(!html.contains(part), "{level}: {part}: {html}");
            }
            assert!(html.len() < 60_000, "{level}: {} bytes", html.len());
            assert!(html.matches("<svg").count() >= 2 || level == "billing", "{level}: {html}");
            assert!(html.matches("<svg").count() <= html.matches("<details").count());
        }
        Ok(())
    }
}

on_sqlite! {
    /// No link names a column or a value that its list does not know.
    async fn links_of_the_page_are_understood(app: TestApp) -> TestResult {
        app.sync().await?;
        add_tickets(&app, 12).await?;
        for level in ["admin", "technician", "billing"] {
            let email = format!("{level}@msp.example");
            let html = open(&app, level, &email).await?;
            let token = app.core.key.user(level, &email)?;
            let links = html.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            let links: std::collections::BTreeSet<String> = links
                .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
                .filter(|link| link.starts_with('/') && link != "/health")
                .collect();
            assert!(links.len() > 10, "{links:?}");
            for link in links {
                let call = app.call(Method::GET, &link).header(ACCEPT, HTML).bearer_auth(&token);
                let status = call.send().await?.status();
                assert!(status != 400 && !status.is_server_error(), "{level} {link}: {status}");
            }
        }
        Ok(())
    }

    async fn dashboard_takes_no_parameters(app: TestApp) -> TestResult {
        let answer = app.get("/api/dashboard?days=7")?.send().await?;
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await?.contains("days"));
        Ok(())
    }
}
