//! What breaks callers between two descriptions of the API.

use serde_json::Value;

/// What a caller of the `old` description can no longer rely on in the `new` one, a line each.
pub fn changes(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in object(&old["paths"]) {
        for (method, operation) in
            object(item).filter(|(method, _)| METHODS.contains(&method.as_str()))
        {
            let name = format!("{} {path}", method.to_uppercase());
            let now = &new["paths"][path][method];
            if now.is_null() {
                found.push(format!("{name} is gone"));
                continue;
            }
            parameters(&name, operation, now, &mut found);
            bodies(&name, (old, operation), (new, now), &mut found);
            answers(&name, (old, operation), (new, now), &mut found);
        }
    }
    found
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];
/// How deep schemas are compared: beyond it they refer to themselves.
const DEPTH: usize = 8;

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn parameters(name: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let named = |all: &Value, wanted: &Value| {
        let same = |one: &&Value| one["name"] == wanted["name"] && one["in"] == wanted["in"];
        list(&all["parameters"]).find(same).cloned()
    };
    for parameter in list(&old["parameters"]) {
        if named(new, parameter).is_none() {
            found.push(format!("{name}: parameter {} is gone", parameter["name"]));
        }
    }
    for parameter in list(&new["parameters"]).filter(|one| one["required"] == true) {
        let before = named(old, parameter);
        if before.is_none_or(|before| before["required"] != true) {
            found.push(format!(
                "{name}: parameter {} is required now",
                parameter["name"]
            ));
        }
    }
}

/// A description and a part of it.
type Part<'s> = (&'s Value, &'s Value);

fn bodies(name: &str, (old, before): Part<'_>, (new, now): Part<'_>, found: &mut Vec<String>) {
    let schema = |operation: &Value| {
        operation["requestBody"]["content"]["application/json"]["schema"].clone()
    };
    let (before, now) = (schema(before), schema(now));
    if before.is_null() && !now.is_null() {
        found.push(format!("{name}: a body is needed now"));
    }
    let (before, now) = (resolved(old, &before), resolved(new, &now));
    let required = |schema: &Value, key: &Value| list(&schema["required"]).any(|one| one == key);
    for key in list(&now["required"]).filter(|key| !required(&before, key)) {
        found.push(format!("{name}: {key} is required in the body now"));
    }
    for (key, _) in object(&before["properties"]) {
        if now["properties"][key].is_null() && now["additionalProperties"].is_null() {
            found.push(format!("{name}: the body has no `{key}` any more"));
        }
    }
}

fn answers(name: &str, (old, before): Part<'_>, (new, now): Part<'_>, found: &mut Vec<String>) {
    for (status, answer) in
        object(&before["responses"]).filter(|(status, _)| status.starts_with('2'))
    {
        let later = &now["responses"][status];
        if later.is_null() {
            found.push(format!("{name}: there is no answer {status} any more"));
            continue;
        }
        for (kind, content) in object(&answer["content"]) {
            let later = &later["content"][kind];
            if later.is_null() {
                found.push(format!("{name}: answer {status} is not {kind} any more"));
                continue;
            }
            let place = format!("{name}: answer {status}");
            compare(
                &place,
                (old, &content["schema"]),
                (new, &later["schema"]),
                DEPTH,
                found,
            );
        }
    }
}

/// What an answer had and has no more.
fn compare(
    place: &str,
    (old, before): Part<'_>,
    (new, now): Part<'_>,
    depth: usize,
    found: &mut Vec<String>,
) {
    if depth == 0 {
        return;
    }
    let (before, now) = (resolved(old, before), resolved(new, now));
    let types = |schema: &Value| -> Vec<String> {
        match &schema["type"] {
            Value::String(one) => vec![one.clone()],
            many => list(many)
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
        }
    };
    let (was, is) = (types(&before), types(&now));
    if let Some(new) = is.iter().find(|one| !was.is_empty() && !was.contains(one)) {
        found.push(format!(
            "{place}: may be {new} now, was {}",
            was.join(" or ")
        ));
    }
    for (key, schema) in object(&before["properties"]) {
        let place = format!("{place}, `{key}`");
        let later = &now["properties"][key];
        if later.is_null() {
            found.push(format!("{place}: is gone"));
        } else {
            compare(&place, (old, schema), (new, later), depth - 1, found);
        }
    }
    if !before["items"].is_null() {
        compare(
            place,
            (old, &before["items"]),
            (new, &now["items"]),
            depth - 1,
            found,
        );
    }
}

/// A schema without references, its parts put together.
fn resolved(spec: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..DEPTH {
        let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
        else {
            break;
        };
        schema = spec["components"]["schemas"][name].clone();
    }
    let parts: Vec<Value> = list(&schema["allOf"]).cloned().collect();
    for part in parts {
        let part = resolved(spec, &part);
        for (key, value) in object(&part["properties"]) {
            schema["properties"][key] = value.clone();
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> Value {
        serde_json::to_value(crate::routes::openapi()).unwrap()
    }

    #[test]
    fn a_description_does_not_break_itself() {
        assert_eq!(changes(&spec(), &spec()), Vec::<String>::new());
    }

    #[test]
    fn what_callers_rely_on_is_named() {
        let old = spec();
        let mut new = spec();
        new["paths"].as_object_mut().unwrap().remove("/api/search");
        let company = &mut new["components"]["schemas"]["CompanyOut"]["properties"];
        company.as_object_mut().unwrap().remove("name");
        company["domains"]["type"] = json!(["array", "null"]);
        new["paths"]["/api/companies"]["get"]["parameters"] =
            json!([{"name": "year", "in": "query", "required": true}]);
        new["components"]["schemas"]["RenumberIn"]["required"] = json!(["account_number", "why"]);
        let found = changes(&old, &new);
        for wanted in [
            "GET /api/search is gone",
            "GET /api/companies: answer 200, `name`: is gone",
            "GET /api/companies: answer 200, `domains`: may be array now, was string or null",
            "GET /api/companies: parameter \"year\" is required now",
            "POST /api/companies/{account_number}/renumber: \"why\" is required in the body now",
        ] {
            assert!(
                found.iter().any(|line| line == wanted),
                "{wanted} not in {found:#?}"
            );
        }
    }

    #[test]
    fn what_is_new_breaks_nobody() {
        let mut old = spec();
        old["paths"].as_object_mut().unwrap().remove("/api/search");
        let company = &mut old["components"]["schemas"]["CompanyOut"]["properties"];
        company.as_object_mut().unwrap().remove("name");
        assert_eq!(changes(&old, &spec()), Vec::<String>::new());
    }
}
