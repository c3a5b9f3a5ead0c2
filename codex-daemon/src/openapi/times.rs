//! Times are described as such: our answers have them as text.

use utoipa::openapi::{
    KnownFormat, OpenApi, RefOr, SchemaFormat, Type,
    schema::{Object, Schema, SchemaType},
};

/// Names of times that do not end in `_at`.
const TIMES: [&str; 10] = [
    "due_by",
    "due_by_str",
    "first_responded_at_iso",
    "fr_due_by",
    "fr_due_by_str",
    "last_reboot",
    "last_seen",
    "last_sync_time",
    "last_updated",
    "timestamp",
];

/// Whether a field of this name is a time: RFC 3339 with an offset.
pub fn is_time(name: &str) -> bool {
    name.ends_with("_at") || name.ends_with("_at_str") || TIMES.contains(&name)
}

/// Gives every time its format.
pub fn describe(api: &mut OpenApi) {
    let schemas = api.components.as_mut().map(|all| &mut all.schemas);
    for schema in schemas.into_iter().flat_map(|all| all.values_mut()) {
        describe_schema(schema);
    }
}

fn describe_schema(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            for (name, field) in &mut object.properties {
                match field {
                    RefOr::T(Schema::Object(field)) if is_time(name) && is_text(field) => {
                        field.format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime));
                    }
                    field => describe_schema(field),
                }
            }
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(describe_schema),
        Schema::OneOf(any) => any.items.iter_mut().for_each(describe_schema),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(describe_schema),
        _ => {}
    }
}

fn is_text(field: &Object) -> bool {
    match &field.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    }
}
