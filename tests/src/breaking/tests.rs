use serde_json::{Value, json};

use super::changes;

fn spec() -> Value {
    serde_json::to_value(codex_daemon::openapi::public()).unwrap()
}

#[test]
fn equal_descriptions_have_no_breaking_changes() {
    assert_eq!(changes(&spec(), &spec()), Vec::<String>::new());
}

#[test]
fn removals_and_new_requirements_are_reported() {
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
        "POST /api/companies/{account_number}/renumber: body, `why`: is required now",
    ] {
        assert!(
            found.iter().any(|line| line == wanted),
            "{wanted} not in {found:#?}"
        );
    }
}

#[test]
fn additions_are_not_breaking() {
    let mut old = spec();
    old["paths"].as_object_mut().unwrap().remove("/api/search");
    let company = &mut old["components"]["schemas"]["CompanyOut"];
    company["required"] = json!([]);
    let properties = company["properties"].as_object_mut().unwrap();
    properties.remove("name");
    assert_eq!(changes(&old, &spec()), Vec::<String>::new());
}

/// One operation with a parameter, a body of rows, an answer and a refusal.
fn small() -> Value {
    json!({
        "security": [{"bearer": []}],
        "paths": {"/rows": {"post": {
            "operationId": "write_rows",
            "security": [{}, {"bearer": []}],
            "parameters": [
                {"name": "limit", "in": "query", "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 500}},
                {"name": "mode", "in": "query", "schema": {"type": "string", "enum": ["atomic", "partial"]}},
            ],
            "requestBody": {"content": {
                "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/In"}}},
                "text/csv": {"schema": {"type": "string"}},
            }},
            "responses": {
                "200": {"content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Out"}},
                    "text/csv": {"schema": {"type": "string"}},
                }},
                "4XX": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
            },
        }}},
        "components": {"schemas": {
            "In": {"allOf": [
                {"$ref": "#/components/schemas/Named"},
                {"type": "object", "properties": {"size": {"type": ["integer", "null"], "format": "int64"}}},
            ]},
            "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "Out": {"type": "object", "required": ["name", "state"], "properties": {
                "name": {"type": "string"},
                "state": {"type": "string", "enum": ["on", "off"]},
                "size": {"type": "integer", "minimum": 0},
                "price": {"oneOf": [{"type": "null"}, {"type": "string"}]},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "next": {"$ref": "#/components/schemas/Out"},
            }},
            "Problem": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}},
        }},
    })
}

/// The description after a change: where, and what is there now; null is nothing.
fn changed(place: &str, now: Value) -> Value {
    let mut spec = small();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let key = &key.replace("~1", "/");
    let parent = spec.pointer_mut(parent).expect(place);
    match (parent, now) {
        (Value::Object(parent), Value::Null) => {
            parent.remove(key).expect(place);
        }
        (Value::Object(parent), now) => {
            parent.insert(key.clone(), now);
        }
        (parent, now) => parent[key.parse::<usize>().unwrap()] = now,
    }
    spec
}

const POST: &str = "/paths/~1rows/post";
const IN: &str = "/components/schemas/In/allOf/1";
const NAMED: &str = "/components/schemas/Named";
const OUT: &str = "/components/schemas/Out";

#[test]
fn each_kind_of_breaking_change_is_reported() {
    let limit = "/parameters/0/schema";
    let json_body = "/requestBody/content/application~1json/schema";
    for (root, place, now, wanted) in [
        (
            POST,
            "/operationId",
            json!("save_rows"),
            ": operationId is \"save_rows\", was \"write_rows\"",
        ),
        (
            POST,
            "/security",
            Value::Null,
            ": no token is not enough any more",
        ),
        (
            POST,
            "/security",
            json!([{"bearer": []}]),
            ": no token is not enough any more",
        ),
        (POST, "/security", json!([{}, {"key": []}]), ""),
        (POST, "/security", json!([]), ""),
        (
            POST,
            "/parameters",
            json!([small().pointer("/paths/~1rows/post/parameters/0")]),
            ": parameter \"mode\" is gone",
        ),
        (
            POST,
            "/parameters/0/required",
            json!(true),
            ": parameter \"limit\" is required now",
        ),
        (
            POST,
            &format!("{limit}/type"),
            json!("string"),
            ": parameter \"limit\": may not be integer any more, only string",
        ),
        (POST, &format!("{limit}/type"), json!("number"), ""),
        (
            POST,
            &format!("{limit}/maximum"),
            json!(100),
            ": parameter \"limit\": maximum is 100, was 500",
        ),
        (POST, &format!("{limit}/maximum"), json!(1000), ""),
        (POST, &format!("{limit}/maximum"), Value::Null, ""),
        (
            POST,
            &format!("{limit}/minimum"),
            json!(2),
            ": parameter \"limit\": minimum is 2, was 1",
        ),
        (POST, &format!("{limit}/format"), json!("int64"), ""),
        (
            POST,
            "/parameters/1/schema/enum",
            json!(["atomic"]),
            ": parameter \"mode\": may not be \"partial\" any more, only [\"atomic\"]",
        ),
        (
            POST,
            "/parameters/1/schema/enum",
            json!(["atomic", "partial", "dry"]),
            "",
        ),
        (POST, "/parameters/1/schema/enum", Value::Null, ""),
        (
            POST,
            "/parameters/1/schema/maxLength",
            json!(3),
            ": parameter \"mode\": maxLength is 3, was null",
        ),
        (
            POST,
            "/parameters/1/schema/pattern",
            json!("a"),
            ": parameter \"mode\": pattern is \"a\", was null",
        ),
        (
            POST,
            "/requestBody/required",
            json!(true),
            ": a body is needed now",
        ),
        (
            POST,
            "/requestBody/content/text~1csv",
            Value::Null,
            ": body is not text/csv any more",
        ),
        (
            POST,
            "/requestBody/content/text~1plain",
            json!({"schema": {"type": "string"}}),
            "",
        ),
        (
            POST,
            json_body,
            json!({"$ref": "#/components/schemas/In"}),
            ": body: may not be array any more, only object",
        ),
        (
            IN,
            "/properties/size/type",
            json!("integer"),
            ": body, `size`: may not be null any more, only integer",
        ),
        (
            IN,
            "/properties/size/type",
            json!(["integer", "null", "string"]),
            "",
        ),
        (
            IN,
            "/properties/size/format",
            json!("int32"),
            ": body, `size`: format is \"int32\", was \"int64\"",
        ),
        (
            IN,
            "/properties/size",
            Value::Null,
            ": body, `size`: is gone",
        ),
        (IN, "/properties/more", json!({"type": "string"}), ""),
        (
            IN,
            "/required",
            json!(["size"]),
            ": body, `size`: is required now",
        ),
        (
            NAMED,
            "/additionalProperties",
            json!(false),
            ": body: other keys are refused now",
        ),
        (
            NAMED,
            "/properties/name",
            json!({"oneOf": [{"type": "string"}, {"type": "boolean"}]}),
            "",
        ),
        (
            NAMED,
            "/properties/name",
            json!({"type": "object"}),
            ": body, `name`: may not be string any more, only object",
        ),
        (NAMED, "/required", Value::Null, ""),
        (POST, "/responses/200", Value::Null, ": answer 200 is gone"),
        (POST, "/responses/4XX", Value::Null, ""),
        (
            POST,
            "/responses/200/content/text~1csv",
            Value::Null,
            ": answer 200 is not text/csv any more",
        ),
        (
            OUT,
            "/required",
            json!(["name"]),
            ": answer 200, `state`: may be absent now",
        ),
        (OUT, "/required", json!(["name", "state", "size"]), ""),
        (
            OUT,
            "/properties/state/enum",
            json!(["on", "off", "idle"]),
            ": answer 200, `state`: may be \"idle\" now, was [\"on\",\"off\"]",
        ),
        (OUT, "/properties/state/enum", json!(["on"]), ""),
        (
            OUT,
            "/properties/state/enum",
            Value::Null,
            ": answer 200, `state`: may be any value now, was [\"on\",\"off\"]",
        ),
        (
            OUT,
            "/properties/size/type",
            json!("number"),
            ": answer 200, `size`: may be number now, was integer",
        ),
        (
            OUT,
            "/properties/size/minimum",
            Value::Null,
            ": answer 200, `size`: minimum is null, was 0",
        ),
        (
            OUT,
            "/properties/name",
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            ": answer 200, `name`: may be integer now, was string",
        ),
        (
            OUT,
            "/properties/price",
            json!({"type": ["string", "null"]}),
            "",
        ),
        (OUT, "/properties/price", json!({"type": "string"}), ""),
        (
            OUT,
            "/properties/price",
            Value::Null,
            ": answer 200, `price`: is gone",
        ),
        (
            OUT,
            "/properties/tags/additionalProperties/type",
            json!("integer"),
            ": answer 200, `tags`, other keys: may be integer now, was string",
        ),
        (OUT, "/properties/more", json!({"type": "string"}), ""),
        (
            "/components/schemas/Problem",
            "/properties/detail",
            Value::Null,
            ": answer 4XX, `detail`: is gone",
        ),
        (
            "/components/schemas/Problem",
            "/properties/more",
            json!({}),
            "",
        ),
    ] {
        let at = format!("{root}{place}");
        let found = changes(&small(), &changed(&at, now.clone()));
        let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        let wanted: Vec<_> = wanted
            .map(|wanted| format!("POST /rows{wanted}"))
            .into_iter()
            .collect();
        assert_eq!(found, wanted, "{at}: {now}");
    }
}
