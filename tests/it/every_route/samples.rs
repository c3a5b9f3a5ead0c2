//! A body of every operation that takes one: all of it is taken, and changes something.

use serde_json::{Value, json};

use super::{Operation, operations, same_names, world::World};

/// A body that is taken, and what is known of its members.
#[derive(Clone)]
pub struct Sample {
    pub body: Value,
    /// Where in it the members are that can be said: a pointer.
    pub place: &'static str,
    /// Members that must not be null.
    pub required: &'static [&'static str],
    /// Members that take none but certain texts; every other text is free.
    pub chosen: &'static [&'static str],
    /// Members that are taken and say nothing.
    pub ignored: fn(&str) -> bool,
    /// Where what was said can be read.
    pub read: &'static str,
    pub refusal: Refusal,
}

/// What answers a member that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 422, with a pointer.
    Pointed,
    /// The same, or 400 naming the member, as today's modules know it.
    Named,
    /// Bodies of webhooks are read for what can be read (contract 1.2.I).
    Lenient,
}
use Refusal::{Lenient, Named, Pointed};

const THEMES: &[&str] = &[
    "theme_preference",
    "preferred_color_theme",
    "knowledgetree_view_preference",
    "home_page_preference",
];
const NEW_AGENT: &[&str] = &[
    "keycloak_id",
    "email",
    THEMES[0],
    THEMES[1],
    THEMES[2],
    THEMES[3],
];
const ASSET: &[&str] = &["company_account_number", "warranty_date"];
const COLOUR: &[&str] = &["colour"];
const CONTACT: &[&str] = &["email"];
const VIEW: &[&str] = &["audience", "query", "resource", "role"];
const COMPANY: &[&str] = &[
    "account_number",
    "compliance_level",
    "contract_start_date",
    "contract_end_date",
    "timezone",
];
const PLAN: &[&str] = &[
    "plan_name",
    "term_length",
    "per_user_cost",
    "per_workstation_cost",
    "per_server_cost",
    "per_vm_cost",
    "per_switch_cost",
    "per_firewall_cost",
    "per_hour_ticket_cost",
    "backup_base_fee_workstation",
    "backup_base_fee_server",
    "backup_included_tb",
    "backup_per_tb_fee",
    "backup_cost_per_gb_workstation",
    "backup_cost_per_gb_server",
];

impl Sample {
    fn new(body: Value, required: &'static [&'static str], read: &'static str) -> Self {
        Self {
            body,
            place: "",
            required,
            chosen: &[],
            ignored: |_| false,
            read,
            refusal: Pointed,
        }
    }

    fn at(self, place: &'static str) -> Self {
        Self { place, ..self }
    }

    fn chosen(self, chosen: &'static [&'static str]) -> Self {
        Self { chosen, ..self }
    }

    fn ignored(self, ignored: fn(&str) -> bool) -> Self {
        Self { ignored, ..self }
    }

    fn refusal(self, refusal: Refusal) -> Self {
        Self { refusal, ..self }
    }
}

/// The sample of an operation.
pub fn of(name: &str, world: &World) -> Sample {
    find(name, &world.newcomer).unwrap_or_else(|| panic!("{name} takes a body: give it a sample"))
}

fn find(name: &str, newcomer: &Value) -> Option<Sample> {
    let new = Sample::new;
    let nothing: &[&str] = &[];
    Some(match name {
        "POST /api/agents" => new(
            json!({"keycloak_id": newcomer["id"], "username": "newcomer"}),
            &["keycloak_id", "username"],
            "/api/agents",
        )
        .chosen(NEW_AGENT),
        "PUT /api/agents/{keycloak_id}" => {
            new(json!({"first_name": "Ann"}), &["username"], "/api/agents").chosen(NEW_AGENT)
        }
        "PUT /api/agents/{keycloak_id}/companies" => {
            new(json!({"company_account_numbers": ["100001"]}), &["company_account_numbers"], "")
        }
        "PUT /api/agents/{keycloak_id}/settings" => {
            new(json!({"theme_preference": "dark"}), nothing, "").chosen(THEMES)
                .ignored(|member| THEMES[2..].contains(&member)).refusal(Named)
        }
        "PUT /api/my/settings" => {
            new(json!({"home_page_preference": "helm"}), nothing, "").chosen(THEMES).refusal(Named)
        }
        "POST /api/assets/bulk" => {
            new(json!([{"hostname": "many"}]), &["hostname"], "/api/assets?fields={}").at("/0")
                .chosen(ASSET)
        }
        "POST /api/assets" => new(json!({"hostname": "fresh"}), &["hostname"], "/api/assets?fields={}")
            .chosen(ASSET),
        "PUT /api/assets/{id}" => {
            new(json!({"description": "changed"}), &["hostname"], "/api/assets?fields={}").chosen(ASSET)
        }
        "PUT /assets/{id}/update-contacts" => {
            new(json!({"contact_ids": []}), nothing, "").ignored(|member| member != "contact_ids")
        }
        "POST /api/billing-plans" => {
            new(json!({"plan_name": "Silver", "term_length": "1 Year"}), PLAN, "/api/billing-plans")
        }
        "PUT /api/billing-plans/{id}" => new(json!({"support_level": "All"}), PLAN, "/api/billing-plans"),
        "POST /api/billing-plans/import" => new(
            json!({"plans": [{"plan_name": "Bronze", "term_length": "1 Year"}], "feature_options": []}),
            PLAN,
            "/api/billing-plans",
        )
        .at("/plans/0"),
        "POST /api/companies" => new(json!({"name": "Fresh"}), &["name"], "/api/companies").chosen(COMPANY),
        "POST /api/companies/bulk" => {
            new(json!([{"name": "Many"}]), &["name"], "/api/companies").at("/0").chosen(COMPANY)
        }
        "PUT /api/companies/{account_number}" | "PUT /companies/{account_number}/update" => {
            new(json!({"description": "changed"}), &["name"], "/api/companies").chosen(COMPANY)
        }
        "POST /api/companies/{account_number}/locations" => {
            new(json!({"name": "Branch"}), &["name"], "/api/companies/100001/locations")
        }
        "POST /companies/{account_number}/locations" => new(
            json!({"name": "Branch", "address": "Street 1"}),
            &["name", "address"],
            "/api/companies/100001/locations",
        )
        .refusal(Named),
        "PUT /api/companies/{account_number}/locations/{id}"
        | "PUT /companies/{account_number}/locations/{id}" => {
            new(json!({"address": "Street 2"}), &["name"], "/api/companies/100001/locations")
        }
        "PUT /api/companies/{account_number}/overrides/{key}" => {
            new(json!({"value": "Agreed"}), &["value", "enabled"], "/api/companies/100001/overrides")
        }
        "POST /api/companies/{account_number}/renumber" => {
            new(json!({"account_number": "765432"}), &["account_number"], "").chosen(COMPANY).refusal(Named)
        }
        "POST /api/contacts/bulk" => {
            new(json!([{"name": "Many"}]), &["name"], "/api/contacts?fields={}").at("/0").chosen(CONTACT)
        }
        "POST /api/contacts" => {
            new(json!({"name": "Fresh"}), &["name"], "/api/contacts?fields={}").chosen(CONTACT)
        }
        "PUT /api/contacts/{id}" | "PUT /contacts/{id}/update" => {
            new(json!({"job_title": "Changed"}), &["name"], "/api/contacts?fields={}").chosen(CONTACT)
        }
        "POST /api/duplicates/{duplicate_id}/merge" => new(json!({"keep": null}), nothing, ""),
        "POST /api/feature-options" => new(
            json!({"feature_category": "sat", "option_value": "KnowBe4"}),
            &["feature_category", "option_value"],
            "/api/feature-options",
        ),
        "POST /api/tags" => new(json!({"name": "Fresh"}), &["name"], "/api/tags").chosen(COLOUR),
        "PUT /api/tags/{id}" => {
            new(json!({"colour": "#00ff00"}), &["name"], "/api/tags").chosen(COLOUR)
        }
        "POST /api/tags/{id}/add" | "POST /api/tags/{id}/remove" => {
            new(json!({"kind": "company", "account_numbers": ["100001"]}), &["kind"], "").chosen(&["kind"])
        }
        "POST /api/ticket/{ticket_id}/update" => {
            new(json!({"notes": "Said"}), nothing, "/api/ticket/{ticket_id}").chosen(&["status"])
                .ignored(|member| member == "assigned_to").refusal(Named)
        }
        "POST /api/views" => {
            new(json!({"audience": "shared", "name": "Fresh", "resource": "companies"}), &["name", "resource"], "/api/views").chosen(VIEW)
        }
        "PUT /api/views/{id}" => {
            new(json!({"query": "sort=-name"}), &["name", "resource"], "/api/views").chosen(VIEW)
        }
        // Nobody knows the ticket, so that nothing is done.
        "POST /webhooks/freshservice/ticket" => {
            new(json!({"event": "ticket.deleted", "ticket_id": 999_999}), nothing, "").refusal(Lenient)
        }
        "POST /webhooks/superops/ticket" | "POST /webhooks/test" => {
            new(json!({"any": "thing"}), nothing, "").refusal(Lenient)
        }
        _ => return None,
    })
}

#[test]
fn every_operation_with_a_body_has_a_sample() {
    let all = operations();
    let names = || all.iter().map(|one: &Operation| one.name.as_str());
    let with_sample = names().filter(|name| find(name, &Value::Null).is_some());
    let with_body = all
        .iter()
        .filter(|one| one.body.is_some())
        .map(|one| one.name.as_str());
    same_names("samples", with_sample, with_body);
}
