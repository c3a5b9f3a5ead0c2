//! What breaks callers between two descriptions of the API. `tests/it/spec.rs` says how to compare with an older one.

mod schema;
#[cfg(test)]
mod tests;

use serde_json::Value;

use schema::{Direction, Schemas, list, object};

/// What a caller of the `old` description can no longer rely on in the `new` one, a line each.
pub fn changes(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in object(&old["paths"]) {
        for (method, operation) in
            object(item).filter(|(method, _)| METHODS.contains(&method.as_str()))
        {
            let name = format!("{} {path}", method.to_uppercase());
            let now = &new["paths"][path][method];
            if now.is_null() {
                found.push(format!("{name} is gone"));
                continue;
            }
            let pair = Pair {
                name,
                specs: (old, new),
                before: operation,
                now,
            };
            pair.operation_id(&mut found);
            pair.security(&mut found);
            pair.parameters(&mut found);
            pair.body(&mut found);
            pair.answers(&mut found);
        }
    }
    found
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// An operation as it was and as it is.
struct Pair<'s> {
    name: String,
    specs: (&'s Value, &'s Value),
    before: &'s Value,
    now: &'s Value,
}

impl Pair<'_> {
    fn schemas(&self, way: Direction) -> Schemas<'_> {
        let (old, new) = self.specs;
        Schemas { way, old, new }
    }

    /// Clients that are generated name their calls after it.
    fn operation_id(&self, found: &mut Vec<String>) {
        let id = |operation: &Value| operation["operationId"].clone();
        let (was, is) = (id(self.before), id(self.now));
        if was != is {
            found.push(format!("{}: operationId is {is}, was {was}", self.name));
        }
    }

    /// Each way in is a set of schemes; a call that had enough must have enough still.
    fn security(&self, found: &mut Vec<String>) {
        let ways = |spec: &Value, operation: &Value| -> Vec<Vec<String>> {
            let own = &operation["security"];
            let ways = if own.is_null() {
                &spec["security"]
            } else {
                own
            };
            let schemes = |way: &Value| object(way).map(|(scheme, _)| scheme.clone()).collect();
            let mut ways: Vec<_> = list(ways).map(schemes).collect();
            if ways.is_empty() {
                ways.push(Vec::new());
            }
            ways
        };
        let is = ways(self.specs.1, self.now);
        for had in ways(self.specs.0, self.before) {
            let enough = |way: &Vec<String>| way.iter().all(|scheme| had.contains(scheme));
            if !is.iter().any(enough) {
                let had = match had.join(" and ") {
                    none if none.is_empty() => "no token".to_owned(),
                    schemes => schemes,
                };
                found.push(format!("{}: {had} is not enough any more", self.name));
            }
        }
    }

    fn parameters(&self, found: &mut Vec<String>) {
        let name = &self.name;
        let named = |all: &Value, wanted: &Value| {
            let same = |one: &&Value| one["name"] == wanted["name"] && one["in"] == wanted["in"];
            list(&all["parameters"]).find(same).cloned()
        };
        for parameter in list(&self.before["parameters"]) {
            let place = format!("{name}: parameter {}", parameter["name"]);
            match named(self.now, parameter) {
                None => found.push(format!("{place} is gone")),
                Some(now) => found.extend(self.schemas(Direction::Sent).compare(
                    &place,
                    &parameter["schema"],
                    &now["schema"],
                )),
            }
        }
        for parameter in list(&self.now["parameters"]).filter(|one| one["required"] == true) {
            let before = named(self.before, parameter);
            if before.is_none_or(|before| before["required"] != true) {
                let parameter = &parameter["name"];
                found.push(format!("{name}: parameter {parameter} is required now"));
            }
        }
    }

    fn body(&self, found: &mut Vec<String>) {
        let (before, now) = (&self.before["requestBody"], &self.now["requestBody"]);
        if now["required"] == true && before["required"] != true {
            found.push(format!("{}: a body is needed now", self.name));
        }
        let place = format!("{}: body", self.name);
        self.contents(Direction::Sent, &place, before, now, found);
    }

    /// A refusal that is described no more is no loss; one that still is keeps its shape.
    fn answers(&self, found: &mut Vec<String>) {
        for (status, answer) in object(&self.before["responses"]) {
            let place = format!("{}: answer {status}", self.name);
            let later = &self.now["responses"][status];
            if !later.is_null() {
                self.contents(Direction::Answered, &place, answer, later, found);
            } else if status.starts_with('2') {
                found.push(format!("{place} is gone"));
            }
        }
    }

    fn contents(
        &self,
        way: Direction,
        place: &str,
        before: &Value,
        now: &Value,
        found: &mut Vec<String>,
    ) {
        for (kind, content) in object(&before["content"]) {
            let later = &now["content"][kind];
            if later.is_null() {
                found.push(format!("{place} is not {kind} any more"));
                continue;
            }
            let (was, is) = (&content["schema"], &later["schema"]);
            found.extend(self.schemas(way).compare(place, was, is));
        }
    }
}
