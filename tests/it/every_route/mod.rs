//! Every operation of both descriptions, held against tables that may have no holes.

mod bodies;
mod conditions;
mod keys;
mod nothing_known;
mod parameters;
mod roles;
mod samples;
mod world;

use reqwest::Method;
use serde_json::Value;

use world::{Owner, World};

/// An operation as it is described.
pub struct Operation {
    /// Such as `PUT /api/contacts/{id}`.
    pub name: String,
    method: Method,
    path: String,
    described: Value,
    /// The schema of its body, without references.
    body: Option<Value>,
}

impl Operation {
    /// Names of the parameters in its path or query.
    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.described["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        all.filter(|one| one["in"] == place)
            .filter_map(|one| one["name"].as_str())
            .collect()
    }

    /// Whether it can be made without being done.
    fn has_dry_run(&self) -> bool {
        self.parameters("query").contains(&"dry_run")
    }

    /// Its path to a record, with what it must be asked.
    fn at(&self, world: &World, whose: Owner) -> String {
        let path = world.path(&self.path, whose);
        match self.path.as_str() {
            "/api/search" => path + "?q=a",
            _ => path,
        }
    }

    /// As [`Operation::at`], and where it can be, so that nothing is done.
    fn dry(&self, world: &World, whose: Owner) -> String {
        let path = self.at(world, whose);
        if self.has_dry_run() {
            path + "?dry_run=true"
        } else {
            path
        }
    }
}

/// All operations, for others and for our own pages.
pub fn operations() -> Vec<Operation> {
    let apis = [
        codex_daemon::openapi::public(),
        codex_daemon::openapi::internal(),
    ];
    apis.into_iter()
        .flat_map(|api| of(&serde_json::to_value(api).unwrap()))
        .collect()
}

fn of(spec: &Value) -> Vec<Operation> {
    let paths = spec["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, described)| {
                let schema = &described["requestBody"]["content"]["application/json"]["schema"];
                let method = method.to_uppercase();
                Operation {
                    name: format!("{method} {path}"),
                    method: method.parse().unwrap(),
                    path: path.clone(),
                    body: schema.is_object().then(|| resolved(spec, schema)),
                    described: described.clone(),
                }
            })
    });
    each.collect()
}

/// A schema with what it refers to in its place, and its parts in one.
fn resolved(spec: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return resolved(spec, &spec["components"]["schemas"][name]);
    }
    if let Some(parts) = schema["allOf"].as_array().cloned() {
        let parts = parts.iter().map(|part| resolved(spec, part));
        let members = parts.filter_map(|part| part["properties"].as_object().cloned());
        schema["properties"] = Value::Object(members.flatten().collect());
    }
    if let Some(members) = schema["properties"].as_object_mut() {
        for member in members.values_mut() {
            *member = resolved(spec, member);
        }
    }
    if schema["items"].is_object() {
        schema["items"] = resolved(spec, &schema["items"]);
    }
    let choice = schema["oneOf"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["$ref"].is_string()).cloned());
    match choice {
        Some(choice) => resolved(spec, &choice),
        None => schema,
    }
}

/// Fails with what one has and the other lacks.
fn same_names<'n>(
    what: &str,
    table: impl Iterator<Item = &'n str>,
    wanted: impl Iterator<Item = &'n str>,
) {
    let (table, wanted): (std::collections::BTreeSet<_>, std::collections::BTreeSet<_>) =
        (table.collect(), wanted.collect());
    let missing: Vec<_> = wanted.difference(&table).collect();
    let surplus: Vec<_> = table.difference(&wanted).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: missing {missing:#?}, surplus {surplus:#?}"
    );
}
