//! What every operation can answer beside what is its own.

use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Type,
    path::{Operation, ParameterBuilder, ParameterIn},
};

/// Statuses of every operation that needs a token.
const OF_ALL: [(&str, &str); 3] = [
    ("401", "No valid token"),
    ("429", "Too many calls; `Retry-After` says how long to wait"),
    ("503", "The database is out of reach"),
];

/// Statuses of every operation that takes a body.
const OF_BODIES: [(&str, &str); 3] = [
    ("400", "The body is no JSON"),
    ("413", "The body is too large"),
    ("415", "The body is not said to be JSON"),
];

/// Adds them wherever an operation does not describe them itself.
pub fn complete(api: &mut OpenApi) {
    for item in api.paths.paths.values_mut() {
        let operations = [
            (true, &mut item.get),
            (false, &mut item.put),
            (false, &mut item.post),
            (false, &mut item.delete),
        ];
        for (reads, operation) in operations {
            let Some(operation) = operation else { continue };
            let open = operation.security.as_ref().is_some_and(|needed| {
                needed.iter().all(|scheme| *scheme == utoipa::openapi::SecurityRequirement::default())
            });
            if !open {
                add(operation, &OF_ALL);
            }
            let only_made = operation.operation_id.as_deref() == Some("sync_agents");
            if !reads && !only_made && operation.tags.iter().flatten().all(|tag| !ONLY_MADE.contains(&tag.as_str())) {
                add_dry_run(operation);
            }
            if operation.request_body.is_some() {
                add(operation, &OF_BODIES);
            }
        }
    }
}

/// What these start cannot be told in advance.
const ONLY_MADE: [&str; 5] = ["sync", "jobs", "holds", "outbox", "webhooks"];

fn add_dry_run(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("dry_run")
        .parameter_in(ParameterIn::Query)
        .description(Some("`true` changes nothing and tells what would change"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
    let answer = answer("What would change: nothing was", "DryRunOut", "application/json");
    let known = &mut operation.responses.responses;
    known.insert("202".to_owned(), RefOr::T(answer));
}

fn add(operation: &mut Operation, statuses: &[(&str, &str)]) {
    for (status, description) in statuses {
        let known = &mut operation.responses.responses;
        known
            .entry((*status).to_owned())
            .or_insert_with(|| RefOr::T(answer(description, "Problem", "application/problem+json")));
    }
}

fn answer(description: &str, schema: &str, content_type: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    ResponseBuilder::new()
        .description(description)
        .content(content_type, content)
        .build()
}
