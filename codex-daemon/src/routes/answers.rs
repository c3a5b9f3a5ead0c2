//! What every operation can answer beside what is its own.

use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, path::Operation,
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
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            let open = operation.security.as_ref().is_some_and(|needed| {
                needed.iter().all(|scheme| *scheme == utoipa::openapi::SecurityRequirement::default())
            });
            if !open {
                add(operation, &OF_ALL);
            }
            if operation.request_body.is_some() {
                add(operation, &OF_BODIES);
            }
        }
    }
}

fn add(operation: &mut Operation, statuses: &[(&str, &str)]) {
    for (status, description) in statuses {
        let known = &mut operation.responses.responses;
        known
            .entry((*status).to_owned())
            .or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}
