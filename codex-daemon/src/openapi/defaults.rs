//! Defaults of members. For serde an absent member is null; in a body absent means "keep the value", and null blanks it.
//! Generated clients would send what is described as the default.

use serde_json::Value;
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// Removes the defaults that are null.
pub fn drop_nulls(api: &mut OpenApi) {
    let schemas = api.components.as_mut().map(|all| &mut all.schemas);
    schemas
        .into_iter()
        .flatten()
        .for_each(|(_, schema)| visit(schema));
}

fn visit(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    let default = match schema {
        Schema::Object(object) => {
            object.properties.values_mut().for_each(visit);
            &mut object.default
        }
        Schema::Array(array) => &mut array.default,
        Schema::OneOf(one) => &mut one.default,
        Schema::AnyOf(any) => &mut any.default,
        Schema::AllOf(all) => {
            all.items.iter_mut().for_each(visit);
            &mut all.default
        }
        _ => return,
    };
    if *default == Some(Value::Null) {
        *default = None;
    }
}
