//! Whether values that fit one schema fit another.

use serde_json::{Value, json};

/// How often a reference may lead to another one.
const REFERENCES: usize = 8;
/// Types and formats of which each value is one of the other, too.
const WIDER: [(&str, &str); 3] = [
    ("integer", "number"),
    ("int32", "int64"),
    ("float", "double"),
];
/// What bounds a value, beside `type` and `enum`.
const BOUNDS: [&str; 13] = [
    "minimum",
    "exclusiveMinimum",
    "minLength",
    "minItems",
    "minProperties",
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "format",
    "pattern",
    "const",
];

/// Who must understand a value: what is sent may come to mean less than it did, what is answered may not come
/// to mean more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From callers: the new description must take what the old one took.
    Sent,
    /// To callers: the old description must know what the new one gives.
    Answered,
}

/// The pairs of schemas that a pair stands in.
type Above<'s> = [(&'s Value, &'s Value)];

/// The schemas of two descriptions.
#[derive(Debug, Clone, Copy)]
pub struct Schemas<'s> {
    pub way: Direction,
    pub old: &'s Value,
    pub new: &'s Value,
}

/// The members of an object; none of anything else.
pub fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The items of an array; none of anything else.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Schemas<'_> {
    /// What breaks callers between a schema as it was and as it is.
    pub fn compare(&self, place: &str, old: &Value, new: &Value) -> Vec<String> {
        self.within(&[], place, old, new)
    }

    /// A pair that stands in itself was compared already.
    fn within(&self, above: &Above<'_>, place: &str, old: &Value, new: &Value) -> Vec<String> {
        let mut found = Vec::new();
        if above.contains(&(old, new)) {
            return found;
        }
        let above = [above, &[(old, new)]].concat();
        let (old, new) = (alternatives(self.old, old), alternatives(self.new, new));
        let (given, taken) = self.in_order(&old, &new);
        for one in given {
            let known = taken.iter().filter(|other| fits(one, other, "type"));
            let faults = known.map(|other| {
                let (old, new) = self.in_order(one, other);
                self.faults(&above, place, old, new)
            });
            let faults = faults.min_by_key(Vec::len);
            found.extend(faults.unwrap_or_else(|| {
                let types: Vec<String> = taken.iter().map(kind).collect();
                vec![self.strange(place, &kind(one), &types.join(" or "))]
            }));
        }
        found
    }

    /// What is given first, then what is taken. It is its own inverse.
    fn in_order<T>(&self, old: T, new: T) -> (T, T) {
        match self.way {
            Direction::Sent => (old, new),
            Direction::Answered => (new, old),
        }
    }

    fn strange(&self, place: &str, value: &str, known: &str) -> String {
        match self.way {
            Direction::Sent => format!("{place}: may not be {value} any more, only {known}"),
            Direction::Answered => format!("{place}: may be {value} now, was {known}"),
        }
    }

    /// Of two schemas of one type, without alternatives.
    fn faults(&self, above: &Above<'_>, place: &str, old: &Value, new: &Value) -> Vec<String> {
        let (given, taken) = self.in_order(old, new);
        let mut found = self.values(place, given, taken);
        let bounds = BOUNDS.iter().filter(|bound| !fits(given, taken, bound));
        found.extend(bounds.map(|bound| {
            let (is, was) = (&new[*bound], &old[*bound]);
            format!("{place}: {bound} is {is}, was {was}")
        }));
        if taken["items"].is_object() {
            found.extend(self.within(above, place, &old["items"], &new["items"]));
        }
        found.extend(self.keys(above, place, old, new));
        found
    }

    fn values(&self, place: &str, given: &Value, taken: &Value) -> Vec<String> {
        let Some(known) = taken["enum"].as_array() else {
            return Vec::new();
        };
        let is_known = |value: &&Value| !known.contains(value);
        let known = taken["enum"].to_string();
        match given["enum"].as_array() {
            None => vec![self.strange(place, "any value", &known)],
            Some(values) => values
                .iter()
                .filter(is_known)
                .map(|value| self.strange(place, &value.to_string(), &known))
                .collect(),
        }
    }

    /// Whichever way values go, a key that there was must be there still.
    fn keys(&self, above: &Above<'_>, place: &str, old: &Value, new: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let (others, others_now) = (&old["additionalProperties"], &new["additionalProperties"]);
        for (key, schema) in object(&old["properties"]) {
            let place = format!("{place}, `{key}`");
            let now = &new["properties"][key];
            let now = if now.is_null() { others_now } else { now };
            if now.is_object() {
                found.extend(self.within(above, &place, schema, now));
            } else {
                found.push(format!("{place}: is gone"));
            }
        }
        let (given, taken) = self.in_order(old, new);
        let is_always_given = |key: &&Value| !list(&given["required"]).any(|one| one == *key);
        for key in list(&taken["required"]).filter(is_always_given) {
            let key = key.as_str().unwrap_or_default();
            let change = match self.way {
                Direction::Sent => "is required now",
                Direction::Answered => "may be absent now",
            };
            found.push(format!("{place}, `{key}`: {change}"));
        }
        if taken["additionalProperties"].is_object() && given["additionalProperties"] != false {
            let place = format!("{place}, other keys");
            found.extend(self.within(above, &place, others, others_now));
        }
        if self.way == Direction::Sent && others_now == false && others != false {
            found.push(format!("{place}: other keys are refused now"));
        }
        found
    }
}

/// Whether a bound of what is given keeps within that of what is taken.
fn fits(given: &Value, taken: &Value, bound: &str) -> bool {
    let (given, taken) = (&given[bound], &taken[bound]);
    if taken.is_null() || given == taken {
        return true;
    }
    match (given, taken) {
        (Value::String(given), Value::String(taken)) => {
            WIDER.contains(&(given.as_str(), taken.as_str()))
        }
        (Value::Number(given), Value::Number(taken)) if bound.to_lowercase().contains("min") => {
            given.as_f64() >= taken.as_f64()
        }
        (Value::Number(given), Value::Number(taken)) => {
            bound.to_lowercase().contains("max") && given.as_f64() <= taken.as_f64()
        }
        _ => false,
    }
}

fn kind(schema: &Value) -> String {
    schema["type"].as_str().unwrap_or("anything").to_owned()
}

/// The schemas of one type each that a schema lets a value choose from.
fn alternatives(spec: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolved(spec, schema);
    let of = ["oneOf", "anyOf"].map(|of| list(&schema[of]).collect::<Vec<_>>());
    let all = of.concat();
    if !all.is_empty() {
        return all
            .into_iter()
            .flat_map(|one| alternatives(spec, one))
            .collect();
    }
    let Some(types) = schema["type"].as_array() else {
        return vec![schema];
    };
    let each = types.iter().map(|one| {
        if one == "null" {
            return json!({"type": one});
        }
        let mut schema = schema.clone();
        schema["type"] = one.clone();
        schema
    });
    each.collect()
}

/// A schema without references, its parts put together.
fn resolved(spec: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..REFERENCES {
        let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
        else {
            break;
        };
        schema = spec["components"]["schemas"][name].clone();
    }
    if !schema.is_object() {
        return json!({});
    }
    let parts = schema["allOf"].take();
    for part in list(&parts) {
        for (key, value) in object(&resolved(spec, part)) {
            match (key.as_str(), value) {
                ("properties", Value::Object(more)) => {
                    for (name, property) in more {
                        schema["properties"][name] = property.clone();
                    }
                }
                ("required", Value::Array(more)) => {
                    let all = list(&schema["required"]).chain(more).cloned().collect();
                    schema["required"] = Value::Array(all);
                }
                _ => schema[key] = value.clone(),
            }
        }
    }
    schema
}
