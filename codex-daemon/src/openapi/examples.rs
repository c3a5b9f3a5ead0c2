//! Examples of fields and parameters that have none of their own: by name, since one name means one thing nearly
//! everywhere.
//!
//! `examples.json` has an example for each name, and for `Schema.field` or `operation.parameter` where a name means
//! something else.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;
use utoipa::openapi::{
    OpenApi, RefOr, Type,
    path::{Operation, Parameter, PathItem},
    schema::{ArrayItems, Object, Schema, SchemaType},
};

static EXAMPLES: LazyLock<HashMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

pub fn example(of: &str, name: &str) -> Option<Value> {
    // A part of a record has the record's fields.
    let of = of.strip_prefix("Partial").unwrap_or(of);
    let own = EXAMPLES.get(&format!("{of}.{name}"));
    own.or_else(|| EXAMPLES.get(name)).cloned()
}

/// Gives every field and every parameter an example.
pub fn give(api: &mut OpenApi) {
    let schemas = api.components.as_mut().map(|all| &mut all.schemas);
    for (name, schema) in schemas.into_iter().flatten() {
        give_schema(schema, name, name);
    }
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        let of = operation.operation_id.clone().unwrap_or_default();
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && !has_example(parameter)
                && let Some(schema) = &mut parameter.schema
            {
                give_schema(schema, &of, &parameter.name);
            }
        }
    }
}

/// What is done at a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
    ];
    all.into_iter().flatten()
}

/// It cannot be read otherwise.
fn has_example(parameter: &Parameter) -> bool {
    serde_json::to_value(parameter).is_ok_and(|parameter| parameter.get("example").is_some())
}

fn give_schema(schema: &mut RefOr<Schema>, of: &str, name: &str) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) if object.properties.is_empty() => give_value(object, of, name),
        Schema::Object(object) => {
            for (name, field) in &mut object.properties {
                give_schema(field, of, name);
            }
        }
        Schema::Array(array) => {
            let whole = match &array.items {
                ArrayItems::RefOrSchema(items) => matches!(&**items, RefOr::T(_)),
                ArrayItems::False => false,
            };
            if whole && array.example.is_none() && array.examples.is_empty() {
                array.example = example(of, name);
            }
        }
        Schema::OneOf(any) => any
            .items
            .iter_mut()
            .for_each(|one| give_schema(one, of, name)),
        Schema::AllOf(all) => all
            .items
            .iter_mut()
            .for_each(|one| give_schema(one, of, name)),
        Schema::AnyOf(any) => any
            .items
            .iter_mut()
            .for_each(|one| give_schema(one, of, name)),
        _ => {}
    }
}

/// What has few values shows them already.
fn give_value(object: &mut Object, of: &str, name: &str) {
    let is_null = matches!(object.schema_type, SchemaType::Type(Type::Null));
    if object.example.is_none()
        && object.examples.is_empty()
        && object.enum_values.is_none()
        && !is_null
    {
        object.example = example(of, name);
    }
}
