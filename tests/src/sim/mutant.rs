//! What may become of one item on its way from a vendor: another type, an odd text, bytes that are no text.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Map, Value, json};

/// Stands for raw bytes while an item is put together.
const PLACE: &str = "@@here@@";

/// A list's body in which the item with an id has become something else, by the seed; the same body where no
/// list has the item. `other` is the id of another item, which the first may take.
pub fn spoil(body: &[u8], id: &str, other: &str, seed: u64) -> Vec<u8> {
    let Ok(mut whole) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    let list = match &mut whole {
        Value::Array(list) => Some(list),
        Value::Object(members) => members.values_mut().find_map(Value::as_array_mut),
        _ => None,
    };
    let items = list.map(Vec::as_mut_slice).unwrap_or_default();
    let Some(item) = items
        .iter_mut()
        .find(|item| id_of(item).is_some_and(|found| found == id))
    else {
        return body.to_vec();
    };
    let bytes = mutated(item, other, &mut StdRng::seed_from_u64(seed));
    *item = PLACE.into();
    put(&whole, &bytes)
}

/// The id of an item, as text.
pub fn id_of(item: &Value) -> Option<String> {
    let id = item.get("uid").or_else(|| item.get("id"))?;
    id.as_str()
        .map_or_else(|| Some(id.to_string()), |id| Some(id.to_owned()))
}

/// JSON with bytes where [`PLACE`] stands.
fn put(value: &Value, bytes: &[u8]) -> Vec<u8> {
    let text = value.to_string();
    let place = format!("\"{PLACE}\"");
    match text.split_once(&place) {
        Some((before, after)) => [before.as_bytes(), bytes, after.as_bytes()].concat(),
        None => text.into_bytes(),
    }
}

fn mutated(item: &Value, other: &str, random: &mut StdRng) -> Vec<u8> {
    let plain = item.to_string().into_bytes();
    let Value::Object(members) = item else {
        return odd(item, random);
    };
    match random.random_range(0..100) {
        // The item comes twice, or again and changed.
        0..4 => [plain.as_slice(), b",", &plain].concat(),
        4..8 => [plain.as_slice(), b",", &member(members, random)].concat(),
        8..11 => odd(item, random),
        11..13 => [b"\xef\xbb\xbf".as_slice(), &plain].concat(),
        13..15 => [&plain[..plain.len() - 1], b" \"x\": }"].concat(),
        15..18 => with(
            members,
            if members.contains_key("uid") {
                "uid"
            } else {
                "id"
            },
            other_id(members, other),
        ),
        18..28 => {
            let id = if members.contains_key("uid") {
                "uid"
            } else {
                "id"
            };
            let value = odd(&members[id], random);
            with(members, id, value)
        }
        28..36 => {
            let mut members = members.clone();
            if let Some(name) = any_name(&members, random) {
                members.remove(&name);
            }
            Value::Object(members).to_string().into_bytes()
        }
        // A name that is another's once it is mended.
        36..40 => {
            let name = any_name(members, random).unwrap_or_default();
            let twice = format!(",\"{name}\\u0000\":null,\"x\\ud800\":\"\\u0000\"}}");
            [&plain[..plain.len() - 1], twice.as_bytes()].concat()
        }
        _ => member(members, random),
    }
}

/// The item with another id; its own type of id stays.
fn other_id(members: &Map<String, Value>, other: &str) -> Vec<u8> {
    let is_number = members.get("id").is_some_and(Value::is_number) && !members.contains_key("uid");
    let text = if is_number {
        other.to_owned()
    } else {
        json!(other).to_string()
    };
    text.into_bytes()
}

/// The item with one odd member, perhaps of an object inside.
fn member(members: &Map<String, Value>, random: &mut StdRng) -> Vec<u8> {
    let Some(name) = any_name(members, random) else {
        return b"{}".to_vec();
    };
    match &members[&name] {
        Value::Object(inside) if !inside.is_empty() && random.random_bool(0.8) => {
            let bytes = member(inside, random);
            with(members, &name, bytes)
        }
        value => {
            let bytes = odd(value, random);
            with(members, &name, bytes)
        }
    }
}

fn any_name(members: &Map<String, Value>, random: &mut StdRng) -> Option<String> {
    let names: Vec<&String> = members.keys().collect();
    names.choose(random).map(|name| (*name).clone())
}

fn with(members: &Map<String, Value>, name: &str, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut members = members.clone();
    members.insert(name.to_owned(), PLACE.into());
    put(&Value::Object(members), bytes.as_ref())
}

/// Bytes in the place of a value.
fn odd(value: &Value, random: &mut StdRng) -> Vec<u8> {
    let own = match value {
        Value::Number(number) => match random.random_range(0..3) {
            0 => json!(number.to_string()).to_string(),
            1 => format!("{number}.0"),
            _ => format!("{number}000000"),
        },
        Value::String(text) => match random.random_range(0..4) {
            0 => json!(format!("{text}\u{0}\u{301}")).to_string(),
            1 => format!("{}\\ud83d\"", json!(text).to_string().trim_end_matches('"')),
            2 => json!(text.to_uppercase()).to_string(),
            _ => "7".to_owned(),
        },
        Value::Array(list) => json!([list, null]).to_string(),
        _ => json!([value]).to_string(),
    };
    if random.random_bool(0.3) {
        return own.into_bytes();
    }
    match random.random_range(0..200) {
        0 => format!("\"{}\"", "long ".repeat(400_000)).into_bytes(),
        1 => format!("\"{}\"", "x".repeat(9 << 20)).into_bytes(),
        2..6 => format!("\"{}\"", "ß".repeat(5_000)).into_bytes(),
        6..12 => format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(),
        12..18 => format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60)).into_bytes(),
        _ => ODD.choose(random).map_or_else(Vec::new, |odd| odd.to_vec()),
    }
}

/// Values that somebody has sent where something else was expected.
const ODD: &[&[u8]] = &[
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"1.5",
    b"1e3",
    b"21000049726.0",
    b"9223372036854775808",
    b"123456789012345678901234567890",
    b"1e400",
    b"-1e-400",
    b"NaN",
    b"Infinity",
    b"undefined",
    b"007",
    b"\"\"",
    b"\"  \"",
    b"\"true\"",
    b"\"0\"",
    b"\"None\"",
    b"\"21000049726.0\"",
    b"\"1e3\"",
    b"\"\\ud83d\"",
    b"\"\\udc00x\\ud83d\\ud83d\\ude00\"",
    b"\"a\\u0000b\"",
    b"\"\\u0000\"",
    b"\"a\0b\"",
    b"\"a\xff\xfeb\xc3\"",
    b"\"\xed\xa0\x80\"",
    b"\"a\nb\tc\"",
    b"\"\\x41\"",
    b"\"'; drop table companies; --\"",
    b"\"%s{{7*7}}<script>\"",
    b"\"\xe2\x80\xaegnp.exe\"",
    b"\"\xef\xb7\xba\xef\xb7\xba\"",
    b"[]",
    b"{}",
    b"[null]",
    b"[1,\"x\",true,{}]",
    b"[[[]]]",
    b"{\"a\":{\"b\":[1]}}",
    b"{\"\":null}",
    b"\"2026-13-45\"",
    b"\"2026-01-05\"",
    b"\"2026-01-05T10:00:00+0530\"",
    b"\"0001-01-01T00:00:00Z\"",
    b"\"9999-12-31T23:59:59-05:00\"",
    b"\"+10002-12-30\"",
    b"\"2016-12-31T23:59:60Z\"",
    b"\"2199-01-01T00:00:00Z\"",
    b"\"-9999-01-01\"",
    b"1767607200000000",
    b"4102444800000",
    b"-62135596800000",
    b"253402300800",
];
