//! Columns of lists as parameters of their operations.

use codex_core::list::{Column, ColumnType, Op};
use serde_json::json;
use utoipa::openapi::{
    ObjectBuilder, OpenApi, RefOr, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};

use super::examples;
use crate::api::lists;

/// What a comparison leaves.
fn description(op: Op) -> &'static str {
    match op {
        Op::Eq => "Equal; text ignores case",
        Op::Exact => "Equal, byte by byte",
        Op::Ne => "Not equal, or unknown",
        Op::In => "One of these, with commas between; one that holds a comma in double quotes",
        Op::Lt => "Less",
        Op::Lte => "Less or equal",
        Op::Gt => "Greater",
        Op::Gte => "Greater or equal",
        Op::Contains => "Contains; ignores case",
        Op::StartsWith => "Starts with; ignores case",
        Op::IsNull => "`true`: unknown; `false`: known",
    }
}

/// Describes each comparison of each column that is no parameter of another meaning.
pub fn describe(api: &mut OpenApi) {
    let lists = lists().filter_map(|list| Some((list.path, list.listing?)));
    for (path, listing) in lists {
        let item = api.paths.paths.get_mut(path);
        let Some(operation) = item.and_then(|item| item.get.as_mut()) else {
            continue;
        };
        let id = operation.operation_id.clone().unwrap_or_default();
        let parameters = operation.parameters.get_or_insert_default();
        let is_known = |name: &str, parameters: &[RefOr<Parameter>]| {
            let mut known = parameters.iter();
            known.any(|known| matches!(known, RefOr::T(known) if known.name == name))
        };
        for column in listing.columns() {
            for (name, op) in column.parameters() {
                if !is_known(&name, parameters) {
                    parameters.push(RefOr::T(parameter(&id, &column, name, op)));
                }
            }
        }
    }
}

fn parameter(operation: &str, column: &Column, name: String, op: Op) -> Parameter {
    let kind = match (op, column.kind) {
        (Op::IsNull, _) => Type::Boolean,
        (Op::In, _) => Type::String,
        (_, ColumnType::Int) => Type::Integer,
        (_, ColumnType::Bool) => Type::Boolean,
        _ => Type::String,
    };
    let example = match kind {
        _ if column.kind == ColumnType::Bool => Some(json!(true)),
        Type::Boolean => Some(json!(true)),
        _ => examples::example(operation, column.name),
    };
    let example = match (example, &kind) {
        (Some(example), Type::String) if !example.is_string() => Some(json!(example.to_string())),
        (example, _) => example,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description(op)))
        .schema(Some(ObjectBuilder::new().schema_type(kind)))
        .example(example)
        .build()
}
