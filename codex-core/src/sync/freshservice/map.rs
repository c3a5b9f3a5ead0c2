//! Freshservice's items to our fields (contract 3.2, 3.3).

use chrono::{Datelike as _, Months};
use serde_json::{Map, Value};

use super::{List, NAME};
use crate::{
    billing_plans,
    companies::Company,
    contacts::Contact,
    dates::{self, EVENTS, LIVES},
    locations::Location,
    psa_agents::PsaAgent,
    records::{ItemError, SourceRecord},
    sync::engine::item::{Item, blank, text},
};

/// What moves while an agent works and says nothing about who the agent is: visits, points and levels of the
/// vendor's game, and since when tickets are assigned automatically.
const VOLATILE: [&str; 5] = [
    "last_login_at",
    "last_active_at",
    "scoreboard_level_id",
    "scoreboard_points",
    "auto_assign_status_changed_at",
];

/// A department: a company.
pub(super) fn department(value: &Value) -> Result<SourceRecord<Company>, ItemError> {
    let mut item = Item::new("department", value)?;
    let id = item.id("id", true)?;
    item.state("external_id", id.parse::<i64>().ok());
    item.state("external_source", NAME);
    let name = item.take("name").as_ref().and_then(text);
    item.state("name", name.ok_or_else(|| item.fault("`name` is missing"))?);
    for field in ["description", "head_name", "prime_user_name"] {
        item.text(field, field);
    }
    for field in ["head_user_id", "prime_user_id", "workspace_id"] {
        item.number(field, field);
    }
    item.texts("domains", "domains");

    let mut custom = item.nested("custom_fields");
    item.text_of(&mut custom, "account_number", "account_number");
    for (field, years) in [
        ("contract_start_date", &EVENTS),
        ("company_start_date", &LIVES),
    ] {
        item.date_of(&mut custom, field, field, years);
    }
    if let Some(account) = item.stated("account_number").and_then(text) {
        item.state("account_number", account.trim());
    }
    for field in [
        "plan_selected",
        "managed_users",
        "managed_devices",
        "managed_network",
        "contract_term",
        "profit_or_non_profit",
        "company_main_number",
        "address",
        "phone_system",
        "email_system",
        "datto_portal_url",
        "support_level",
    ] {
        item.any_text_of(&mut custom, field, field);
    }
    let own_plan = custom.remove("billing_plan");
    let plan = [item.stated("plan_selected"), own_plan.as_ref()];
    if plan.iter().any(Option::is_some) {
        let plan = plan.into_iter().flatten().find_map(text);
        item.state("billing_plan", plan);
    }
    state_contract(&mut item);
    Ok(incoming(item, id, List::Departments, custom))
}

/// Term and end of the contract follow from what the PSA has (contract 3.2).
fn state_contract(item: &mut Item) {
    // Of what is not there nothing is known, so nothing follows.
    let Some(term) = item.stated("contract_term").map(text) else {
        return;
    };
    let length = term.as_deref().map(billing_plans::term);
    let length = length.as_deref();
    item.state("contract_term_length", length);
    let Some(start) = item.stated("contract_start_date").map(text) else {
        return;
    };
    let years = length.and_then(|length| length.strip_suffix(" Year")?.parse::<u32>().ok());
    let end = start
        .zip(years)
        .and_then(|(start, years)| contract_end(&start, years));
    item.state("contract_end_date", end);
}

/// Start plus years less a day; a contract from 29 February ends on 28 February (the Flask service
/// left it open).
fn contract_end(start: &str, years: u32) -> Option<String> {
    let start = dates::day(start)?;
    let next = start.checked_add_months(Months::new(12 * years))?;
    // Months are clipped at the end of February, which is the last day already.
    let end = if next.day() == start.day() {
        next.pred_opt()?
    } else {
        next
    };
    EVENTS.contains(&end.year()).then(|| end.to_string())
}

/// The main offices of a page of departments, and the ids of those that state to have none.
pub(super) fn main_offices(items: &[Value]) -> (Vec<SourceRecord<Location>>, Vec<String>) {
    let (mut offices, mut closed) = (Vec::new(), Vec::new());
    for value in items {
        let Ok(mut item) = Item::new("department", value) else {
            continue;
        };
        let Ok(id) = item.id("id", true) else {
            continue;
        };
        let custom = item.nested("custom_fields");
        // An absent member says nothing about the office.
        let Some(address) = custom.get("address") else {
            continue;
        };
        let Some(address) = text(address) else {
            if blank(address) {
                closed.push(id);
            }
            continue;
        };
        let mut fields = Map::new();
        fields.insert("name".into(), "Main Office".into());
        fields.insert("address".into(), address.into());
        if let Some(phone) = custom.get("company_main_number") {
            fields.insert("phone_number".into(), text(phone).into());
        }
        fields.insert("company_external_id".into(), id.clone().into());
        fields.insert("external_source".into(), NAME.into());
        offices.push(SourceRecord::part(id, List::Departments.name(), fields));
    }
    (offices, closed)
}

/// A requester: a contact.
pub(super) fn requester(value: &Value) -> Result<SourceRecord<Contact>, ItemError> {
    let mut item = Item::new("requester", value)?;
    let id = item.id("id", true)?;
    item.state("external_id", id.parse::<i64>().ok());
    item.state("external_source", NAME);
    item.text("primary_email", "email");
    item.text("external_id", "psa_external_id");
    for field in [
        "first_name",
        "last_name",
        "mobile_phone_number",
        "work_phone_number",
        "address",
        "job_title",
        "location_name",
        "language",
        "time_zone",
        "time_format",
        "background_information",
    ] {
        item.text(field, field);
    }
    for field in ["reporting_manager_id", "location_id", "work_schedule_id"] {
        item.number(field, field);
    }
    for field in [
        "active",
        "is_agent",
        "vip_user",
        "has_logged_in",
        "can_see_all_tickets_from_associated_departments",
        "can_see_all_changes_from_associated_departments",
    ] {
        item.flag(field, field);
    }
    item.texts("secondary_emails", "secondary_emails");
    item.numbers("department_ids", "department_ids");
    item.texts("department_names", "department_names");
    let mut custom = item.nested("custom_fields");
    item.text_of(&mut custom, "user_number", "user_number");
    let name = display_name(&item, &id);
    item.state("name", name);
    Ok(incoming(item, id, List::Requesters, custom))
}

/// First and last name, else the e-mail's local part, else a telephone number, else the id: never the
/// word None.
fn display_name(item: &Item, id: &str) -> String {
    let field = |name| {
        item.stated(name)
            .and_then(text)
            .map(|text| text.trim().to_owned())
    };
    let names: Vec<String> = ["first_name", "last_name"]
        .into_iter()
        .filter_map(field)
        .collect();
    if !names.is_empty() {
        return names.join(" ");
    }
    let local = field("email").and_then(|email| Some(email.split('@').next()?.to_owned()));
    local
        .filter(|local| !local.is_empty())
        .or_else(|| field("work_phone_number"))
        .or_else(|| field("mobile_phone_number"))
        .unwrap_or_else(|| format!("Requester {id}"))
}

/// An agent.
pub(super) fn agent(value: &Value) -> Result<SourceRecord<PsaAgent>, ItemError> {
    let mut item = Item::new("agent", value)?;
    let id = item.id("id", true)?;
    item.state("external_id", id.parse::<i64>().ok());
    item.state("external_source", NAME);
    for field in ["email", "first_name", "last_name", "job_title"] {
        item.text(field, field);
    }
    for field in ["active", "occasional"] {
        item.flag(field, field);
    }
    item.numbers("department_ids", "department_ids");
    // `group_ids` left the answers in 2023 (vendors 1.7).
    let groups = ["member_of", "group_ids"];
    let groups = groups.into_iter().find(|name| value.get(*name).is_some());
    if let Some(groups) = groups {
        item.numbers(groups, "group_ids");
    }
    item.drop_volatile(&VOLATILE);
    let custom = item.nested("custom_fields");
    Ok(incoming(item, id, List::Agents, custom))
}

fn incoming<R: crate::records::Resource>(
    mut item: Item,
    external_id: String,
    list: List,
    custom: Map<String, Value>,
) -> SourceRecord<R> {
    let source_updated_at = item.take_time("updated_at");
    let mut incoming = item.into_incoming(external_id, list.name());
    incoming.source_updated_at = source_updated_at;
    if !custom.is_empty() {
        let custom = Value::Object(custom);
        incoming.extra.insert("custom_fields".into(), custom);
    }
    incoming
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Trap 20.
    #[test]
    fn unusable_custom_fields_state_nothing() {
        for custom in [json!(null), json!({}), json!([])] {
            let company =
                department(&json!({"id": 1, "name": "A", "custom_fields": custom})).unwrap();
            assert!(!company.fields.contains_key("account_number"));
        }
        let custom = json!({"account_number": 100_001, "plan_selected": "", "new_key": 1});
        let company =
            department(&json!({"id": "1", "name": "A", "custom_fields": custom})).unwrap();
        assert_eq!(company.fields["account_number"], "100001");
        assert_eq!(company.fields["plan_selected"], Value::Null);
        assert_eq!(company.extra["custom_fields"], json!({"new_key": 1}));
    }

    /// Trap 21.
    #[test]
    fn account_numbers_are_trimmed_and_empty_ones_null() {
        let number = |text: &str| {
            let custom = json!({"account_number": text});
            department(&json!({"id": 1, "name": "A", "custom_fields": custom}))
                .unwrap()
                .fields["account_number"]
                .clone()
        };
        assert_eq!(number(" 00123 "), "00123");
        assert_eq!(number("  "), Value::Null);
    }

    #[test]
    fn contract_ends_the_day_before_its_anniversary() {
        assert_eq!(
            contract_end("2024-03-01T00:00:00Z", 1).as_deref(),
            Some("2025-02-28")
        );
        assert_eq!(contract_end("2024-02-29", 1).as_deref(), Some("2025-02-28"));
        assert_eq!(contract_end("rubbish", 1), None);
        for beyond in ["9999-12-31", "2199-06-01", "262142-12-31"] {
            assert_eq!(contract_end(beyond, 3), None, "{beyond}");
        }
    }

    /// Trap 17.
    #[test]
    fn names_never_contain_the_word_none() {
        let name = |value: Value| requester(&value).unwrap().fields["name"].clone();
        assert_eq!(
            name(json!({"id": 1, "first_name": "Andrea", "last_name": null})),
            "Andrea"
        );
        assert_eq!(
            name(json!({"id": 1, "first_name": null, "primary_email": "a.b@x.test"})),
            "a.b"
        );
        assert_eq!(
            name(json!({"id": 1, "work_phone_number": "+1 555"})),
            "+1 555"
        );
        assert_eq!(name(json!({"id": 1})), "Requester 1");
    }

    #[test]
    fn item_without_id_or_name_is_a_fault() {
        for bad in [
            json!(null),
            json!({}),
            json!({"id": null, "name": "A"}),
            json!({"id": 1}),
        ] {
            assert!(department(&bad).is_err(), "{bad}");
        }
    }

    /// Trap 36.
    #[test]
    fn ids_of_64_bits_and_digit_strings_are_kept() {
        assert_eq!(
            requester(&json!({"id": 21_000_049_726_i64}))
                .unwrap()
                .external_id,
            "21000049726"
        );
        assert_eq!(
            requester(&json!({"id": "21000049726"}))
                .unwrap()
                .external_id,
            "21000049726"
        );
        assert!(requester(&json!({"id": "abc"})).is_err());
    }

    #[test]
    fn agent_groups_come_from_member_of() {
        let item = json!({"id": 1, "member_of": [5, "6"], "last_login_at": "x", "scoreboard_points": 5,
            "auto_assign_status_changed_at": "2026-01-05T10:00:00Z"});
        let fields = agent(&item).unwrap();
        assert_eq!(fields.fields["group_ids"], json!([5, 6]));
        assert!(fields.extra.is_empty());
    }

    #[test]
    fn main_office_follows_the_department_address() {
        let page = [
            json!({"id": 1, "custom_fields": {"address": "1 Road", "company_main_number": "5"}}),
            json!({"id": 2, "custom_fields": {"address": null}}),
            json!({"id": 3, "custom_fields": {}}),
        ];
        let (offices, closed) = main_offices(&page);
        assert_eq!(offices.len(), 1);
        assert_eq!(offices[0].fields["company_external_id"], "1");
        assert_eq!(closed, ["2"]);
    }

    /// A sample of the vendor, from the folder that `CODEX_VENDOR_FILES` names: it is the vendor's property.
    fn samples(name: &str) -> Option<Value> {
        let Some(folder) = std::env::var_os("CODEX_VENDOR_FILES") else {
            eprintln!("SKIPPED: {name} needs CODEX_VENDOR_FILES");
            return None;
        };
        let file = std::path::Path::new(&folder).join(name);
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    fn of_department(custom: &Value) -> Map<String, Value> {
        let item = json!({"id": 1, "name": "A", "custom_fields": custom});
        department(&item).unwrap().fields
    }

    #[test]
    fn vendor_samples_match_the_field_types() {
        use crate::records::resolve::typed;
        let folder = "freshservice/doc-samples/";
        for name in ["departments_list.json", "departments_list_msp.json"] {
            for item in samples(&format!("{folder}{name}"))
                .iter()
                .flat_map(|s| s["departments"].as_array().unwrap())
            {
                let fields = department(item).unwrap().fields;
                typed::<crate::companies::CompanyFields>("company", &fields).unwrap();
                assert!(
                    fields["name"]
                        .as_str()
                        .unwrap()
                        .starts_with("Department of Magical")
                );
            }
        }
        for (name, list) in [
            ("requesters_list.json", "requesters"),
            ("requesters_list_msp.json", "requester"),
        ] {
            for item in samples(&format!("{folder}{name}"))
                .iter()
                .flat_map(|s| s[list].as_array().unwrap())
            {
                let fields = requester(item).unwrap().fields;
                typed::<crate::contacts::ContactFields>("contact", &fields).unwrap();
                assert_eq!(fields["department_ids"], json!([554]));
            }
        }
        for item in samples(&format!("{folder}agents_list.json"))
            .iter()
            .flat_map(|s| s["agents"].as_array().unwrap())
        {
            let agent = agent(item).unwrap();
            typed::<crate::psa_agents::PsaAgentFields>("psa_agent", &agent.fields).unwrap();
            assert!(!agent.extra.contains_key("last_active_at"));
        }
    }

    /// Trap 20.
    #[test]
    fn absent_fields_are_not_stated_and_null_ones_clear() {
        let fields =
            department(&json!({"id": 1, "name": "A", "description": null, "domains": null}))
                .unwrap()
                .fields;
        assert_eq!(fields["description"], Value::Null);
        assert_eq!(fields["domains"], json!([]));
        for absent in [
            "head_user_id",
            "account_number",
            "contract_term_length",
            "contract_end_date",
            "billing_plan",
        ] {
            assert!(!fields.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn fields_derived_from_absent_fields_are_not_stated() {
        let fields = of_department(&json!({"contract_start_date": "2024-03-01"}));
        assert!(!fields.contains_key("contract_term_length"));
        assert!(!fields.contains_key("contract_end_date"));
        let fields = of_department(&json!({"contract_term": "1 year"}));
        assert_eq!(fields["contract_term_length"], "1 Year");
        assert!(!fields.contains_key("contract_end_date"));
        let fields =
            of_department(&json!({"contract_term": null, "contract_start_date": "2024-03-01"}));
        assert_eq!(fields["contract_term_length"], Value::Null);
        assert_eq!(fields["contract_end_date"], Value::Null);
        let page = [json!({"id": 1, "custom_fields": {"address": "1 Road"}})];
        assert!(!main_offices(&page).0[0].fields.contains_key("phone_number"));
    }

    #[test]
    fn values_of_wrong_type_clear_nothing_and_stay_in_extra() {
        let item = json!({"id": 1, "name": "A", "domains": "x.test", "head_user_id": "nobody",
            "description": {"html": "x"}, "custom_fields": {"address": ["x"]}});
        let company = department(&item).unwrap();
        for member in ["domains", "head_user_id", "description"] {
            assert!(!company.fields.contains_key(member), "{member}");
            assert_eq!(company.extra[member], item[member]);
        }
        assert!(!company.fields.contains_key("address"));
        assert_eq!(company.extra["custom_fields"]["address"], json!(["x"]));
        assert_eq!(
            main_offices(&[item]).1,
            Vec::<String>::new(),
            "no office is closed for that"
        );
        let person =
            requester(&json!({"id": 1, "department_ids": ["x"], "active": "perhaps"})).unwrap();
        assert!(
            !person.fields.contains_key("department_ids"),
            "links stay when they cannot be read"
        );
        assert!(!person.fields.contains_key("active"));
    }

    #[test]
    fn unreadable_list_element_is_skipped_and_reported() {
        let person = json!({"id": 1, "department_ids": [5, {}], "secondary_emails": ["a@x.test", 7, []],
            "department_names": [true, "Acme"]});
        let person = requester(&person).unwrap();
        assert_eq!(person.fields["department_ids"], json!([5]));
        assert_eq!(person.fields["secondary_emails"], json!(["a@x.test", "7"]));
        assert_eq!(person.fields["department_names"], json!(["Acme"]));
        let lists = ["secondary_emails", "department_ids", "department_names"];
        assert_eq!(person.incomplete, lists);
        let unread: Vec<&str> = person.unread.iter().map(|unread| &*unread.member).collect();
        assert_eq!(unread, lists);
        for (groups, stated, reported) in [
            (
                json!({"member_of": [5, {}]}),
                Some(json!([5])),
                Some("member_of"),
            ),
            (
                json!({"group_ids": [{}, 6]}),
                Some(json!([6])),
                Some("group_ids"),
            ),
            (json!({"member_of": "5"}), None, Some("member_of")),
            (
                json!({"member_of": null, "group_ids": [6]}),
                Some(json!([])),
                None,
            ),
            (json!({}), None, None),
        ] {
            let mut value = json!({"id": 1});
            value
                .as_object_mut()
                .unwrap()
                .extend(groups.as_object().unwrap().clone());
            let agent = agent(&value).unwrap();
            assert_eq!(agent.fields.get("group_ids"), stated.as_ref(), "{groups}");
            let unread: Vec<&str> = agent.unread.iter().map(|unread| &*unread.member).collect();
            assert_eq!(unread, Vec::from_iter(reported), "{groups}");
        }
    }

    /// Trap 21.
    #[test]
    fn decimal_account_numbers_and_ids_are_normalized() {
        assert_eq!(
            of_department(&json!({"account_number": 100_001.0}))["account_number"],
            "100001"
        );
        assert_eq!(
            department(&json!({"id": "007", "name": "A"}))
                .unwrap()
                .external_id,
            "7"
        );
    }

    #[test]
    fn selected_plan_wins_over_the_plan_custom_field() {
        let plan = |custom: Value| of_department(&custom)["billing_plan"].clone();
        assert_eq!(
            plan(json!({"plan_selected": "Gold", "billing_plan": "Old"})),
            "Gold"
        );
        assert_eq!(
            plan(json!({"plan_selected": null, "billing_plan": "Old"})),
            "Old"
        );
        assert_eq!(plan(json!({"plan_selected": null})), Value::Null);
    }

    /// Trap 29.
    #[test]
    fn updated_at_becomes_source_updated_at() {
        let item = json!({"id": 1, "name": "A", "updated_at": "2019-04-04T04:45:15.983Z"});
        let company = department(&item).unwrap();
        assert_eq!(
            company.source_updated_at,
            crate::sync::time::parse(&item["updated_at"])
        );
        assert!(company.source_updated_at.is_some() && company.extra.is_empty());
    }
}
