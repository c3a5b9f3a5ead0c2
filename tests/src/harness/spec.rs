//! Holds every answer of a test's daemon against the API description.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, Method, StatusCode,
        header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use flate2::read::GzDecoder;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The largest answer that is checked.
const LARGEST: usize = 64 * 1024 * 1024;

/// Lines of JSON, which are no JSON as a whole.
const LINES: &str = "application/x-ndjson";

/// Answers that every route can give and that no operation need describe: they are the framework's.
const OF_THE_FRAMEWORK: [u16; 2] = [405, 431];

/// What is wrong with the answers of one daemon.
pub type Faults = Arc<Mutex<Vec<String>>>;

/// Fails the test that it goes out of scope in when an answer was not as described.
#[derive(Debug, Default)]
pub struct Watch(pub Faults);

impl Watch {
    /// Forgets what was wrong: how much it was.
    pub fn forget(&self) -> usize {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.drain(..).count()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::thread::panicking() {
            assert!(faults.is_empty(), "not as described: {faults:#?}");
        }
    }
}

/// What an operation may answer: by status the schemas of media types.
type Answers = HashMap<String, HashMap<String, Schema>>;

/// A schema with what it refers to, compiled when an answer is first held against it: all at once would keep the
/// first answer of a test waiting for many seconds.
struct Schema {
    value: Value,
    compiled: OnceLock<Validator>,
}

impl Schema {
    fn validator(&self) -> &Validator {
        self.compiled.get_or_init(|| {
            jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .build(&self.value)
                .expect("schemas of the description can be compiled")
        })
    }
}

struct Operation {
    segments: Vec<String>,
    method: Method,
    answers: Answers,
    /// A success of which the caller chose the keys.
    chosen: Option<Schema>,
}

/// The operations of both descriptions.
static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let public = codex_daemon::openapi::public();
    let internal = codex_daemon::openapi::internal();
    [public, internal]
        .iter()
        .flat_map(|api| operations(&serde_json::to_value(api).unwrap_or_default()))
        .collect()
});

fn operations(spec: &Value) -> Vec<Operation> {
    let mut closed = spec.clone();
    close(&mut closed);
    let mut all = Vec::new();
    for (path, item) in object(&closed["paths"]) {
        for (method, operation) in object(item) {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let mut answers = Answers::new();
            for (status, response) in object(&operation["responses"]) {
                let contents = object(&response["content"]);
                let contents = contents
                    .map(|(kind, content)| (kind.clone(), schema_of(&closed, &content["schema"])));
                answers.insert(status.clone(), contents.collect());
            }
            let parameters = operation["parameters"].as_array();
            let parameters = parameters.into_iter().flatten();
            let chooses = parameters.filter(|parameter| parameter["name"] == "fields");
            let success = &operation["responses"]["200"]["content"]["application/json"];
            let chosen = chooses
                .map(|_| schema_of(&closed, &success["schema"]["anyOf"][1]))
                .next();
            if chosen.is_some() {
                // A whole record has all of its keys.
                let whole = schema_of(&closed, &success["schema"]["anyOf"][0]);
                let of_success = answers.entry("200".to_owned()).or_default();
                of_success.insert("application/json".to_owned(), whole);
            }
            all.push(Operation {
                segments: path.split('/').map(str::to_owned).collect(),
                method,
                answers,
                chosen,
            });
        }
    }
    all
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn schema_of(spec: &Value, schema: &Value) -> Schema {
    // What is described by words only may be anything.
    let mut value = schema.as_object().cloned().unwrap_or_default();
    value.insert("components".into(), components_of(spec, schema));
    Schema {
        value: Value::from(value),
        compiled: OnceLock::new(),
    }
}

/// The components that a schema refers to, and those that they refer to.
fn components_of(spec: &Value, schema: &Value) -> Value {
    let all = &spec["components"]["schemas"];
    let (mut found, mut open) = (Map::new(), vec![schema]);
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                let name = map.get("$ref").and_then(Value::as_str);
                let name = name.and_then(|reference| reference.rsplit('/').next());
                if let Some(name) = name.filter(|name| !found.contains_key(*name)) {
                    found.insert(name.to_owned(), all[name].clone());
                    open.push(&all[name]);
                }
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    json!({"schemas": found})
}

/// A description lets keys through that it does not know; here a key that nobody described is a fault.
fn close(spec: &mut Value) {
    let parts = parts_of_others(&spec["components"]["schemas"]);
    let Some(schemas) = spec["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, schema) in schemas {
        let Some(schema) = schema.as_object_mut() else {
            continue;
        };
        let open = schema.contains_key("additionalProperties") || parts.contains(name);
        if !open && (schema.contains_key("properties") || schema.contains_key("allOf")) {
            schema.insert("unevaluatedProperties".into(), json!(false));
        }
    }
}

/// Schemas that others are made of: what they do not know, the others may.
fn parts_of_others(schemas: &Value) -> Vec<String> {
    let each = schemas
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, schema)| {
            let parts = schema["allOf"].as_array().cloned().unwrap_or_default();
            parts.into_iter().filter_map(|part| {
                let name = part["$ref"].as_str()?.rsplit('/').next()?;
                Some(name.to_owned())
            })
        });
    each.collect()
}

/// The operation of a call; a literal segment goes before a parameter.
fn operation_of(method: &Method, path: &str) -> Option<&'static Operation> {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |operation: &&Operation| {
        operation.method == method
            && operation.segments.len() == segments.len()
            && operation
                .segments
                .iter()
                .zip(&segments)
                .all(|(template, is)| {
                    (template.starts_with('{') && !is.is_empty()) || template == is
                })
    };
    let parameters = |operation: &&Operation| {
        let segments = operation.segments.iter();
        segments.filter(|segment| segment.starts_with('{')).count()
    };
    OPERATIONS.iter().filter(fits).min_by_key(parameters)
}

/// Middleware: passes an answer on when the description allows it, else says what is wrong with it.
pub async fn check(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    // What the description is read for takes a while: not between a call and its answer.
    LazyLock::force(&OPERATIONS);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let chosen = uri.query().is_some_and(|query| query.contains("fields="));
    let answer = next.run(request).await;
    let fault = match judged(&method, uri.path(), chosen, answer).await {
        Ok(answer) => return answer,
        Err(fault) => fault,
    };
    let fault: String = format!("{method} {uri}: {fault}")
        .chars()
        .take(2_000)
        .collect();
    eprintln!("not as described: {fault}");
    let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
    faults.push(fault.clone());
    let body = Map::from_iter([("violation".to_owned(), Value::from(fault))]);
    (StatusCode::NOT_IMPLEMENTED, axum::Json(body)).into_response()
}

async fn judged(
    method: &Method,
    path: &str,
    chosen: bool,
    answer: Response,
) -> Result<Response, String> {
    let status = answer.status();
    let described = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    // Browsers get the start page there.
    if path == "/" && essence(answer.headers()) == "text/html" {
        return Ok(answer);
    }
    let Some(operation) = operation_of(described, path) else {
        // `If-Match` is looked at before anybody knows whether the path has the method.
        let nothing = [404, 405, 412].contains(&status.as_u16()) || *method == Method::OPTIONS;
        if nothing || is_page(path) {
            return Ok(answer);
        }
        return Err(format!("{status}, and the operation is not described"));
    };
    if OF_THE_FRAMEWORK.contains(&status.as_u16()) || status == StatusCode::NOT_MODIFIED {
        return Ok(answer);
    }
    // What was made before has its address in its own answer.
    let repeated = answer.headers().contains_key("idempotency-replayed");
    if status == StatusCode::CREATED && !repeated && !answer.headers().contains_key(LOCATION) {
        return Err("201 without `Location`".to_owned());
    }
    let range = format!("{}XX", &status.as_str()[..1]);
    let kinds = operation.answers.get(status.as_str());
    let kinds = kinds.or_else(|| operation.answers.get(&range));
    let kinds = kinds.ok_or_else(|| format!("status {status} is not described"))?;
    let kind = essence(answer.headers());
    let schema = match kinds.get(&kind) {
        Some(schema) => schema,
        None if kinds.is_empty() && kind.is_empty() => return Ok(answer),
        None => return Err(format!("no {status} of type `{kind}` is described")),
    };
    if method == Method::HEAD || !kind.contains("json") || kind == LINES {
        return Ok(answer);
    }
    let schema = match &operation.chosen {
        Some(loose) if chosen && status.is_success() => loose,
        _ => schema,
    };
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, LARGEST).await;
    let bytes = bytes.map_err(|error| format!("the body broke off: {error}"))?;
    let value = json_of(&parts.headers, &bytes)?;
    let fits = schema.validator().validate(&value);
    fits.map_err(|error| format!("{status}: {error} at {}\n{value}", error.instance_path()))?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// Pages, which no description describes, and addresses that lead to those of the description itself.
fn is_page(path: &str) -> bool {
    path.starts_with("/docs")
        || ["/apidocs/index.html", "/apispec.json"].contains(&path)
        || codex_daemon::is_page(path)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// The media type without its parameters.
fn essence(headers: &HeaderMap) -> String {
    let kind = text(headers, &CONTENT_TYPE).split(';').next();
    kind.unwrap_or_default().trim().to_owned()
}

fn json_of(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, String> {
    let mut plain = Vec::new();
    let read = match text(headers, &CONTENT_ENCODING) {
        "gzip" => GzDecoder::new(bytes).read_to_end(&mut plain),
        _ => plain.write_all(bytes).map(|()| bytes.len()),
    };
    read.map_err(|error| format!("the body is no gzip: {error}"))?;
    serde_json::from_slice(&plain).map_err(|error| format!("the body is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware};
    use flate2::{Compression, read::GzEncoder};
    use tower::ServiceExt as _;

    use super::*;
    use crate::harness::TestResult;

    /// How many faults an answer to a GET is taken for.
    async fn faults(uri: &str, kind: &str, body: Vec<u8>, packed: bool) -> anyhow::Result<usize> {
        let watch = Watch::default();
        let encoding = if packed { "gzip" } else { "identity" };
        let headers = [
            (CONTENT_TYPE, kind.to_owned()),
            (CONTENT_ENCODING, encoding.to_owned()),
        ];
        let router = Router::new().fallback(|| std::future::ready((headers, body)));
        let check = middleware::from_fn_with_state(watch.0.clone(), check);
        let call = Request::builder().uri(uri).body(Body::empty())?;
        router.layer(check).oneshot(call).await?;
        Ok(watch.forget())
    }

    #[tokio::test]
    async fn undescribed_answer_is_a_fault() -> TestResult {
        let json = "application/json";
        for (uri, kind, body, wanted) in [
            ("/api/companies", json, "[]", 0),
            ("/api/companies", json, "{}", 1),
            ("/api/companies", json, r#"[{"name":"A"}]"#, 1),
            ("/api/companies", "text/html", "[]", 1),
            ("/api/contacts?fields=id", json, r#"[{"id":1}]"#, 0),
            ("/api/contacts?fields=id", json, r#"[{"id":"x"}]"#, 1),
            ("/api/nobody/described/this", json, "[]", 1),
            ("/docs/index.html", "text/html", "", 0),
        ] {
            let mut packed = Vec::new();
            GzEncoder::new(body.as_bytes(), Compression::fast()).read_to_end(&mut packed)?;
            for (body, packed) in [(body.into(), false), (packed, true)] {
                let found = faults(uri, kind, body, packed).await?;
                assert_eq!(found, wanted, "{uri} {kind} {packed}");
            }
        }
        Ok(())
    }

    #[test]
    fn every_schema_can_be_compiled() {
        for operation in OPERATIONS.iter() {
            let kinds = operation.answers.values().flat_map(HashMap::values);
            for schema in kinds.chain(&operation.chosen) {
                schema.validator();
            }
        }
    }

    #[test]
    #[should_panic(expected = "not as described")]
    fn a_fault_fails_the_test() {
        let watch = Watch::default();
        watch.0.lock().unwrap().push("GET /x".to_owned());
    }
}
