//! Bodies that must be refused, of every operation that takes one: the answer says why, and nothing changes.

use codex_tests::{harness::random_text, on_each_engine, on_sqlite};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{
    Operation, operations,
    samples::{self, Refusal, Sample},
    world::{OWN, Owner, World},
};

/// A kind of value that a member can have, by its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    Text,
    Integer,
    Number,
    Boolean,
    Texts,
    Integers,
    /// An object of texts.
    Dictionary,
    /// What a vendor's automation sends: a number, or its text.
    Anything,
}

impl ValueType {
    fn of(schema: &Value) -> Self {
        let kind = |schema: &Value| {
            let kinds = schema["type"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![schema["type"].clone()]);
            let kind = kinds.into_iter().find(|kind| kind != "null");
            kind.and_then(|kind| kind.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        match kind(schema).as_str() {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" if kind(&schema["items"]) == "integer" => Self::Integers,
            "array" => Self::Texts,
            "object" => Self::Dictionary,
            // A price or a text: the samples say a text.
            "" if schema["oneOf"].is_array() => Self::Text,
            "" if schema["type"].is_null() => Self::Anything,
            other => panic!("what is wrong for a member of type `{other}`? {schema}"),
        }
    }

    /// Values that it cannot have. What is no text here may be one: forms send nothing else.
    fn wrong(self) -> Vec<Value> {
        let huge = json!(1e30);
        match self {
            Self::Text => vec![
                json!(7),
                json!(true),
                json!(["x"]),
                json!({"x": "x"}),
                json!("a\0b"),
                // More than an index of PostgreSQL holds.
                json!(random_text(10_000)),
            ],
            Self::Integer => vec![
                json!("x"),
                json!(1.5),
                json!(true),
                json!([1]),
                json!({}),
                huge,
                json!("a\0b"),
            ],
            // A float has no more than four decimals; an amount neither is endless nor below nothing.
            Self::Number => vec![
                json!("x"),
                json!("NaN"),
                json!("Infinity"),
                json!("-inf"),
                json!(-1),
                json!(-0.01),
                json!(0.000_01),
                json!("0.00001"),
                json!(1e13),
                json!(1e300),
                json!("1e300"),
                json!(true),
                json!([1]),
                json!({}),
                json!("1\0"),
            ],
            Self::Boolean => vec![json!("x"), json!(1), json!([true]), json!({})],
            Self::Texts => vec![
                json!(7),
                json!(true),
                json!([7]),
                json!([["x"]]),
                json!({"x": "x"}),
                json!(["a\0b"]),
            ],
            Self::Integers => vec![
                json!("x"),
                json!(7),
                json!(["x"]),
                json!([1.5]),
                json!([1e30]),
                json!({}),
            ],
            Self::Anything => Vec::new(),
            Self::Dictionary => vec![
                json!("x"),
                json!(7),
                json!(["x"]),
                json!({"x": 7}),
                json!({"x": ["x"]}),
                json!({"x": "a\0b"}),
                json!({"a\0b": "x"}),
            ],
        }
    }
}

/// The members of a body with their kinds.
fn members(operation: &Operation, sample: &Sample) -> Vec<(String, ValueType)> {
    let mut schema = operation.body.as_ref().unwrap();
    for step in sample.place.split('/').filter(|step| !step.is_empty()) {
        schema = if step == "0" {
            &schema["items"]
        } else {
            &schema["properties"][step]
        };
    }
    let members = schema["properties"].as_object().into_iter().flatten();
    let stated = members.filter(|(name, _)| !(sample.ignored)(name));
    stated
        .map(|(name, schema)| (name.clone(), ValueType::of(schema)))
        .collect()
}

/// The other name that a member has where a fault of it is reported.
fn called(operation: &Operation, member: &str) -> String {
    match member {
        "billing_plan" if operation.path.contains("billing-plans") => "plan_name".to_owned(),
        "title" => "job_title".to_owned(),
        other => other.to_owned(),
    }
}

/// The sample with one member put into it.
fn with(operation: &Operation, sample: &Sample, member: &str, value: Value) -> Value {
    let mut body = sample.body.clone();
    let place = body
        .pointer_mut(sample.place)
        .unwrap()
        .as_object_mut()
        .unwrap();
    place.remove(&called(operation, member));
    place.insert(member.to_owned(), value);
    body
}

/// What is wrong with how a body was answered; nothing when it was refused by the name of its member.
async fn complaint(
    answer: Response,
    sample: &Sample,
    reported: &str,
) -> anyhow::Result<Option<String>> {
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let pointer = format!("{}/{reported}", sample.place);
    let pointers = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|fault| fault["pointer"].as_str());
    let pointed = pointers
        .into_iter()
        .any(|at| at == pointer || at.starts_with(&format!("{pointer}/")));
    let said = body["error"]
        .as_str()
        .or(body["detail"].as_str())
        .unwrap_or_default()
        .to_lowercase();
    let fine = (status == 422 && pointed)
        || (sample.refusal == Refusal::Named && status == 400 && said.contains(reported));
    Ok((!fine).then(|| format!("{status} {text:.300}")))
}

/// All or none, where there is a choice: what is wrong with one row is reported as of a body.
fn path(operation: &Operation, world: &World) -> String {
    let path = operation.at(world, Owner::Own);
    if path.ends_with("/bulk") {
        path + "?mode=atomic"
    } else {
        path
    }
}

fn with_bodies() -> Vec<Operation> {
    operations()
        .into_iter()
        .filter(|one| one.body.is_some())
        .collect()
}

on_each_engine! {
    /// 🦀 takes four bytes in UTF-8: too many for a column that takes three, and two units in UTF-16.
    async fn any_text_is_stored_unchanged(world: World) -> TestResult {
        for operation in with_bodies() {
            let sample = samples::of(&operation.name, &world);
            let free: Vec<String> = members(&operation, &sample).into_iter()
                .filter(|(name, kind)| *kind == ValueType::Text && !sample.chosen.contains(&name.as_str()))
                .map(|(name, _)| name).filter(|name| called(&operation, name) == *name).collect();
            if free.is_empty() || sample.refusal == Refusal::Lenient {
                continue;
            }
            let text = |member: &str| format!("🦀 {member} \u{1f468}\u{200d}\u{1f469} {}", operation.name.len());
            let mut body = sample.body.clone();
            for member in &free {
                body.pointer_mut(sample.place).unwrap()[member] = json!(text(member));
            }
            if operation.path.ends_with("/locations/{id}") {
                // What follows reads the list of locations.
                body["address"] = json!(text("address"));
            }
            let answer = world.call("admin", &operation.method, &path(&operation, &world)).json(&body).send().await?;
            let (status, reported) = (answer.status(), answer.text().await?);
            assert!(status.is_success(), "{}: {status} {reported}", operation.name);
            let read = world.path(sample.read, Owner::Own).replace("{}", &free.join(","));
            let read = world.app.json(&read).await?;
            let found: Vec<bool> = free.iter().filter(|member| has_key(&read, member)).map(|member| has_text(&read, &text(member))).collect();
            assert!(!found.is_empty() && found.iter().all(|found| *found), "{}: {free:?} {found:?} {read}", operation.name);
        }
        Ok(())
    }
}

on_sqlite! {
    async fn malformed_bodies_are_refused(world: World) -> TestResult {
        let (mut wrong, before) = (Vec::new(), world.rows().await?);
        let large = format!("\"{}\"", "x".repeat(65_536));
        for operation in with_bodies() {
            let sample = samples::of(&operation.name, &world);
            let body = sample.body.to_string();
            let another = if sample.body.is_array() { "{}" } else { "[]" };
            let nested = "[".repeat(10_000);
            let json = Some("application/json");
            let lenient = sample.refusal == Refusal::Lenient;
            let texts: &[(Option<&str>, &[u8], u16)] = &[
                (None, body.as_bytes(), 415), (Some("text/plain"), body.as_bytes(), 415),
                (Some("application/x-www-form-urlencoded"), b"name=x", 415),
                (json, large.as_bytes(), 413), (None, large.as_bytes(), 413),
                (json, b"{\"name\":", 400), (json, b"", 400), (json, b"{\"name\": NaN}", 400), (json, b"{\"name\": Infinity}", 400),
                (json, b"{\"name\": 1e999}", 400), (json, b"{\"name\": \"\\ud800\"}", 400), (json, b"{\"name\": \"\xff\"}", 400),
                (json, b"{} {}", 400), (json, b"{\"name\": \"a\nb\"}", 400), (json, nested.as_bytes(), 400),
                (json, another.as_bytes(), 400), (json, b"null", 400), (json, b"7", 400), (json, b"\"text\"", 400), (json, b"true", 400),
            ];
            for (kind, text, wanted) in texts {
                // A webhook is known by its secret, and a vendor's automation says what it likes of its body.
                if lenient && (*wanted == 415 || operation.path == "/webhooks/test" && *wanted == 400) {
                    continue;
                }
                if lenient && *wanted == 413 {
                    continue;
                }
                let optional = operation.described["requestBody"]["required"] != true;
                if optional && text.is_empty() {
                    continue;
                }
                let mut call = world.call("admin", &operation.method, &path(&operation, &world)).body(text.to_vec());
                if let Some(kind) = kind {
                    call = call.header("content-type", *kind);
                }
                let answer = call.send().await?;
                let status = answer.status().as_u16();
                let answered = answer.text().await?;
                if status != *wanted {
                    let text: String = String::from_utf8_lossy(text).chars().take(60).collect();
                    wrong.push(format!("{} {kind:?} {text}: {status}, not {wanted}: {answered:.300}", operation.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(world.rows().await?, before);
        Ok(())
    }

    async fn invalid_members_are_named(world: World) -> TestResult {
        let (mut wrong, mut asked, before) = (Vec::new(), 0, world.rows().await?);
        for operation in with_bodies() {
            let sample = samples::of(&operation.name, &world);
            if sample.refusal == Refusal::Lenient {
                continue;
            }
            let path = path(&operation, &world);
            for (member, kind) in members(&operation, &sample) {
                let mut values = kind.wrong();
                if sample.required.contains(&member.as_str()) {
                    values.push(Value::Null);
                }
                if kind == ValueType::Text && sample.required.contains(&member.as_str()) {
                    values.extend([json!(""), json!(" ")]);
                }
                for value in values {
                    // What is said on a ticket may be long.
                    if member == "notes" && value.as_str().is_some_and(|text| text.len() > 1_000) {
                        continue;
                    }
                    let body = with(&operation, &sample, &member, value.clone());
                    let answer = world.call("admin", &operation.method, &path).json(&body).send().await?;
                    asked += 1;
                    if let Some(complaint) = complaint(answer, &sample, &called(&operation, &member)).await? {
                        let said = value.to_string();
                        wrong.push(format!("{} with {member} = {said:.60}: {complaint}", operation.name));
                    }
                }
            }
            for member in sample.required.iter().filter(|_| operation.method == Method::POST) {
                let mut body = sample.body.clone();
                if body.pointer_mut(sample.place).unwrap().as_object_mut().unwrap().remove(*member).is_none() {
                    continue;
                }
                let answer = world.call("admin", &operation.method, &path).json(&body).send().await?;
                if let Some(complaint) = complaint(answer, &sample, member).await? {
                    wrong.push(format!("{} without {member}: {complaint}", operation.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {asked}: {wrong:#?}", wrong.len());
        assert!(asked > 1_000, "{asked}");
        assert_eq!(world.rows().await?, before, "a body that was refused has changed something");
        Ok(())
    }

    /// Prices agreed with a company, and whatever else the description has no words for.
    async fn undescribed_rules_are_enforced(world: World) -> TestResult {
        let before = world.rows().await?;
        let company = format!("/api/companies/{OWN}");
        let price = format!("{company}/overrides/per_user_cost");
        let page = company.replace("/api", "") + "/update";
        let prices = ValueType::Number.wrong().into_iter().map(|value| (price.clone(), json!({"value": value}), "/value"));
        let agreed = [
            (json!({"per_user_cost": -1}), "/feature_overrides/per_user_cost"), (json!({"soc": 7}), "/feature_overrides/soc"),
            (json!({"soc": "a\0b"}), "/feature_overrides/soc"), (json!({"a\0b": "x"}), "/feature_overrides"),
        ];
        let bad = json!({"compliance_level": "odd", "feature_overrides": {"soc": 7}});
        let both = [
            (page.clone(), bad.clone(), "/compliance_level"),
            (page.clone(), json!({"feature_overrides": 7}), "/feature_overrides"),
        ];
        let agreed = agreed.into_iter().map(|(value, at)| (page.clone(), json!({"feature_overrides": value}), at));
        let more = [
            (format!("{company}/overrides/a%0Ab"), json!({"value": "x"}), "/key"),
            (format!("{company}/overrides/soc"), json!({"value": "x", "colour": 1}), "/colour"),
            (company.clone(), json!({"colour": 1}), "/colour"),
            (company.clone(), json!({"a\0b": "x"}), "/a"),
        ];
        for (path, body, at) in prices.chain(agreed).chain(more).chain(both) {
            let answer = world.call("admin", &Method::PUT, &path).json(&body).send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            let reported: Value = serde_json::from_str(&text).unwrap_or_default();
            let pointer = reported["errors"][0]["pointer"].as_str().unwrap_or_default();
            assert!(status == 422 && pointer.starts_with(at), "{path} {body}: {status} {text}");
        }
        let import = |list: &str, value: Value| { let mut import = json!({"plans": [], "feature_options": []}); import[list] = value; import };
        for (list, value, at) in [
            ("plans", json!(7), "/plans"), ("plans", json!([7]), "/plans/0"), ("feature_options", json!([7]), "/feature_options/0"),
            ("feature_options", json!([{"feature_category": "soc"}]), "/feature_options/0"),
            ("feature_options", json!([{"feature_category": "soc", "option_value": "a\0b"}]), "/feature_options/0/option_value"),
            ("feature_options", json!([{"feature_category": "soc", "option_value": 7}]), "/feature_options/0/option_value"),
        ] {
            let body = import(list, value);
            let answer = world.call("billing", &Method::POST, "/api/billing-plans/import").json(&body).send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            assert!(status == 422 && text.contains(&format!("\"{at}\"")), "{body}: {status} {text}");
        }
        for (method, path, body, pointers) in [
            (Method::PUT, page, bad, ["/compliance_level", "/feature_overrides/soc"]),
            (Method::POST, world.path("/api/ticket/{ticket_id}/update", Owner::Own), json!({"status": 7, "notes": []}), ["/notes", "/status"]),
            (Method::POST, "/api/billing-plans/import".to_owned(), json!({"plans": 7, "feature_options": 8}), ["/feature_options", "/plans"]),
        ] {
            let answer = world.call("admin", &method, &path).json(&body).send().await?;
            let reported: Value = answer.json().await?;
            let reported = reported["errors"].as_array().into_iter().flatten().map(|fault| &fault["pointer"]);
            assert_eq!(reported.collect::<Vec<_>>(), pointers, "{path}");
        }
        let rows = json!([7, [], {"name": "x"}]);
        let answer = world.call("admin", &Method::POST, "/api/companies/bulk?mode=atomic").json(&rows).send().await?;
        assert_eq!(answer.status(), 422);
        assert_eq!(world.rows().await?, before);
        Ok(())
    }
}

fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name == key || has_key(value, key)),
        Value::Array(items) => items.iter().any(|item| has_key(item, key)),
        _ => false,
    }
}

fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(map) => map.values().any(|value| has_text(value, text)),
        Value::Array(items) => items.iter().any(|item| has_text(item, text)),
        other => other == text,
    }
}
