//! Fields of the registry as people read them: names, values, and how old a value is.

use chrono::{DateTime, Utc};
use codex_core::{Scope, address::segment, list::ColumnType, plural::count_of, records::FieldDef};
use serde::Serialize;
use serde_json::{Map, Value};

/// Words that are not written as they are in names of fields.
const SPELLED: [(&str, &str); 17] = [
    ("id", "ID"),
    ("ids", "IDs"),
    ("ip", "IP"),
    ("mac", "MAC"),
    ("url", "URL"),
    ("int", "internal"),
    ("ext", "external"),
    ("email", "e-mail"),
    ("api", "API"),
    ("gb", "GB"),
    ("psa", "PSA"),
    ("rmm", "RMM"),
    ("tb", "TB"),
    ("udfs", "UDFs"),
    ("uid", "UID"),
    ("vip", "VIP"),
    ("vm", "VM"),
];

/// What a field is called on pages, such as `Datto portal URL`.
pub(crate) fn label(name: &str) -> String {
    capitalized(&spelled(name))
}

/// The words of a name, such as `PSA agent`.
pub(crate) fn spelled(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let spelled = SPELLED.iter().find(|(known, _)| *known == word);
        spelled.map_or(word, |(_, spelled)| spelled)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A text with a capital at its beginning.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// A value as people read it; `None` when there is none.
pub(crate) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(text).collect();
            items.join(", ")
        }
        other => other.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// A value in the cell of a table of changes; `nothing` when there is none.
pub(crate) fn short_value(value: &Value, longest: usize) -> String {
    shortened(
        &text(value).unwrap_or_else(|| "nothing".to_owned()),
        longest,
    )
}

/// A text of at most `longest` characters: an ellipsis stands for what does not fit.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    if text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    let start: String = text.chars().take(longest - 1).collect();
    format!("{}\u{2026}", start.trim_end())
}

/// Where a value leads: an address of the web to itself, an e-mail address to the program that writes mails.
pub(crate) fn value_href(field: &FieldDef, value: &str) -> Option<String> {
    let schemes = ["https://", "http://"];
    let is_web = schemes.iter().any(|scheme| value.starts_with(scheme));
    let web = is_web.then(|| value.to_owned());
    web.or_else(|| email_href(field, value))
}

/// A link to write to the address that a field holds.
pub(crate) fn email_href(field: &FieldDef, value: &str) -> Option<String> {
    let (name, host) = value.split_once('@').filter(|_| field.name == "email")?;
    let is_address = !name.is_empty() && !host.is_empty() && !value.contains(char::is_whitespace);
    is_address.then(|| format!("mailto:{}@{}", segment(name), segment(host)))
}

/// A value of a field as its page shows it: of a moment the age and the moment itself.
pub(crate) fn fact(field: &FieldDef, value: &Value, now: DateTime<Utc>) -> String {
    let text = text(value).unwrap_or_default();
    let time = (field.column_type == ColumnType::Time)
        .then(|| DateTime::parse_from_rfc3339(&text).ok())
        .flatten();
    match time.map(|time| time.to_utc()) {
        Some(time) => format!("{} ({})", age(time, now), moment(time)),
        None => text,
    }
}

/// The members of a record by the names of its fields.
pub(crate) fn values(record: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The field with a name, where a caller may see it.
pub(crate) fn visible(
    groups: &[&'static [FieldDef]],
    scope: &Scope,
    name: &str,
) -> Option<&'static FieldDef> {
    let mut fields = groups.iter().copied().flatten();
    let found = fields.find(|field| field.name == name);
    found.filter(|field| field.is_visible_to(scope))
}

/// How long ago something was, such as `3 days ago`.
pub(crate) fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let minutes = (now - then).num_minutes();
    let (count, unit) = match minutes {
        ..1 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        1_440..86_400 => (minutes / 1_440, "day"),
        86_400..1_051_200 => (minutes / 43_200, "month"),
        _ => (minutes / 525_600, "year"),
    };
    format!("{} ago", count_of(count, unit))
}

/// A sentence with the fields that changed since the last visit; `None` when there are none.
pub(crate) fn changed_since<'l>(
    labels: impl Iterator<Item = &'l str>,
    last: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<String> {
    let labels: Vec<&str> = labels.collect();
    let when = age(last, now);
    (!labels.is_empty()).then(|| {
        format!(
            "Changed since you last looked, {when}: {}.",
            labels.join(", ")
        )
    })
}

/// A moment in full.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// What a source is called on pages.
pub(crate) fn source(name: &str) -> String {
    match name {
        "manual" => "Manual value".to_owned(),
        other => capitalized(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_fields_become_labels() {
        for (name, wanted) in [
            ("name", "Name"),
            ("datto_portal_url", "Datto portal URL"),
            ("email_system", "E-mail system"),
            ("int_ip_address", "Internal IP address"),
            ("", ""),
        ] {
            assert_eq!(label(name), wanted);
        }
    }

    #[test]
    fn values_become_texts_and_empty_ones_nothing() {
        assert_eq!(text(&json!(["a", "b"])).as_deref(), Some("a, b"));
        assert_eq!(text(&json!(true)).as_deref(), Some("yes"));
        assert_eq!(text(&json!(7)).as_deref(), Some("7"));
        for none in [json!(null), json!([]), json!(" "), json!([null])] {
            assert_eq!(text(&none), None, "{none}");
        }
    }

    #[test]
    fn long_values_are_cut_and_empty_ones_named() {
        assert_eq!(short_value(&json!(null), 30), "nothing");
        assert_eq!(short_value(&json!("Acme"), 4), "Acme");
        assert_eq!(short_value(&json!("Acme AG"), 6), "Acme\u{2026}");
        let cut = shortened(&"\u{e4}".repeat(81), 30);
        assert_eq!(cut.chars().count(), 30);
        assert!(cut.ends_with('\u{2026}'));
    }

    #[test]
    fn only_addresses_become_links() {
        use codex_core::contacts::ContactFields;

        let mut fields = ContactFields::FIELDS.iter();
        let email = fields.find(|field| field.name == "email").unwrap();
        let name = ContactFields::FIELDS
            .iter()
            .find(|field| field.name == "name");
        for (value, wanted) in [
            ("a.b@c.test", Some("mailto:a.b@c.test")),
            ("a?cc=x@c.test", Some("mailto:a%3Fcc%3Dx@c.test")),
            ("https://c.test/", Some("https://c.test/")),
            ("javascript:alert(1)", None),
            ("a b@c.test", None),
            ("@c.test", None),
        ] {
            assert_eq!(value_href(email, value).as_deref(), wanted, "{value}");
        }
        assert_eq!(value_href(name.unwrap(), "a@c.test"), None);
    }

    #[test]
    fn ages_are_in_words() {
        let now = DateTime::from_timestamp(100_000_000, 0).unwrap();
        for (minutes, wanted) in [
            (-5, "just now"),
            (0, "just now"),
            (1, "1 minute ago"),
            (59, "59 minutes ago"),
            (60, "1 hour ago"),
            (1_440, "1 day ago"),
            (86_400, "2 months ago"),
            (1_051_200, "2 years ago"),
        ] {
            let then = now - chrono::TimeDelta::minutes(minutes);
            assert_eq!(age(then, now), wanted);
        }
    }
}
