//! Forms: a record is created, edited, deleted.

use askama::Template;
use axum::http::{StatusCode, Uri};
use codex_core::{Error, Fault, Scope, address::segment, list::ColumnType, records::FieldDef};
use serde_json::{Map, Value};

use super::{PageRecord, RecordPages, path_of, show::crumb};
use crate::{
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        fields::capitalized,
        form::{InputType, InputView, SentForm, blame, input_text, lines, version},
        shell::Shell,
    },
};

/// The parameter that names the one field of a form.
const FIELD: &str = "field";

/// An input of a form that is no field of the record.
#[derive(Debug)]
pub(in crate::pages) struct BesideInput {
    /// The key that the library reads.
    pub name: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    /// Whether it holds several values, one a line.
    pub is_list: bool,
    /// Whether only a new record states it.
    pub is_new: bool,
    pub is_required: bool,
}

/// A form as a page.
#[derive(Debug, Template)]
#[template(path = "record/edit.html")]
pub(super) struct FormView {
    shell: Shell,
    heading: String,
    noun: &'static str,
    action: String,
    submit: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    /// The version of the record; `None` for a new one.
    version: Option<String>,
    inputs: Vec<InputView>,
    /// What is wrong with the form as a whole.
    problems: Vec<String>,
}

impl FormView {
    /// For a new record.
    pub fn of_new<R: RecordPages>(at: &Forwarded, scope: &Scope, csrf: String) -> Self {
        let def = R::DEF;
        let heading = format!("New {}", def.noun);
        Self {
            shell: crumb(at, def, &heading),
            heading,
            noun: def.noun,
            action: at.link(&format!("{}new", def.path)),
            submit: format!("Create {}", def.noun),
            cancel: at.link(def.path),
            csrf_field: csrf::FIELD,
            csrf,
            version: None,
            inputs: inputs::<R>(scope, &Map::new(), true),
            problems: Vec::new(),
        }
    }

    /// For a record as it is.
    pub fn of<R: RecordPages>(
        at: &Forwarded,
        scope: &Scope,
        record: &PageRecord,
        csrf: String,
    ) -> Self {
        let (def, name, path) = (R::DEF, &record.name, at.link(&path_of::<R>(record)));
        let heading = format!("Edit {name}");
        Self {
            shell: crumb(at, def, &heading).under(name, path.clone()),
            heading,
            noun: def.noun,
            action: format!("{path}/edit"),
            submit: "Save".to_owned(),
            cancel: path,
            csrf_field: csrf::FIELD,
            csrf,
            version: Some(version(record.updated_at)),
            inputs: inputs::<R>(scope, &record.values, false),
            problems: Vec::new(),
        }
    }

    /// Leaves the input of one field alone, where the address names one: it is edited in its place on the page.
    ///
    /// # Errors
    /// 400 that names what is no parameter, or no input.
    pub fn narrow(&mut self, uri: &Uri) -> Result<(), Problem> {
        if let Some(field) = one_field(uri)? {
            self.inputs.retain(|input| input.name == field);
            if self.inputs.is_empty() {
                let message = format!("{FIELD}: the form has no input `{field}`");
                return Err(Problem::bad_request(message));
            }
            self.action = format!("{}?{FIELD}={}", self.action, segment(&field));
        }
        Ok(())
    }

    /// Shows values that the address states.
    ///
    /// # Errors
    /// 400 that names a parameter that is no input.
    pub fn fill(&mut self, uri: &Uri) -> Result<(), Problem> {
        let query = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &value)?;
            let input = self.inputs.iter_mut().find(|input| input.name == name);
            let unknown = || Problem::bad_request(format!("unknown parameter `{name}`"));
            input.ok_or_else(unknown)?.fill(&value);
        }
        Ok(())
    }

    /// The form again, with the sent values and their faults; returns the status of the answer.
    ///
    /// # Errors
    /// The error itself, when the sender can do nothing about it.
    pub fn refuse(&mut self, sent: &SentForm, error: Error) -> Result<StatusCode, Problem> {
        let status = match &error {
            Error::Unprocessable(faults) => {
                self.problems = blame(&mut self.inputs, faults);
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Error::Invalid { field, message } => {
                let fault = Fault::at(field, message.as_str());
                self.problems = blame(&mut self.inputs, &[fault]);
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Error::Conflict { message } => {
                self.problems = vec![message.clone()];
                StatusCode::CONFLICT
            }
            Error::Changed => {
                self.problems = vec![format!(
                    "Somebody changed this {} while the form was open. Nothing was saved. Your values are kept, and \
                     theirs stand beside them where both differ. Save again to set yours.",
                    self.noun
                )];
                StatusCode::PRECONDITION_FAILED
            }
            _ => return Err(error.into()),
        };
        self.keep(sent);
        Ok(status)
    }

    /// The form again after a new login, which makes the token of the old one void.
    pub fn resume(&mut self, sent: &SentForm) {
        let problem = "The form was not sent from a page of this session, for example because you have signed in \
            again. Nothing was changed. What you typed is kept: look it over and send the form once more.";
        self.problems = vec![problem.to_owned()];
        self.keep(sent);
    }

    fn keep(&mut self, sent: &SentForm) {
        for input in &mut self.inputs {
            input.resume(sent);
        }
    }
}

/// The inputs of the fields that a caller may set, and of what is stated besides.
fn inputs<R: RecordPages>(
    scope: &Scope,
    values: &Map<String, Value>,
    is_new: bool,
) -> Vec<InputView> {
    let def = R::DEF;
    let value = |name: &str| input_text(values.get(name).unwrap_or(&Value::Null));
    let beside = def.beside.iter().filter(|beside| is_new || !beside.is_new);
    let beside = beside.map(|beside| InputView::beside(beside, value(beside.name)));
    let fields = def.form.iter().filter(|field| field.editable);
    let shown = fields.filter(|field| field.is_visible_to(scope));
    let fields = shown.map(|field| R::input(field, input(field, value(field.name))));
    beside.chain(fields).collect()
}

fn input(field: &FieldDef, value: String) -> InputView {
    let kind = match field.column_type {
        ColumnType::Json => InputType::Lines,
        ColumnType::Int => InputType::Number,
        _ => InputType::Line,
    };
    let input = InputView::new(field, kind, value);
    match field.column_type {
        ColumnType::Bool => input.yes_or_no(),
        _ => input,
    }
}

/// The one field that an address names; `None` for the whole form.
///
/// # Errors
/// 400 for another parameter, and for a second field.
pub(super) fn one_field(uri: &Uri) -> Result<Option<String>, Problem> {
    let mut field = None;
    let query = uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        without_nul(&name, &value)?;
        if name != FIELD {
            let message = format!("unknown parameter `{name}`");
            return Err(Problem::bad_request(message));
        }
        if field.replace(value.into_owned()).is_some() {
            let message = format!("{FIELD}: only one field can be edited alone");
            return Err(Problem::bad_request(message));
        }
    }
    Ok(field)
}

/// What a form states.
///
/// # Errors
/// A fault for each value that cannot be read.
pub(super) fn stated<R: RecordPages>(
    sent: &SentForm,
    is_new: bool,
) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut stated = sent.changes(R::DEF.form)?;
    let beside = R::DEF.beside.iter();
    let beside = beside.filter(|beside| is_new || !beside.is_new);
    for beside in beside.filter(|beside| sent.is_changed(beside.name)) {
        let text = sent.text(beside.name).trim();
        let value = if beside.is_list {
            lines(text).map(Value::from).collect()
        } else if text.is_empty() {
            Value::Null
        } else {
            text.into()
        };
        stated.insert(beside.name.to_owned(), value);
    }
    Ok(stated)
}

/// The page that asks whether to delete a record.
#[derive(Debug, Template)]
#[template(path = "record/delete.html")]
pub(super) struct DeleteView {
    shell: Shell,
    noun: &'static str,
    name: String,
    subtitle: String,
    warning: String,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    version: String,
}

impl DeleteView {
    /// For a record as it is.
    pub fn new<R: RecordPages>(at: &Forwarded, record: &PageRecord, csrf: String) -> Self {
        let (def, name, path) = (R::DEF, &record.name, at.link(&path_of::<R>(record)));
        Self {
            shell: crumb(at, def, &format!("Delete {name}")).under(name, path.clone()),
            noun: def.noun,
            name: name.clone(),
            subtitle: record.subtitle.clone(),
            warning: format!(
                "{} {}",
                capitalized(&format!("the {}", def.noun)),
                def.deleting
            ),
            action: format!("{path}/delete"),
            cancel: path,
            csrf_field: csrf::FIELD,
            csrf,
            version: version(record.updated_at),
        }
    }
}
