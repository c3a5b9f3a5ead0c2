//! The client has a method for every operation of the description.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, http::StatusCode};
use codex_client::{
    AgentCompanies, AgentIn, AssetIn, BillingExport, BillingPlanIn, BulkAction, ClaimedResource,
    Client, CompanyIn, ContactIn, DeviceOptions, ExportFormat, FeatureOptionIn, ListOptions,
    ListedResource, LocationIn, OverrideIn, OverrideValue, PsaTicketOptions, SearchOptions,
    SettingsIn, SyncKind, TagIn, TagRecordsIn, TaggedKind, TicketOptions, TicketUpdateIn,
    TokenSource, ViewIn,
};
use codex_tests::harness::TestResult;
use futures::TryStreamExt as _;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;

/// The same under another name, for modules that call it so.
const ALIASES: [&str; 8] = [
    "GET /api/company/{account_number}",
    "GET /api/contact/{id}",
    "GET /api/asset/{id}",
    "GET /api/datto/devices",
    "GET /api/datto/device/{device_id}",
    "GET /api/health",
    "POST /sync/freshservice",
    "POST /sync/audits",
];

#[tokio::test]
async fn client_has_a_method_for_every_operation() -> TestResult {
    let called: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let log = called.clone();
    let router = Router::new().fallback(move |request: Request| {
        let call = format!("{} {}", request.method(), request.uri().path());
        log.lock().unwrap().insert(call);
        std::future::ready(StatusCode::NOT_FOUND)
    });
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    call_everything(&Client::new(&address, TokenSource::fixed("x"))?).await;
    server.abort();

    let called = called.lock().unwrap().clone();
    let spec = serde_json::to_value(codex_daemon::openapi::public())?;
    let mut missing = Vec::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let operation = format!("{} {path}", method.to_uppercase());
            let is = |call: &String| fits(&operation, call);
            if !ALIASES.contains(&operation.as_str()) && !called.iter().any(is) {
                missing.push(operation);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no method of the client calls {missing:#?}"
    );
    Ok(())
}

/// Parameters are called as `p`, so that a literal is never taken for one.
fn fits(operation: &str, call: &str) -> bool {
    let (operation, call): (Vec<&str>, Vec<&str>) =
        (operation.split('/').collect(), call.split('/').collect());
    let same = |(template, is): (&&str, &&str)| {
        let parameter = template.starts_with('{');
        if parameter {
            ["p", "1", "device-1", "p.csv", "companies", "datto-audits"].contains(is)
        } else {
            template == is
        }
    };
    operation.len() == call.len() && operation.iter().zip(&call).all(same)
}

async fn call_everything(c: &Client) {
    let list = ListOptions::default();
    let secret = SecretString::from("s");
    let tagged = TagRecordsIn {
        kind: TaggedKind::Contact,
        ids: vec![1],
        account_numbers: Vec::new(),
    };
    let agreed = OverrideIn {
        value: Some(OverrideValue::Price(1.0)),
        enabled: None,
    };
    macro_rules! call {
        ($($call:expr;)+) => { $(drop($call.await);)+ };
    }
    call! {
        c.agents().list(); c.agents().get("p"); c.agents().settings("p"); c.agents().create(&AgentIn::default());
        c.agents().update("p", &AgentIn::default()); c.agents().companies("p"); c.agents().open_companies("p", &AgentCompanies::default()); c.agents().update_settings("p", &SettingsIn::default());
        c.agents().theme("e"); c.agents().home_page("e"); c.agents().sync();
        c.my_settings().get(); c.my_settings().update(&SettingsIn::default());
        c.assets().list(&list); c.assets().get(1); c.assets().audit(1); c.assets().create(&AssetIn::default());
        c.assets().update(1, &AssetIn::default()); c.assets().delete(1);
        c.contacts().list(&list); c.contacts().get(1); c.contacts().create(&ContactIn::default());
        c.contacts().update(1, &ContactIn::default()); c.contacts().delete(1);
        c.companies().list(); c.companies().get("p"); c.companies().create(&CompanyIn::default());
        c.companies().update("p", &CompanyIn::default()); c.companies().delete("p");
        c.companies().renumber("p", "1"); c.companies().assets("p"); c.companies().contacts("p");
        c.companies().users("p"); c.companies().locations("p"); c.companies().bulk(None).try_next();
        c.companies().bulk_write(&[], BulkAction::Upsert, false);
        c.contacts().bulk_write(&[], BulkAction::Upsert, false);
        c.assets().bulk_write(&[], BulkAction::Upsert, false);
        c.companies().create_location("p", &LocationIn::default()); c.companies().location("p", 1);
        c.companies().update_location("p", 1, &LocationIn::default()); c.companies().delete_location("p", 1);
        c.billing().plans(); c.billing().create_plan(&BillingPlanIn::default());
        c.billing().plan(1); c.billing().update_plan(1, &BillingPlanIn::default()); c.billing().delete_plan(1);
        c.billing().plan_features("p", "p"); c.billing().import(&BillingExport::default());
        c.billing().export(); c.billing().ledger_plans(); c.billing().ledger_plan("p", "p");
        c.billing().plans_in_use(); c.billing().feature_options(None);
        c.billing().create_feature_option(&FeatureOptionIn::default()); c.billing().ledger_options();
        c.billing().feature_categories(); c.billing().plan_of("p"); c.billing().billable("p");
        c.billing().overrides("p"); c.billing().get_override("p", "p");
        c.billing().set_override("p", "p", &agreed); c.billing().delete_override("p", "p");
        c.claims().get(ClaimedResource::Companies, "p"); c.claims().get(ClaimedResource::BillingPlans, "1");
        c.claims().manual(ClaimedResource::Companies, "p", "p"); c.claims().release(ClaimedResource::Companies, "p", "p");
        c.deleted().list("p", &list); c.deleted().restore("p", 1);
        c.devices().list(&DeviceOptions::default()); c.devices().get(1);
        c.tickets().list(&TicketOptions::default()); c.tickets().active(None, None); c.tickets().get(1);
        c.tickets().update(1, &TicketUpdateIn::default()); c.tickets().of_company("p", None);
        c.tickets().of_psa(&PsaTicketOptions::default()); c.tickets().active_of_psa(None);
        c.psa_agents().config(); c.psa_agents().list(None);
        c.sync().start(SyncKind::Psa); c.sync().start(SyncKind::Datto); c.sync().start(SyncKind::Tickets);
        c.sync().start(SyncKind::TicketHistory); c.sync().start(SyncKind::Agents); c.sync().start(SyncKind::Audits);
        c.sync().start(SyncKind::AssignAccounts); c.sync().start(SyncKind::PushAccounts);
        c.sync().status("p"); c.sync().last("p"); c.sync().jobs(1); c.sync().job("p"); c.sync().cancel("p");
        c.sync().events("p");
        c.outbox().list(None); c.outbox().retry(1); c.outbox().cancel(1);
        c.duplicates().list(&list); c.duplicates().get(1); c.duplicates().merge(1, None); c.duplicates().reject(1);
        c.tags().list(&list); c.tags().get(1); c.tags().create(&TagIn::default()); c.tags().update(1, &TagIn::default());
        c.tags().delete(1); c.tags().add(1, &tagged); c.tags().remove(1, &tagged);
        c.views().list(&list); c.views().get(1); c.views().create(&ViewIn::default()); c.views().update(1, &ViewIn::default());
        c.views().delete(1);
        c.facets(ListedResource::Assets, &[], &list); c.facets(ListedResource::Companies, &[], &list);
        c.facets(ListedResource::Contacts, &[], &list); c.facets(ListedResource::Tickets, &[], &list);
        c.holds().list(None); c.holds().approve("p"); c.holds().reject("p");
        c.health().get(); c.health().live(); c.health().ready(); c.health().metrics();
        c.webhooks().health(); c.webhooks().test(&secret);
        c.webhooks().freshservice_ticket(&secret, &json!({})); c.webhooks().superops_ticket(&secret, &json!({}));
        c.search("p", &SearchOptions::default()); c.export("p", ExportFormat::Csv); c.openapi(); c.root();
        c.dashboard();
    }
}
