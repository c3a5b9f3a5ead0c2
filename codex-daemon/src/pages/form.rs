//! Forms of records: an input per editable field, and what was sent.
//!
//! A form sends each value beside the value that it was opened with. So only what a person changed becomes a manual
//! value, and a conflict can be shown field by field.

use std::collections::{HashMap, HashSet};

use axum::{
    Form,
    extract::{FromRequest, Request, rejection::FormRejection},
};
use chrono::{DateTime, SecondsFormat, Utc};
use codex_core::{Fault, list::ColumnType, records::FieldDef};
use serde_json::{Map, Value};

use super::{csrf, fields::label, record::BesideInput, table::Choice};
use crate::{
    app::App,
    http::{body_limit, problem::Problem},
};

/// The prefix of the member that holds the value that a field was opened with.
const BEFORE: &str = "before.";
/// The member with the version of the record.
const VERSION: &str = "updated_at";

/// What a form sent.
#[derive(Debug, Default)]
pub(crate) struct SentForm(HashMap<String, String>);

impl FromRequest<App> for SentForm {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let read = Form::<Vec<(String, String)>>::from_request(request, app).await;
        let Form(members) = read.map_err(|refused| refused_form(&refused))?;
        Ok(Self::from(members))
    }
}

fn refused_form(refused: &FormRejection) -> Problem {
    if body_limit::stood_still(refused) {
        body_limit::too_slow()
    } else {
        Problem::new(refused.status(), refused.body_text())
    }
}

impl From<Vec<(String, String)>> for SentForm {
    fn from(members: Vec<(String, String)>) -> Self {
        // Browsers send the ends of lines in their own way.
        let members = members.into_iter();
        Self(
            members
                .map(|(name, text)| (name, with_line_feeds(&text)))
                .collect(),
        )
    }
}

impl<const N: usize> From<[(&str, &str); N]> for SentForm {
    fn from(members: [(&str, &str); N]) -> Self {
        let members = members.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Vec::from(members).into()
    }
}

impl SentForm {
    /// The proof that it comes from one of our pages.
    pub fn token(&self) -> &str {
        self.text(csrf::FIELD)
    }

    /// The version of the record that the form was opened with.
    ///
    /// # Errors
    /// 400 when it is missing or cannot be read.
    pub fn version(&self) -> Result<DateTime<Utc>, Problem> {
        let read = DateTime::parse_from_rfc3339(self.text(VERSION));
        let read = read.map(|at| at.to_utc());
        read.map_err(|_| Problem::bad_request(format!("{VERSION}: must be a time")))
    }

    /// Whether a field was sent, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a field; empty where it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The value that the form was opened with.
    pub fn before(&self, name: &str) -> &str {
        self.text(&format!("{BEFORE}{name}"))
    }

    /// Whether a person changed a field.
    pub fn is_changed(&self, name: &str) -> bool {
        self.0.contains_key(name) && self.text(name) != self.before(name)
    }

    /// The fields that a person changed, as the library reads them.
    ///
    /// # Errors
    /// A fault for each value that cannot be read.
    pub fn changes(&self, fields: &[FieldDef]) -> Result<Map<String, Value>, Vec<Fault>> {
        let (mut changes, mut faults) = (Map::new(), Vec::new());
        let editable = fields.iter().filter(|field| field.editable);
        for field in editable.filter(|field| self.is_changed(field.name)) {
            match value(field, self.text(field.name)) {
                Ok(value) => drop(changes.insert(field.name.to_owned(), value)),
                Err(what) => faults.push(Fault::at(field.name, what)),
            }
        }
        if faults.is_empty() {
            Ok(changes)
        } else {
            Err(faults)
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', "")
}

/// A text whose lines end with one line feed each.
fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A sent text as the value of a field. An empty one blanks the field.
pub(crate) fn value(field: &FieldDef, text: &str) -> Result<Value, &'static str> {
    if field.column_type == ColumnType::Json {
        return Ok(lines(text).map(Value::from).collect());
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match field.column_type {
        ColumnType::Int => {
            let number = text.trim().parse::<i64>();
            number
                .map(Value::from)
                .map_err(|_| "must be a whole number")
        }
        ColumnType::Bool => match text.trim().to_lowercase().as_str() {
            "true" | "yes" => Ok(true.into()),
            "false" | "no" => Ok(false.into()),
            _ => Err("must be yes or no"),
        },
        _ => Ok(text.into()),
    }
}

/// The lines of a text that are not empty, without blanks around them.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A value as an input shows it; a list has one item per line.
pub(crate) fn input_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => with_line_feeds(text),
        Value::Array(items) => {
            let lines: Vec<String> = items.iter().map(input_text).collect();
            lines.join("\n")
        }
        other => other.to_string(),
    }
}

/// A version as a form carries it.
pub(crate) fn version(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// How an input looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputType {
    /// A line.
    Line,
    /// Several lines.
    Lines,
    /// A whole number.
    Number,
    /// One of several values.
    Choice,
}

/// An input of a form.
#[derive(Debug)]
pub(crate) struct InputView {
    pub name: String,
    pub label: String,
    pub help: String,
    pub value: String,
    pub before: String,
    pub choices: Vec<Choice>,
    pub is_required: bool,
    /// What is wrong with the value.
    pub fault: Option<String>,
    /// What somebody else has written meanwhile.
    pub theirs: Option<String>,
    input: InputType,
}

impl InputView {
    /// Of a field with a value.
    pub fn new(field: &FieldDef, input: InputType, value: String) -> Self {
        Self {
            name: field.name.to_owned(),
            label: label(field.name),
            help: field.doc.replace('`', ""),
            before: as_sent(input, &value),
            value,
            choices: Vec::new(),
            is_required: field.required,
            fault: None,
            theirs: None,
            input,
        }
    }

    /// Of what is stated beside the fields.
    pub(in crate::pages) fn beside(input: &BesideInput, value: String) -> Self {
        let shape = if input.is_list {
            InputType::Lines
        } else {
            InputType::Line
        };
        Self {
            name: input.name.to_owned(),
            label: input.label.to_owned(),
            help: input.help.to_owned(),
            before: as_sent(shape, &value),
            value,
            choices: Vec::new(),
            is_required: input.is_required,
            fault: None,
            theirs: None,
            input: shape,
        }
    }

    /// The same with several lines.
    pub fn in_lines(mut self) -> Self {
        self.before.clone_from(&self.value);
        self.input = InputType::Lines;
        self
    }

    /// The same with another help.
    pub fn helped(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The same as a choice of some values; the empty one has a label.
    pub fn of(self, empty: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value, *value));
        self.choosing(empty, values)
    }

    /// The same as a choice of yes and no.
    pub fn yes_or_no(self) -> Self {
        self.choosing("not known", [("true", "yes"), ("false", "no")])
    }

    /// The same as a choice of some values with their labels; the empty one has a label, too.
    fn choosing<'v>(
        mut self,
        empty: &str,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Self {
        let choice = |value: &str, label: &str| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            selected: value == self.value,
        };
        let mut choices = vec![choice("", empty)];
        let values = values.into_iter();
        choices.extend(values.map(|(value, label)| choice(value, label)));
        // The stored value can be kept even if it is not one of the choices.
        if !choices.iter().any(|choice| choice.selected) {
            choices.push(choice(&self.value, &self.value));
        }
        self.choices = choices;
        self.input = InputType::Choice;
        self
    }

    /// Shows a value that the address of the form states.
    pub fn fill(&mut self, value: &str) {
        value.clone_into(&mut self.value);
        for choice in &mut self.choices {
            choice.selected = choice.value == self.value;
        }
    }

    /// Whether it has several lines.
    pub fn has_lines(&self) -> bool {
        self.input == InputType::Lines
    }

    /// Whether one of several values is chosen.
    pub fn is_choice(&self) -> bool {
        self.input == InputType::Choice
    }

    /// The `inputmode`: which keys an on-screen keyboard offers.
    pub fn mode(&self) -> &'static str {
        if self.input == InputType::Number {
            "numeric"
        } else {
            "text"
        }
    }

    /// Whether a fault or another person's value is shown beside it.
    pub fn is_invalid(&self) -> bool {
        self.fault.is_some() || self.theirs.is_some()
    }

    /// Shows the sent value instead of the stored one. If somebody else has changed the field meanwhile, their value is
    /// shown beside it. Fields that the sender did not change follow the record.
    pub fn resume(&mut self, sent: &SentForm) {
        if !sent.is_changed(&self.name) {
            return;
        }
        let stored = std::mem::replace(&mut self.value, sent.text(&self.name).to_owned());
        let seen = as_sent(self.input, &stored);
        let is_theirs = seen != sent.before(&self.name) && seen != self.value;
        self.theirs = is_theirs.then_some(stored);
        for choice in &mut self.choices {
            choice.selected = choice.value == self.value;
        }
    }
}

/// A value as an input sends it back: one of a single line drops line feeds.
fn as_sent(input: InputType, value: &str) -> String {
    if input == InputType::Lines {
        value.to_owned()
    } else {
        one_line(value)
    }
}

/// Shows faults beside their inputs; returns those that belong to no input.
pub(crate) fn blame(inputs: &mut [InputView], faults: &[Fault]) -> Vec<String> {
    let mut rest = Vec::new();
    let mut met = HashSet::new();
    for fault in faults {
        let name = fault.pointer.trim_start_matches('/').split('/').next();
        let name = name.unwrap_or_default();
        match inputs.iter_mut().find(|input| input.name == name) {
            // The first of several faults of a list is enough.
            Some(input) if met.insert(name) => input.fault = Some(fault.detail.clone()),
            Some(_) => {}
            None => rest.push(format!("{}: {}", label(name), fault.detail)),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use codex_core::companies::CompanyFields;
    use serde_json::json;

    use super::*;

    fn field(name: &str) -> &'static FieldDef {
        let mut fields = CompanyFields::FIELDS.iter();
        fields.find(|field| field.name == name).unwrap()
    }

    #[test]
    fn only_changed_fields_are_stated() {
        let form = SentForm::from([
            ("name", "Acme"),
            ("before.name", "Acme"),
            ("description", "a\r\nb"),
            ("before.description", "a"),
            // Lines that a person joined.
            ("address", "ab"),
            ("before.address", "a\nb"),
            ("domains", " a.test \r\n\r\nb.test"),
            ("before.domains", ""),
            ("head_user_id", ""),
            ("before.head_user_id", "7"),
            // It is no field to edit.
            ("external_id", "8"),
        ]);
        let changes = form.changes(CompanyFields::FIELDS).unwrap();
        assert_eq!(
            Value::Object(changes),
            json!({"address": "ab", "description": "a\nb", "domains": ["a.test", "b.test"], "head_user_id": null})
        );
        let faults = SentForm::from([("head_user_id", "x")]).changes(CompanyFields::FIELDS);
        assert_eq!(faults.unwrap_err()[0].pointer, "/head_user_id");
    }

    #[test]
    fn conflicts_are_shown_where_both_changed_a_field() {
        let form = SentForm::from([("name", "Mine"), ("before.name", "Old")]);
        for (stored, theirs) in [("Old", None), ("Mine", None), ("Theirs", Some("Theirs"))] {
            let mut input = InputView::new(field("name"), InputType::Line, stored.to_owned());
            input.resume(&form);
            assert_eq!(
                (input.value.as_str(), input.theirs.as_deref()),
                ("Mine", theirs)
            );
            assert_eq!(input.before, stored);
        }
        let mut other = InputView::new(field("address"), InputType::Line, "Theirs".to_owned());
        other.resume(&form);
        assert_eq!((other.value.as_str(), other.theirs), ("Theirs", None));
    }

    #[test]
    fn yes_and_no_become_truth_values() {
        use codex_core::contacts::ContactFields;

        let form = |text: &str| SentForm::from([("active", text), ("before.active", "x")]);
        for (text, wanted) in [
            ("true", json!(true)),
            ("false", json!(false)),
            ("", json!(null)),
        ] {
            let changes = form(text).changes(ContactFields::FIELDS).unwrap();
            assert_eq!(changes["active"], wanted, "{text}");
        }
        let faults = form("maybe").changes(ContactFields::FIELDS).unwrap_err();
        assert_eq!(faults[0].detail, "must be yes or no");
    }

    #[test]
    fn unknown_stored_choices_are_kept() {
        let input = |value: &str| {
            let input =
                InputView::new(field("compliance_level"), InputType::Line, value.to_owned());
            input.of("none", &["hipaa"])
        };
        let selected = |value: &str| {
            let mut choices = input(value).choices.into_iter();
            choices.find(|choice| choice.selected).unwrap().value
        };
        for value in ["", "hipaa", "odd"] {
            assert_eq!(selected(value), value);
        }
    }

    #[test]
    fn faults_stand_beside_their_inputs() {
        let mut inputs = [InputView::new(
            field("name"),
            InputType::Line,
            String::new(),
        )];
        let faults = [
            Fault::at("name", "must not be empty"),
            Fault::at("odd_key", "is odd"),
        ];
        assert_eq!(blame(&mut inputs, &faults), ["Odd key: is odd"]);
        assert_eq!(inputs[0].fault.as_deref(), Some("must not be empty"));
    }

    #[test]
    fn versions_come_back_as_they_were() {
        let at = DateTime::from_timestamp_micros(1_767_607_200_123_456).unwrap();
        let text = version(at);
        assert_eq!(
            SentForm::from([(VERSION, text.as_str())])
                .version()
                .unwrap(),
            at
        );
        assert!(SentForm::default().version().is_err());
    }
}
