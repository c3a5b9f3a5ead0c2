//! What the Flask service's REST API says of a row, so that the two sides can be compared.
//!
//! Values are those of docs/wire-contract.md. Where the import repairs a value, the repaired value is expected. A value
//! that could not be read is not compared, because it was reported.

use serde_json::{Map, Value, json};

use super::{
    cells::Cells, facts::Facts, flaws::Flaw, map::tickets::GONE, report::TableReport,
    source::OldRow,
};
use crate::{
    agents::{COLOR_THEMES, HOME_PAGES, THEMES, VIEWS},
    billing_plans::{LEGACY_FEATURES, PRICES, term},
    companies::ComplianceLevel,
    tickets::status::{priority, priority_id},
};

/// The number of a closed ticket in every account.
const CLOSED: i64 = 5;

/// What is expected of a record: values by key of the answer.
pub(super) type Shape = Map<String, Value>;

struct Reader<'r> {
    cells: Cells<'r>,
    shape: Shape,
}

impl<'r> Reader<'r> {
    fn new(row: &'r OldRow, scratch: &'r mut TableReport, facts: &Facts) -> Self {
        Self {
            cells: Cells::new(row, scratch, facts.zone),
            shape: Shape::new(),
        }
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.shape.insert(key.to_owned(), value.into());
    }

    fn texts(&mut self, keys: &[&str]) {
        for key in keys {
            let text = self.cells.text(key);
            self.set(key, text);
        }
    }

    /// A value that is compared only where it could be read.
    fn read<T: Into<Value>>(&mut self, key: &str, column: &str, value: Option<T>) {
        if value.is_some() || self.cells.text(column).is_none() {
            self.set(key, value);
        }
    }

    /// A value that is compared only where there is one.
    fn known<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.cells.report.flaws.contains_key(flaw.code())
    }
}

/// A company (contract 1.2.B).
pub(super) fn company(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&[
        "description",
        "profit_or_non_profit",
        "company_main_number",
        "phone_system",
        "email_system",
        "support_level",
    ]);
    let name = of.cells.text("name");
    of.known("name", name);
    let plan = of.cells.text("plan_selected");
    of.set("billing_plan", plan);
    let level = of.cells.text("compliance_level");
    let level = level.as_deref().and_then(ComplianceLevel::parse);
    of.set("compliance_level", level.unwrap_or_default().name());
    let length = of.cells.text("contract_term_length");
    of.set("contract_term_length", length.map(|text| term(&text)));
    let days = ["contract_start_date", "contract_end_date"];
    of.cells.state_days(&days, &crate::dates::EVENTS);
    of.cells
        .state_days(&["company_start_date"], &crate::dates::LIVES);
    for key in [
        "contract_start_date",
        "contract_end_date",
        "company_start_date",
    ] {
        let day = of.cells.fields.get(key).cloned();
        of.read(key, key, day);
    }
    let domains = of.cells.texts("domains");
    if !of.has(Flaw::ListUnreadable) {
        of.set("domains", domains);
    }
    of.shape
}

/// A contact (contract 1.2.B).
pub(super) fn contact(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    if let Some(name) = of.cells.text("name")
        && !name.split_whitespace().any(|word| word == "None")
    {
        of.set("name", name);
    }
    of.texts(&["email", "mobile_phone_number", "work_phone_number"]);
    let title = of.cells.text("job_title");
    of.set("title", title);
    let employment = of.cells.text("employment_type");
    of.set(
        "employment_type",
        employment.unwrap_or_else(|| "Full Time".to_owned()),
    );
    let active = of.cells.flag("active");
    of.set("active", active.unwrap_or(true));
    let emails = of.cells.texts("secondary_emails");
    if !of.has(Flaw::ListUnreadable) {
        of.set("secondary_emails", emails);
    }
    of.shape
}

/// An asset (contract 1.2.B).
pub(super) fn asset(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&[
        "hostname",
        "hardware_type",
        "operating_system",
        "device_type",
        "last_logged_in_user",
        "antivirus_product",
        "ext_ip_address",
        "int_ip_address",
        "domain",
    ]);
    let online = of.cells.flag("online");
    of.read("online", "online", online);
    let seen = of.cells.local_time("last_seen").map(crate::times::text);
    of.read("last_seen", "last_seen", seen);
    if let Some(bytes) = backup_bytes(of.cells.text("backup_usage_tb").as_deref()) {
        of.set("backup_data_bytes", bytes);
    }
    of.shape
}

/// What the Flask service made of a backup's text: terabytes in bytes, cut to a whole number; `None` for a text that
/// broke its lists.
#[expect(clippy::cast_possible_truncation, reason = "the cut is the contract's")]
pub(super) fn backup_bytes(text: Option<&str>) -> Option<i64> {
    let Some(text) = text else { return Some(0) };
    let volume = text.trim().parse::<f64>().ok()?;
    let bytes = volume * 1_099_511_627_776.0;
    (0.0..9.0e18).contains(&bytes).then_some(bytes as i64)
}

/// A location (contract 1.2.B).
pub(super) fn location(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&["address", "phone_number"]);
    let name = of.cells.text("name");
    of.known("name", name);
    of.shape
}

/// An agent (contract 1.2.G).
pub(super) fn agent(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&["username", "email", "first_name", "last_name"]);
    let enabled = of.cells.flag("enabled");
    of.read("enabled", "enabled", enabled);
    let known: [(&str, &[&str]); 4] = [
        ("theme_preference", &THEMES),
        ("preferred_color_theme", &COLOR_THEMES),
        ("knowledgetree_view_preference", &VIEWS),
        ("home_page_preference", &HOME_PAGES),
    ];
    for (key, words) in known {
        let word = of.cells.text(key);
        of.known(key, word.filter(|word| words.contains(&word.as_str())));
    }
    of.shape
}

/// A billing plan with its features, as Ledger reads it, and with the prices of the first generation.
pub(super) fn plan(row: &OldRow, id: i64, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&["support_level"]);
    let length = of.cells.text("term_length").unwrap_or_default();
    of.set("term_length", term(&length));
    let name = of.cells.text("plan_name").unwrap_or_default();
    of.set("plan_name", name.trim());
    for price in PRICES {
        if let Some(amount) = of
            .cells
            .text(price)
            .and_then(|text| text.trim().parse::<f64>().ok())
        {
            let amount = if price == "backup_included_tb" && amount == 0.0 {
                1.0
            } else {
                amount
            };
            of.set(price, amount);
        }
    }
    let features = facts.features.get(&id);
    for (kind, _) in LEGACY_FEATURES {
        let own = match features {
            Some(features) => features.get(kind).cloned(),
            None => of.cells.text(kind),
        };
        of.set(kind, own.unwrap_or_else(|| "Not Included".to_owned()));
    }
    of.shape
}

/// A ticket with what was said on it (contract 1.2.B).
pub(super) fn ticket(row: &OldRow, facts: &Facts) -> Shape {
    let mut scratch = TableReport::default();
    let mut of = Reader::new(row, &mut scratch, facts);
    of.texts(&["subject", "description", "description_text"]);
    for key in ["requester_email", "requester_name"] {
        let text = of.cells.text(key);
        of.known(key, text);
    }
    status(&mut of, facts);
    let opened = of.cells.time("created_at").map(crate::times::text);
    of.read("created_at", "created_at", opened);
    let closed = of.cells.time("closed_at").map(crate::times::text);
    of.read("closed_at", "closed_at", closed);
    let changed = of.cells.local_time("last_updated_at");
    of.known("last_updated_at", changed.map(crate::times::text));
    if let Some(hours) = hours(row) {
        of.set("total_hours_spent", hours);
    }
    of.set("conversations", said(row, "conversations"));
    of.set("notes", said(row, "notes"));
    let number = of.cells.text("company_account_number");
    let number = number.map(|number| number.trim().to_owned());
    of.set(
        "company_id",
        number.filter(|number| facts.company(number).is_some()),
    );
    of.shape
}

/// Words of status and priority, as far as they are known.
fn status(of: &mut Reader<'_>, facts: &Facts) {
    let word = of.cells.text("status");
    let is_gone = word
        .as_deref()
        .is_some_and(|word| GONE.contains(&word.trim().to_lowercase().as_str()));
    let id = of.cells.int("status_id");
    let by_word = || facts.statuses.ids(word.as_deref()?).first().copied();
    let id = match (is_gone, &word) {
        (true, _) => Some(CLOSED),
        (false, Some(_)) => id.or_else(by_word),
        (false, None) => None,
    };
    if let Some(id) = id {
        of.set("status", facts.statuses.of(id).word);
    }
    let word = of.cells.text("priority");
    let id = of.cells.int("priority_id");
    let id = id.or_else(|| priority_id(word.as_deref()?.trim()));
    if let Some((word, _)) = id.and_then(priority) {
        of.set("priority", word);
    }
}

/// Hours of a ticket, in whole minutes.
pub(super) fn hours(row: &OldRow) -> Option<f64> {
    let Some(text) = row.get("total_hours_spent") else {
        return Some(0.0);
    };
    let hours = text.trim().parse::<f64>().ok()?;
    (0.0..1.0e7).contains(&hours).then_some(hours)
}

/// The texts of conversations, sorted: their order is that of their times on the new side.
fn said(row: &OldRow, column: &str) -> Value {
    let items = row
        .get(column)
        .and_then(|text| serde_json::from_str(text).ok());
    let Some(Value::Array(items)) = items else {
        return json!([]);
    };
    texts_of(items.iter())
}

/// The texts of conversations, sorted.
pub(super) fn texts_of<'v>(items: impl Iterator<Item = &'v Value>) -> Value {
    let texts = items.filter(|item| item.is_object()).map(|item| {
        let body = item.get("body").and_then(Value::as_str);
        let text = item.get("text").and_then(Value::as_str);
        let body = body.filter(|body| !body.is_empty()).or(text);
        body.unwrap_or_default().to_owned()
    });
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts.into()
}

/// Whether a value of the new side is the expected one: null is an empty text or list, times are moments, numbers are
/// compared to the sixth decimal.
pub(super) fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            let difference = one.zip(other).map(|(one, other)| (one - other).abs());
            difference.is_some_and(|difference| difference < 1e-6)
        }
        (Value::String(one), Value::String(other)) => {
            one == other || {
                let moment = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
                moment(one).is_some() && moment(one) == moment(other)
            }
        }
        (Value::Array(_), Value::String(text)) => {
            serde_json::from_str::<Value>(text).is_ok_and(|list| list == *expected)
        }
        (Value::Null, other) | (other, Value::Null) => is_blank(other),
        _ => expected == found,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_in_other_spellings_are_the_same() {
        for (expected, found) in [
            (json!(null), json!("")),
            (json!(["a.test"]), json!("[\"a.test\"]")),
            (json!([]), json!(null)),
            (
                json!("2025-01-01T10:00:00Z"),
                json!("2025-01-01T10:00:00+00:00"),
            ),
            (json!(0.25), json!(0.25)),
        ] {
            assert!(is_same(&expected, &found), "{expected} {found}");
        }
        for (expected, found) in [
            (json!("a"), json!("b")),
            (json!(1), json!(2)),
            (json!("2025-01-01T10:00:00Z"), json!("2025-01-01T11:00:00Z")),
            (json!(["a"]), json!(null)),
        ] {
            assert!(!is_same(&expected, &found), "{expected} {found}");
        }
    }

    #[test]
    fn backups_are_cut_as_the_contract_cuts_them() {
        assert_eq!(backup_bytes(None), Some(0));
        assert_eq!(backup_bytes(Some("0.50")), Some(549_755_813_888));
        assert_eq!(backup_bytes(Some("N/A")), None);
    }
}
