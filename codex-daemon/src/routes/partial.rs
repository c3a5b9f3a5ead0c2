//! Answers with some fields of each record (`fields=`), described: nothing in them is required, and tracked fields may
//! be there beside the keys of the whole record.

use codex_core::{
    agents::AgentFields, assets::AssetFields, billing_plans::BillingPlanFields, changes::Tracked,
    companies::CompanyFields, contacts::ContactFields, locations::LocationFields,
    tickets::TicketFields,
};
use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, Content, OpenApi, RefOr, Schema};

use super::paging::{COMPANIES, COMPANY, ROW_ID};

/// What a caller may choose beside the keys of a record.
struct Further {
    path: &'static str,
    /// What is tracked of it.
    tracked: &'static [&'static str],
    /// What is neither.
    name: Option<&'static str>,
}

const fn list(
    path: &'static str,
    tracked: &'static [&'static str],
    name: Option<&'static str>,
) -> Further {
    Further {
        path,
        tracked,
        name,
    }
}

const LISTS: [Further; 11] = [
    list("/api/companies", CompanyFields::NAMES, None),
    list("/api/contacts", ContactFields::NAMES, Some(COMPANIES)),
    list("/api/assets", AssetFields::NAMES, Some(COMPANY)),
    list("/api/tickets", TicketFields::NAMES, Some(COMPANY)),
    list("/api/agents", AgentFields::NAMES, None),
    list("/api/duplicates", &[], None),
    list("/api/billing-plans", BillingPlanFields::NAMES, None),
    list(
        "/api/companies/{account_number}/assets",
        AssetFields::NAMES,
        Some(COMPANY),
    ),
    list(
        "/api/companies/{account_number}/contacts",
        ContactFields::NAMES,
        Some(COMPANIES),
    ),
    list(
        "/api/companies/{account_number}/users",
        ContactFields::NAMES,
        Some(COMPANIES),
    ),
    list(
        "/api/companies/{account_number}/locations",
        LocationFields::NAMES,
        Some(COMPANY),
    ),
];

/// Describes the answer of each list as whole records or as parts of them.
pub fn describe(api: &mut OpenApi) {
    let Some(components) = &mut api.components else {
        return;
    };
    for further in &LISTS {
        let item = api.paths.paths.get_mut(further.path);
        let operation = item.and_then(|item| item.get.as_mut());
        let answer = operation.and_then(|one| one.responses.responses.get_mut("200"));
        let Some(RefOr::T(answer)) = answer else {
            continue;
        };
        if let Some(RefOr::T(content)) = answer.content.get_mut("application/json") {
            either(components, content, further);
        }
    }
}

fn either(components: &mut Components, content: &mut Content, further: &Further) {
    let whole = serde_json::to_value(&content.schema).unwrap_or_default();
    let Some(parts) = parts_of(components, &whole, further) else {
        return;
    };
    let either = json!({"anyOf": [whole, parts]});
    content.schema = serde_json::from_value(either)
        .ok()
        .or(content.schema.take());
}

/// The same schema of parts: of an array, or of an object that has one.
fn parts_of(components: &mut Components, whole: &Value, further: &Further) -> Option<Value> {
    if whole["type"] == "array" {
        let name = named(&whole["items"])?;
        let part = part_of(components, name, further);
        return Some(json!({"type": "array", "items": part}));
    }
    let name = named(whole)?;
    let mut object = component(components, name);
    let members = object["properties"].as_object()?.clone();
    for (member, schema) in members.iter().filter(|(_, one)| one["type"] == "array") {
        object["properties"][member] = parts_of(components, schema, further)?;
    }
    Some(add(components, name, &object))
}

/// The schema of a part of a record.
fn part_of(components: &mut Components, name: &str, further: &Further) -> Value {
    let mut members = Map::new();
    let tracked = further.tracked.iter().filter(|name| **name != ROW_ID);
    for name in tracked {
        let description = "As it is tracked; null when unknown";
        members.insert(
            (*name).to_owned(),
            json!({"description": description, "example": null}),
        );
    }
    match further.name {
        Some(COMPANY) => {
            let description = "Account number of its company; null when it has none";
            let number = json!({"type": ["string", "null"], "description": description, "example": "100001"});
            members.insert(COMPANY.to_owned(), number);
        }
        Some(name) => {
            let description = "Account numbers of its companies, by name";
            let numbers = json!({"type": "array", "items": {"type": "string"}, "description": description, "example": ["100001"]});
            members.insert(name.to_owned(), numbers);
        }
        None => {}
    }
    members.extend(members_of(components, &component(components, name)));
    let description = "Some fields of a record: those that `fields` names.";
    let part = json!({"type": "object", "properties": members, "description": description});
    add(components, name, &part)
}

/// The members of an object, of all its parts.
fn members_of(components: &Components, schema: &Value) -> Map<String, Value> {
    if let Some(name) = named(schema) {
        return members_of(components, &component(components, name));
    }
    let own = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let parts = parts.flat_map(|part| members_of(components, part));
    own.into_iter().chain(parts).collect()
}

fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn component(components: &Components, name: &str) -> Value {
    let schema = components.schemas.get(name);
    serde_json::to_value(schema).unwrap_or_default()
}

/// Adds a schema of parts, and refers to it.
fn add(components: &mut Components, whole: &str, schema: &Value) -> Value {
    let name = format!("Partial{whole}");
    if let Ok(schema) = serde_json::from_value::<RefOr<Schema>>(schema.clone()) {
        components.schemas.insert(name.clone(), schema);
    }
    json!({"$ref": format!("#/components/schemas/{name}")})
}
