//! The keys of every answer that modules read (contract 1.2), of records of which everything is known and of
//! records of which nothing is.

use codex_tests::{
    harness::{database::TestDatabase, keys},
    on_each_engine,
};
use reqwest::Method;
use serde_json::Value;

use super::{
    operations, same_names, samples,
    world::{Owner, World},
};

const COMPANY: &str = "account_number~ billing_plan! company_main_number company_start_date compliance_level! \
    contract_end_date contract_start_date contract_term_length description domains email_system name! phone_system \
    profit_or_non_profit support_level";
const CONTACT: &str = "active! company_compliance_level! email! employment_type! id! mobile_phone_number name! \
    secondary_emails title work_phone_number";
const ASSET: &str = "antivirus_product backup_data_bytes! backup_usage_tb company_compliance_level! device_type domain \
    ext_ip_address hardware_type hostname! id! int_ip_address last_logged_in_user last_seen online operating_system";
const LOCATION: &str = "address company_compliance_level! id! name! phone_number";
const COMPANY_TICKET: &str = "closed_at conversations! created_at description description_text last_updated_at! notes! \
    priority requester_email requester_name status subject ticket_id! ticket_number! total_hours_spent!";
const TICKET: &str = "closed_at company_compliance_level! company_id~ created_at description_text id! last_updated_at! \
    priority requester_email requester_name status~ subject ticket_number! total_hours_spent!";
const PLAN: &str = "antivirus! backup_base_fee_server! backup_base_fee_workstation! backup_cost_per_gb_server! \
    backup_cost_per_gb_workstation! backup_included_tb! backup_per_tb_fee! billing_plan! email_security! id! \
    network_management! password_manager! per_firewall_cost! per_hour_ticket_cost! per_server_cost! per_switch_cost! \
    per_user_cost! per_vm_cost! per_workstation_cost! plan_name! sat! soc! support_level term_length!";
const DEVICE: &str = "company_id~ company_name~ device_type id! ip_address last_logged_in_user last_seen name! os status!";
const DEVICE_DETAIL: &str = "antivirus company_id~ company_name~ device_type domain hardware! health! id! \
    installed_software! ip_address last_logged_in_user last_reboot last_seen mac_address name! os os_version patch_status status!";
const JOB_DETAIL: &str =
    "completed_at error id! provider report! script! started_at! status! sync! sync_type~";
const AUDIT: &str = "asset_id! audited_at base_board bios_released_at bios_version cpu cpu_cores disk_bytes disk_free_bytes \
    manufacturer model parts! ram_bytes serial_number software!";
const JOB: &str = "completed_at error id! output script! started_at! status! success";
const AGENT: &str = "created_at! email! enabled! first_name! home_page_preference! keycloak_id! \
    knowledgetree_view_preference! last_name! last_synced_at! preferred_color_theme! theme_preference! updated_at! username!";

const PSA_TICKET: &str = "company_id~ company_name! created_at external_id group_id id! priority requester_email \
    requester_name responder_id source status~ subject ticket_number! total_hours~ updated_at!";
const PSA_ACTIVE: &str = "company_id~ company_name! created_at due_by external_id fr_due_by group_id id! priority \
    requester_name responder_id responder_name! source status~ subject ticket_number! updated_at!";
const ACTIVE: &str = "agent_name! agent_responded_at agent_responded_friendly! company_id~ created_at_str created_days_old! \
    description_text due_by_str first_responded_at_iso fr_due_by_str group_id id! priority priority_id priority_raw \
    priority_text! requester_email requester_id requester_name! responder_id sla_class! sla_text! source status~ \
    status_id~ status_text! subject ticket_number! ticket_type total_hours_spent! type updated_at_str~ updated_friendly!";
const LEDGER_PLAN: &str = "backup_base_fee_server! backup_base_fee_workstation! backup_included_tb! backup_per_tb_fee! \
    feature_display_names! features! id! per_firewall_cost! per_hour_ticket_cost! per_server_cost! per_switch_cost! \
    per_user_cost! per_vm_cost! per_workstation_cost! plan_name! support_level~ term_length!";
const LEDGER_ONE: &str = "backup_base_fee_server! backup_base_fee_workstation! backup_included_tb! backup_per_tb_fee! \
    features! id! per_firewall_cost! per_hour_ticket_cost! per_server_cost! per_switch_cost! per_user_cost! per_vm_cost! \
    per_workstation_cost! plan_name! support_level! term_length!";
const OPTION: &str = "description display_name! feature_category! feature_type! id! option_value!";
const OVERRIDE: &str = "enabled! key! value!";
const TAG: &str = "assets! colour companies! contacts! created_at! id! name! updated_at!";
const FACET: &str = "column! others! values!";
const VIEW: &str = "audience! created_at! id! name! owner! query! resource! role~ updated_at!";
const SETTINGS: &str = "email! home_page_preference! knowledgetree_view_preference! preferred_color_theme! synced! \
    theme_preference! username!";
const PAGINATION: &str = "has_next! has_prev! next_num~ page! pages! prev_num~ total!";
const CLAIMS: &str = "fields! id! resource! sources!";
const HEALTH: &str = "checks! service! status! timestamp!";

/// What reads, where in its answer (`*` is each of a list, which must not be empty), and the keys there: with `!`
/// never null, with `~` null or not, else null as long as nothing is known.
#[rustfmt::skip] // A row a line, as a table is read.
const READS: &[(&str, &str, &str)] = &[
    ("/", "", "docs! health! openapi! service!"),
    ("/health", "", HEALTH),
    ("/api/health", "", HEALTH),
    ("/health/live", "", "service! status! timestamp!"),
    ("/health/ready", "", "service! status! timestamp!"),
    ("/webhooks/health", "", "endpoints! ip_allowlist_enabled! secret_configured! status! supported_providers! timestamp! webhooks_enabled!"),
    ("/api/companies", "/*", COMPANY),
    ("/api/companies/{account_number}", "", COMPANY),
    ("/api/company/{account_number}", "", COMPANY),
    ("/api/companies/bulk", "/*", "assets! company! contacts! locations!"),
    ("/api/companies/bulk", "/*/company", COMPANY),
    ("/api/companies/bulk", "/*/assets/*", ASSET),
    ("/api/companies/bulk", "/*/contacts/*", CONTACT),
    ("/api/companies/bulk", "/*/locations/*", LOCATION),
    ("/api/companies/bulk?include_tickets=true", "/*", "assets! company! contacts! locations! tickets!"),
    ("/api/companies/bulk?include_tickets=true", "/*/tickets/*", COMPANY_TICKET),
    ("/api/companies/{account_number}/assets", "/*", ASSET),
    ("/api/companies/{account_number}/contacts", "/*", CONTACT),
    ("/api/companies/{account_number}/users", "/*", CONTACT),
    ("/api/companies/{account_number}/locations", "/*", LOCATION),
    ("/api/companies/{account_number}/locations/{id}", "", LOCATION),
    ("/api/companies/{account_number}/tickets", "/*", COMPANY_TICKET),
    ("/api/companies/{account_number}/billable", "", "account_number! backup! network_devices! other! servers! users! vms! workstations!"),
    ("/api/companies/{account_number}/billable", "/users", "count! records!"),
    ("/api/companies/{account_number}/billable", "/backup", "bytes! records! tb!"),
    ("/api/companies/{account_number}/plan", "", "account_number! features! plan_id~ plan_name! prices! support_level~ term_length!"),
    ("/api/companies/{account_number}/plan", "/prices/*", "plan_value~ source! value!"),
    ("/api/companies/{account_number}/plan", "/features/*", "plan_value~ source! value!"),
    ("/api/companies/{account_number}/overrides", "/*", OVERRIDE),
    ("/api/companies/{account_number}/overrides/{key}", "", OVERRIDE),
    ("/api/contacts", "/*", CONTACT),
    ("/api/contacts/{id}", "", CONTACT),
    ("/api/contact/{id}", "", CONTACT),
    ("/api/assets", "/*", ASSET),
    ("/api/assets/{id}", "", ASSET),
    ("/api/asset/{id}", "", ASSET),
    ("/api/assets/{id}/audit", "", AUDIT),
    ("/api/assets/facets", "/*", FACET),
    ("/api/assets/facets", "/*/values/*", "count! value~"),
    ("/api/companies/facets", "/*", FACET),
    ("/api/contacts/facets", "/*", FACET),
    ("/api/tickets/facets", "/*", FACET),
    ("/api/views", "/*", VIEW),
    ("/api/views/{id}", "", VIEW),
    ("/api/tags", "/*", TAG),
    ("/api/tags/{id}", "", TAG),
    ("/api/tickets", "", "count! limit! offset! tickets! total!"),
    ("/api/tickets", "/tickets/*", TICKET),
    ("/api/ticket/{ticket_id}", "", "closed_at company_compliance_level! company_id~ company_name~ conversations! created_at \
        description description_text external_id id! last_updated_at! notes! priority priority_text! requester_email \
        requester_name source status status_text! subject ticket_number! total_hours_spent! updated_at!"),
    ("/api/ticket/{ticket_id}", "/conversations/*", "body! body_html! created_at from_email id incoming! private! support_email \
        text! to_emails! updated_at user user_id"),
    ("/api/tickets/active", "", "last_sync_time~ last_updated! section1! section2! section3! section4! total_active!"),
    ("/api/tickets/active", "/*/*", ACTIVE),
    ("/api/psa/tickets", "/*", PSA_TICKET),
    ("/api/psa/tickets/active", "/*", PSA_ACTIVE),
    ("/api/psa/agents", "/*", "active! email external_id! id! job_title name! source!"),
    ("/api/psa/config", "", "default_provider! providers!"),
    ("/api/psa/config", "/providers/*", "company_url_template! contact_url_template! group_ids! name! ticket_url_template!"),
    ("/api/rmm/devices", "", "count! devices!"),
    ("/api/rmm/devices", "/devices/*", DEVICE),
    ("/api/datto/devices", "/devices/*", DEVICE),
    ("/api/rmm/device/{device_id}", "", DEVICE_DETAIL),
    ("/api/datto/device/{device_id}", "", DEVICE_DETAIL),
    ("/api/rmm/device/{device_id}", "/hardware", "cpu disk_gb ram_gb"),
    ("/api/rmm/device/{device_id}", "/health", "cpu_usage disk_usage ram_usage"),
    ("/api/billing-plans", "/*", PLAN),
    ("/api/billing-plans/{id}", "", PLAN),
    ("/api/billing-plans/{plan_name}/{term_length}", "", "features! id! plan_name! support_level~ term_length!"),
    ("/api/feature-options", "/*", OPTION),
    ("/billing-plans/api/plans", "", "count! plans! status!"),
    ("/billing-plans/api/plans", "/plans/*", LEDGER_PLAN),
    ("/billing-plans/api/plans/{plan_name}/{term_length}", "", "plan! status!"),
    ("/billing-plans/api/plans/{plan_name}/{term_length}", "/plan", LEDGER_ONE),
    ("/billing-plans/api/feature-options", "", "categories! features! status!"),
    ("/billing-plans/api/feature-options", "/features/*/*", "category! description display_name! id! value!"),
    ("/billing-plans/api/feature-categories", "", "categories! count! status!"),
    ("/billing-plans/api/bulk-plans", "", "plans!"),
    ("/billing-plans/api/bulk-plans", "/plans/*", "antivirus! email_security! network_management! password_manager! plan_name! sat! soc! \
        support_level~ term_length!"),
    ("/billing-plans/export", "", "feature_options! plans!"),
    ("/api/agents", "", "agents! total!"),
    ("/api/agents", "/agents/*", AGENT),
    ("/api/agents/{keycloak_id}", "", AGENT),
    ("/api/agents/{keycloak_id}/companies", "", "company_account_numbers!"),
    ("/api/agents/{keycloak_id}/settings", "", SETTINGS),
    ("/api/my/settings", "", SETTINGS),
    ("/api/public/user/theme", "", "color_theme! source! theme!"),
    ("/api/public/user/home-page", "", "home_page! source!"),
    ("/sync/status/{job_id}", "", JOB),
    ("/sync/last/{script}", "", JOB),
    ("/sync/jobs", "/*", JOB_DETAIL),
    ("/sync/jobs/{job_id}", "", JOB_DETAIL),
    ("/api/{resource}/{id}/claims", "", CLAIMS),
    ("/api/{resource}/{id}/claims", "/fields/*", "field! others! since~ source~ value~"),
    ("/api/{resource}/{id}/claims", "/sources/*", "external_id~ first_seen! gone_at~ source! source_updated_at~"),
    ("/api/billing-plans/{id}/claims", "", CLAIMS),
    ("/api/deleted/{kind}", "/*", "deleted_at! deleted_by! id! kind! name!"),
    ("/api/dashboard", "", "assets! contracts! counts! own pending! syncs! tickets!"),
    ("/api/dashboard", "/assets", "offline! online! operating_systems! patch_states! unknown! went_offline! went_offline_today!"),
    ("/api/dashboard", "/counts", "agents! assets! billing_plans! companies! contacts! open_tickets!"),
    ("/api/dashboard", "/tickets", "by_company! by_priority! newest! open! open_statuses! overdue! weeks!"),
    ("/api/dashboard", "/tickets/weeks/*", "closed! opened! week!"),
    ("/api/search?q=bare", "", "count! more! query! results!"),
    ("/api/search?q=bare", "/results/*", "company_account_number company_name detail id! kind! matched! path! title!"),
    ("/companies/api/search", "", "companies! pagination! success!"),
    ("/companies/api/search", "/companies/*", "account_number~ contract_end_date description email_system name! phone_system plan_selected"),
    ("/companies/api/search", "/pagination", PAGINATION),
    ("/contacts/api/search", "", "contacts! pagination! success!"),
    ("/contacts/api/search?show_inactive=1", "/contacts/*", "active company_count! email id! mobile_phone_number name! work_phone_number"),
    ("/assets/api/search", "", "assets! pagination! success!"),
    ("/assets/api/search", "/assets/*", "antivirus_product company_account_number~ company_name~ description domain ext_ip_address \
        hardware_type hostname id! int_ip_address last_logged_in_user last_seen online operating_system patch_status web_remote_url"),
    ("/companies/{account_number}/locations", "", "locations! success!"),
    ("/companies/{account_number}/locations", "/locations/*", LOCATION),
];

/// What reads and has no keys of its own.
const OTHERS: &[&str] = &[
    "/api/duplicates",
    "/api/duplicates/{duplicate_id}",
    // One of `fields` of the record's claims.
    "/api/{resource}/{id}/claims/manual/{field}",
    "/api/export/{file}",
    "/metrics",
    "/openapi.json",
    "/sync/jobs/{job_id}/events",
    "/sync/holds",
    "/sync/outbox",
];

/// Places where there is nothing of companies that have no plan, and of records that no source has.
const OF_WHAT_IS_KNOWN: &[&str] = &["/prices/*", "/plans/*", "/sources/*"];

/// Everything at a place; a `*` stands for each of a list or an object.
fn at<'v>(value: &'v Value, place: &str) -> Vec<&'v Value> {
    place.split('/').skip(1).fold(vec![value], |found, step| {
        let each = found.into_iter().flat_map(|value| match (step, value) {
            ("*", Value::Array(items)) => items.iter().collect(),
            ("*", Value::Object(map)) => map.values().collect(),
            ("*", _) => Vec::new(),
            (step, value) => vec![&value[step]],
        });
        each.collect()
    })
}

/// What is wrong with the keys of an object, or with what is null of it.
fn fault(object: &Value, wanted: &str, nothing_known: bool) -> Option<String> {
    let names: Vec<&str> = wanted
        .split_whitespace()
        .map(|key| key.trim_end_matches(['!', '~']))
        .collect();
    if keys(object) != names {
        return Some(format!("{:?}, not {names:?}", keys(object)));
    }
    let wrong = wanted.split_whitespace().filter(|key| {
        let null = object[key.trim_end_matches(['!', '~'])].is_null();
        (key.ends_with('!') && null) || (nothing_known && !null && !key.ends_with(['!', '~']))
    });
    let wrong: Vec<&str> = wrong.collect();
    (!wrong.is_empty()).then(|| format!("{wrong:?} in {object}"))
}

async fn hold(world: &World, nothing_known: bool) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for (path, place, wanted) in READS {
        let address = world.path(path, Owner::Own);
        let answer = world.call("admin", &Method::GET, &address).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status != 200 {
            wrong.push(format!("{address}: {status} {text:.300}"));
            continue;
        }
        let value: Value = serde_json::from_str(&text)?;
        let found = at(&value, place);
        if found.is_empty() && !(nothing_known && OF_WHAT_IS_KNOWN.contains(place)) {
            wrong.push(format!("{address} has nothing at {place}"));
        }
        let first = found
            .into_iter()
            .find_map(|object| fault(object, wanted, nothing_known));
        wrong.extend(first.map(|fault| format!("{address} {place}: {fault}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// What a call that is made answers with; nothing where the answer has no body.
#[rustfmt::skip] // A row a line, as a table is read.
const WRITES: &[(&str, &str)] = &[
    ("PUT /api/agents/{keycloak_id}/settings", "agent message success"),
    ("PUT /api/my/settings", "home_page_preference knowledgetree_view_preference message preferred_color_theme success theme_preference"),
    ("PUT /api/agents/{keycloak_id}", AGENT),
    ("PUT /api/agents/{keycloak_id}/companies", "company_account_numbers"),
    ("POST /api/agents", "agent success verified"),
    ("POST /api/assets", ASSET),
    ("PUT /api/assets/{id}", ASSET),
    ("PUT /assets/{id}/update-contacts", "message success"),
    ("DELETE /api/assets/{id}", ""),
    ("POST /api/contacts", CONTACT),
    ("PUT /api/contacts/{id}", CONTACT),
    ("PUT /contacts/{id}/update", "message success"),
    ("DELETE /api/contacts/{id}", ""),
    ("POST /api/deleted/{kind}/{id}/restore", ""),
    ("POST /api/billing-plans", "id message"),
    ("POST /api/billing-plans/import", "options_created options_skipped plans_created plans_skipped"),
    ("PUT /api/billing-plans/{id}", "id message"),
    ("POST /api/feature-options", "id message"),
    ("DELETE /api/billing-plans/{id}", "id message"),
    ("POST /api/views", VIEW),
    ("PUT /api/views/{id}", VIEW),
    ("DELETE /api/views/{id}", ""),
    ("POST /api/tags", TAG),
    ("PUT /api/tags/{id}", TAG),
    ("POST /api/tags/{id}/add", "added unchanged"),
    ("POST /api/tags/{id}/remove", "removed unchanged"),
    ("DELETE /api/tags/{id}", ""),
    ("POST /api/ticket/{ticket_id}/update", "message success ticket_id"),
    ("PUT /api/companies/{account_number}/overrides/{key}", OVERRIDE),
    ("DELETE /api/companies/{account_number}/overrides/{key}", ""),
    ("POST /companies/{account_number}/locations", "location success"),
    ("POST /api/companies/{account_number}/locations", LOCATION),
    ("PUT /api/companies/{account_number}/locations/{id}", LOCATION),
    ("PUT /companies/{account_number}/locations/{id}", "location success"),
    ("DELETE /api/companies/{account_number}/locations/{id}", ""),
    ("DELETE /companies/{account_number}/locations/{id}", "message success"),
    ("POST /api/companies", COMPANY),
    ("POST /api/companies/bulk", "created failed results updated"),
    ("POST /api/contacts/bulk", "created failed results updated"),
    ("POST /api/assets/bulk", "created failed results updated"),
    ("PUT /companies/{account_number}/update", "message success"),
    ("PUT /api/companies/{account_number}", COMPANY),
    ("POST /api/companies/{account_number}/renumber", "account_number previous"),
    ("DELETE /api/{resource}/{id}/claims/manual/{field}", ""),
    ("DELETE /api/companies/{account_number}", ""),
    ("POST /webhooks/freshservice/ticket", "provider reason status ticket_id"),
    ("POST /webhooks/superops/ticket", "message status"),
    ("POST /webhooks/test", "message source_ip status timestamp"),
    ("POST /sync/agents", "job_id message success"),
    ("POST /sync/audits", "job_id message success"),
    ("POST /sync/create-account-numbers", "job_id message success"),
    ("POST /sync/datto", "job_id message success"),
    ("POST /sync/freshservice", "job_id message success"),
    ("POST /sync/psa", "job_id message success"),
    ("POST /sync/push-to-datto", "job_id message success"),
    ("POST /sync/{sync}", "job_id message success"),
    ("POST /sync/tickets", "job_id message success"),
    ("POST /sync/tickets/full-history", "job_id message success"),
    ("POST /api/agents/sync", "created success synced total_keycloak_users updated"),
];

/// Calls that need something held, waiting or at work; `sync` has it.
const ELSEWHERE: &[&str] = &[
    "POST /api/duplicates/{duplicate_id}/merge",
    "POST /api/duplicates/{duplicate_id}/reject",
    "POST /sync/holds/{hold_id}/approve",
    "POST /sync/holds/{hold_id}/reject",
    "POST /sync/jobs/{job_id}/cancel",
    "POST /sync/outbox/{change_id}/cancel",
    "POST /sync/outbox/{change_id}/retry",
];

#[test]
fn every_write_has_its_keys_in_the_table() {
    let all = operations();
    let writes = all
        .iter()
        .filter(|one| one.method != Method::GET)
        .map(|one| one.name.as_str());
    let table = WRITES
        .iter()
        .map(|row| row.0)
        .chain(ELSEWHERE.iter().copied());
    same_names("keys", table, writes);
}

#[test]
fn every_read_has_its_keys_in_the_table() {
    let all = operations();
    let reads = all
        .iter()
        .filter(|one| one.method == Method::GET)
        .map(|one| one.path.as_str());
    let table = READS
        .iter()
        .map(|row| row.0.split('?').next().unwrap())
        .chain(OTHERS.iter().copied());
    same_names("keys", table, reads);
}

on_each_engine! {
    async fn every_read_answers_with_the_contract_keys(world: World) -> TestResult {
        hold(&world, false).await
    }

    async fn every_write_answers_with_the_contract_keys(world: World) -> TestResult {
        let (operations, mut wrong) = (operations(), Vec::new());
        for (name, wanted) in WRITES {
            let operation = operations.iter().find(|one| one.name == *name).unwrap();
            // One location is deleted by each of two ways.
            let whose = if name.starts_with("DELETE /companies") { Owner::Foreign } else { Owner::Own };
            let mut call = world.call("admin", &operation.method, &operation.at(&world, whose));
            if operation.body.is_some() {
                call = call.json(&samples::of(name, &world).body);
            }
            let answer = call.send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            if !status.is_success() || (status == 204) != wanted.is_empty() {
                wrong.push(format!("{name}: {status} {text:.300}"));
            } else if !wanted.is_empty() {
                wrong.extend(fault(&serde_json::from_str(&text)?, wanted, false).map(|fault| format!("{name}: {fault}")));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        Ok(())
    }

    async fn empty_records_have_the_contract_keys(database: TestDatabase) -> TestResult {
        let world = World::of_nothing_known(database).await?;
        hold(&world, true).await
    }
}
