//! What every operation can answer beside what is its own.

use axum::http::Method;
use utoipa::openapi::{
    Content, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type,
    path::{Operation, ParameterBuilder, ParameterIn},
};

/// Statuses of every operation that needs a token.
const OF_ALL: [(&str, &str); 4] = [
    ("401", "No valid token"),
    ("429", "Too many calls; `Retry-After` says how long to wait"),
    (OUT_OF_REACH, "The database is out of reach"),
    (
        FULL,
        "The disk of the database is full; `Retry-After` says when to try again",
    ),
];

const OUT_OF_REACH: &str = "503";
const FULL: &str = "507";

/// Statuses of every operation that takes a body.
const OF_BODIES: [(&str, &str); 4] = [
    ("400", "The body is not JSON"),
    ("408", "The body stopped midway"),
    ("413", "The body is too large"),
    ("415", "The body is not said to be JSON"),
];

/// Statuses of every operation that has parameters, or could be sent one.
const OF_PARAMETERS: [(&str, &str); 1] = [("400", "A parameter that is unknown or cannot be read")];

/// Statuses of every call that makes something, and of every change of what has no GET at its path.
const OF_WHAT_CANNOT_BE_READ: [(&str, &str); 1] = [(
    "412",
    "An `If-Match`: nobody can have seen what is changed here",
)];

/// Adds them wherever an operation does not describe them itself.
pub fn complete(api: &mut OpenApi) {
    for item in api.paths.paths.values_mut() {
        let can_be_read = item.get.is_some();
        let operations = [
            (Method::GET, &mut item.get),
            (Method::PUT, &mut item.put),
            (Method::POST, &mut item.post),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let reads = method == Method::GET;
            name_problems(operation);
            let open = operation.security.as_ref().is_some_and(|needed| {
                needed
                    .iter()
                    .all(|scheme| *scheme == utoipa::openapi::SecurityRequirement::default())
            });
            if !open {
                let flat = has_errors_of_its_own(operation);
                add(operation, &OF_ALL);
                if flat {
                    add_flat(operation, OUT_OF_REACH);
                    add_flat(operation, FULL);
                }
            }
            let only_made = operation.operation_id.as_deref() == Some("sync_agents")
                || operation
                    .tags
                    .iter()
                    .flatten()
                    .any(|tag| ONLY_MADE.contains(&tag.as_str()));
            match method {
                _ if open || reads => {}
                Method::POST => {
                    add_key(operation);
                    add(operation, &OF_WHAT_CANNOT_BE_READ);
                }
                _ if can_be_read => {
                    add_tag(operation);
                    if method == Method::PUT {
                        let description = "`*` makes a record and changes none";
                        add_header(operation, "If-None-Match", description);
                    }
                }
                _ => add(operation, &OF_WHAT_CANNOT_BE_READ),
            }
            match (reads, only_made) {
                (false, false) => add_dry_run(operation),
                (false, true) => add(operation, &[("400", "`dry_run`: this call has no dry run")]),
                (true, _) => {}
            }
            if operation.request_body.is_some() {
                add(operation, &OF_BODIES);
            }
            add(operation, &OF_PARAMETERS);
        }
    }
}

/// Whether a route tells what concerns its call in the form that today's modules read.
fn has_errors_of_its_own(operation: &Operation) -> bool {
    let mut answers = operation.responses.responses.iter();
    answers.any(|(status, answer)| match answer {
        RefOr::T(answer) => status.starts_with('4') && answer.content.contains_key(JSON),
        RefOr::Ref(_) => false,
    })
}

/// Describes that form of an answer too.
fn add_flat(operation: &mut Operation, status: &str) {
    let answer = operation.responses.responses.get_mut(status);
    if let Some(RefOr::T(answer)) = answer {
        let schema = Ref::from_schema_name("ErrorOut");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        answer
            .content
            .entry(JSON.to_owned())
            .or_insert(RefOr::T(content));
    }
}

/// What these start is not known in advance.
const ONLY_MADE: [&str; 5] = ["sync", "jobs", "holds", "outbox", "webhooks"];

fn add_dry_run(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("dry_run")
        .parameter_in(ParameterIn::Query)
        .description(Some("`true` changes nothing and returns what would change"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(parameter));
    let answer = answer(
        "What would change: nothing was",
        "DryRunOut",
        "application/json",
    );
    let known = &mut operation.responses.responses;
    known.insert("202".to_owned(), RefOr::T(answer));
}

/// A change of what can be read may say what its caller has seen.
fn add_tag(operation: &mut Operation) {
    let description = "Only if nobody has changed the record since it had this `ETag`";
    add_header(operation, "If-Match", description);
    add(
        operation,
        &[("412", "The record is not as `If-Match` says")],
    );
}

/// A call that makes something may be sent twice.
fn add_key(operation: &mut Operation) {
    let description = "Made once, however often it is sent with this key within a day";
    add_header(operation, "Idempotency-Key", description);
    let refusals = [
        (
            "409",
            "A call with this `Idempotency-Key` began, and whether it was made is not known yet; or it was made, and its answer was too large to be kept",
        ),
        ("422", "The `Idempotency-Key` was used for another call"),
    ];
    add(operation, &refusals);
}

/// A parameter in a header.
pub(super) fn add_header(operation: &mut Operation, name: &str, description: &str) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(parameter));
}

fn add(operation: &mut Operation, statuses: &[(&str, &str)]) {
    for (status, description) in statuses {
        let known = &mut operation.responses.responses;
        known
            .entry((*status).to_owned())
            .or_insert_with(|| RefOr::T(answer(description, "Problem", PROBLEM)));
    }
}

const PROBLEM: &str = "application/problem+json";
pub(super) const JSON: &str = "application/json";

/// Problems have a media type of their own; and wherever a route has an error of its own shape, the framework
/// may have refused the call before it came so far.
fn name_problems(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        let is = |content: &RefOr<Content>, name: &str| match content {
            RefOr::T(Content {
                schema: Some(RefOr::Ref(schema)),
                ..
            }) => schema.ref_location.ends_with(&format!("/{name}")),
            _ => false,
        };
        let Some(json) = response.content.get(JSON) else {
            continue;
        };
        if is(json, "Problem") {
            let content = response.content.shift_remove(JSON);
            response
                .content
                .extend(content.map(|content| (PROBLEM.to_owned(), content)));
        } else if status.starts_with('4') || status.starts_with('5') {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response
                .content
                .insert(PROBLEM.to_owned(), RefOr::T(content));
        }
    }
}

/// An answer whose body has a schema.
pub(super) fn answer(description: &str, schema: &str, content_type: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(content_type, content)
        .build()
}
