//! Headers of answers.

use serde_json::{Value, json};
use utoipa::openapi::{
    HeaderBuilder, ObjectBuilder, OpenApi, RefOr, Type,
    path::{Operation, PathItem},
};

use super::{answers, examples};
use crate::{http::conditional::is_tagged, legacy};

/// Made while they are read: nobody knows what they will say.
const UNTAGGED: [&str; 3] = ["bulk_companies", "list_company_tickets", "export"];

/// A header.
struct Sent {
    name: &'static str,
    description: &'static str,
    example: &'static str,
}

const TAG: Sent = Sent {
    name: "etag",
    description: "What the answer says, for `If-None-Match`; of a single record also for `If-Match`",
    example: "\"2d711642b726b044-18a3f2\"",
};
const NEXT: Sent = Sent {
    name: "link",
    description: "The next page; absent on the last",
    example: "<https://codex.example/api/contacts?limit=2&cursor=343a3d61636d65>; rel=\"next\"",
};
const TOTAL: Sent = Sent {
    name: "x-total-count",
    description: "How many the whole list has; with `total=true`",
    example: "34",
};
const LOCATION: Sent = Sent {
    name: "location",
    description: "Address of the new record",
    example: "/api/contacts/4711",
};
const IGNORED: Sent = Sent {
    name: "x-ignored-parameters",
    description: "Query parameters that had no effect: unknown ones, and those that could not be read",
    example: "colour, limit",
};
const APPLIED: Sent = Sent {
    name: "preference-applied",
    description: "`handling=strict`, when that was preferred",
    example: "handling=strict",
};
const LATER: Sent = Sent {
    name: "retry-after",
    description: "Seconds after which another try may succeed",
    example: "5",
};

const PREFER: &str = "`handling=strict` refuses unknown and unreadable parameters, which are ignored otherwise, and honours \
    `limit` wherever a list has one (RFC 7240)";

/// Describes them where they are sent.
pub fn describe(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        if let Some(read) = &mut item.get {
            describe_reading(path, read);
            if legacy::ROUTES.contains(&&*format!("GET {path}")) {
                add(read, &["200"], &IGNORED);
                add(read, &["200"], &APPLIED);
                answers::add_header(read, "Prefer", PREFER);
            }
        }
        let posts = item.post.iter_mut();
        posts.for_each(|operation| {
            add(operation, &["409"], &LATER);
            add(operation, &["201"], &LOCATION);
        });
        of_all(item, &["429", "503", "507"], &LATER);
    }
}

fn describe_reading(path: &str, operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if is_tagged(path) && !UNTAGGED.contains(&id) {
        add(operation, &["200"], &TAG);
    }
    for (parameter, header) in [("cursor", &NEXT), ("total", &TOTAL)] {
        let mut parameters = operation.parameters.iter().flatten();
        if parameters.any(|known| matches!(known, RefOr::T(known) if known.name == parameter)) {
            add(operation, &["200"], header);
        }
    }
}

fn of_all(item: &mut PathItem, statuses: &[&str], header: &Sent) {
    examples::operations(item).for_each(|operation| add(operation, statuses, header));
}

fn add(operation: &mut Operation, statuses: &[&str], header: &Sent) {
    for status in statuses {
        let response = operation.responses.responses.get_mut(*status);
        let Some(RefOr::T(response)) = response else {
            continue;
        };
        let number = header.example.parse::<i64>().ok();
        let kind = number.map_or(Type::String, |_| Type::Integer);
        let example: Value = number.map_or_else(|| json!(header.example), |number| json!(number));
        let described = HeaderBuilder::new()
            .description(Some(header.description))
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .example(Some(example))
            .build();
        let known = &mut response.headers;
        known.insert(header.name.to_owned(), RefOr::T(described));
    }
}
