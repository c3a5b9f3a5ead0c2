//! Holds every answer of a test's daemon against the API description.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{Method, StatusCode, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The largest answer that is checked.
const LARGEST: usize = 64 * 1024 * 1024;

/// Answers that every route can give and that no operation need describe: they are the framework's.
const OF_THE_FRAMEWORK: [u16; 2] = [405, 431];

/// What an operation may answer: by status and media type.
type Answers = HashMap<(String, String), Arc<Validator>>;

struct Operation {
    segments: Vec<String>,
    method: Method,
    statuses: Vec<String>,
    answers: Answers,
}

/// The operations of both descriptions.
static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let public = codex_daemon::routes::openapi();
    let internal = codex_daemon::routes::internal_openapi();
    [public, internal]
        .iter()
        .flat_map(|api| operations(&serde_json::to_value(api).unwrap_or_default()))
        .collect()
});

fn operations(spec: &Value) -> Vec<Operation> {
    let mut spec = spec.clone();
    close(&mut spec);
    let components = spec["components"].clone();
    let mut all = Vec::new();
    for (path, item) in spec["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let responses = operation["responses"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let mut answers = Answers::new();
            for (status, response) in &responses {
                for (kind, content) in response["content"].as_object().into_iter().flatten() {
                    let mut schema = content["schema"].clone();
                    if let Some(schema) = schema.as_object_mut() {
                        schema.insert("components".into(), components.clone());
                    }
                    let validator = jsonschema::options()
                        .with_draft(jsonschema::Draft::Draft202012)
                        .build(&schema);
                    if let Ok(validator) = validator {
                        answers.insert((status.clone(), kind.clone()), Arc::new(validator));
                    }
                }
            }
            all.push(Operation {
                segments: path.split('/').map(str::to_owned).collect(),
                method,
                statuses: responses.keys().cloned().collect(),
                answers,
            });
        }
    }
    all
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
pub async fn check(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // Whoever chooses the keys of a record gets just those.
    let chosen = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("fields="));
    let response = next.run(request).await;
    let Some(operation) = operation_of(&method, &path) else {
        return response;
    };
    let (parts, body) = response.into_parts();
    let status = parts.status;
    let kind = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    if OF_THE_FRAMEWORK.contains(&status.as_u16()) || status == StatusCode::NOT_MODIFIED {
        return Response::from_parts(parts, body);
    }
    let range = format!("{}XX", &status.as_str()[..1]);
    let described = [status.as_str().to_owned(), range];
    let described = described
        .into_iter()
        .find(|is| operation.statuses.contains(is));
    let Some(described) = described else {
        return violation(&method, &path, &format!("status {status} is not described"));
    };
    if (chosen && status.is_success())
        || !kind.contains("json")
        || parts.headers.contains_key("content-encoding")
    {
        return Response::from_parts(parts, body);
    }
    let bytes = match to_bytes(body, LARGEST).await {
        Ok(bytes) => bytes,
        Err(error) => return violation(&method, &path, &format!("the body broke off: {error}")),
    };
    let value: Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(error) => return violation(&method, &path, &format!("the body is no JSON: {error}")),
    };
    let answers = &operation.answers;
    let known = answers.get(&(described, kind.clone()));
    let fits = match known {
        Some(validator) => validator
            .validate(&value)
            .map_err(|error| format!("{error} at {}", error.instance_path())),
        None => Err(format!(
            "no answer of type {kind} is described for {status}"
        )),
    };
    match fits {
        Ok(()) => Response::from_parts(parts, Body::from(bytes)),
        Err(fault) => violation(&method, &path, &format!("{status}: {fault}\n{value}")),
    }
}

fn violation(method: &Method, path: &str, fault: &str) -> Response {
    let text: String = fault.chars().take(2_000).collect();
    eprintln!("{method} {path} is not as described: {text}");
    let body = Map::from_iter([("violation".to_owned(), Value::from(text))]);
    (StatusCode::NOT_IMPLEMENTED, axum::Json(body)).into_response()
}
