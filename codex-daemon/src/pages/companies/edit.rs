//! Forms: a company is created, edited, deleted.

use askama::Template;
use axum::http::StatusCode;
use codex_core::{
    Error, Fault, Scope,
    companies::{Company, CompanyFields, ComplianceLevel},
    list::ColumnType,
    records::FieldDef,
};
use serde_json::{Map, Value};

use super::{list::crumb, path_of};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        fields::values,
        form::{InputType, InputView, SentForm, blame, input_text, version},
        shell::Shell,
    },
};

/// Can be set only when a company is created.
const NUMBER: &str = "account_number";
/// Texts of several lines.
const LINES: [&str; 2] = ["description", "address"];

/// A form as a page.
#[derive(Debug, Template)]
#[template(path = "companies/edit.html")]
pub(in crate::pages) struct CompanyFormView {
    shell: Shell,
    heading: String,
    action: String,
    submit: &'static str,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    /// The version of the record; `None` for a new one.
    version: Option<String>,
    inputs: Vec<InputView>,
    /// What is wrong with the form as a whole.
    problems: Vec<String>,
}

impl CompanyFormView {
    /// For a new company.
    pub fn of_new(at: &Forwarded, scope: &Scope, csrf: String) -> Self {
        let fields = CompanyFields::FIELDS.iter();
        let stated = fields.filter(|field| field.editable || field.name == NUMBER);
        let shown = stated.filter(|field| field.is_visible_to(scope));
        let mut inputs: Vec<InputView> = shown.map(|field| input(field, &Value::Null)).collect();
        if let Some(number) = inputs.iter_mut().find(|input| input.name == NUMBER) {
            number.help = "Six digits. Leave it empty to get a free number.".into();
        }
        Self {
            shell: crumb(at, "New company"),
            heading: "New company".to_owned(),
            action: at.link("/companies/new"),
            submit: "Create company",
            cancel: at.link(super::LIST),
            csrf_field: csrf::FIELD,
            csrf,
            version: None,
            inputs,
            problems: Vec::new(),
        }
    }

    /// For a company as it is.
    pub fn of(at: &Forwarded, scope: &Scope, company: &Company, csrf: String) -> Self {
        let values = values(&company.fields);
        let fields = CompanyFields::FIELDS.iter().filter(|field| field.editable);
        let shown = fields.filter(|field| field.is_visible_to(scope));
        let inputs = shown.map(|field| {
            let value = values.get(field.name).unwrap_or(&Value::Null);
            input(field, value)
        });
        let (name, path) = (&company.fields.name, at.link(&path_of(company)));
        Self {
            shell: crumb(at, &format!("Edit {name}")).under(name, path.clone()),
            heading: format!("Edit {name}"),
            action: format!("{path}/edit"),
            submit: "Save",
            cancel: path,
            csrf_field: csrf::FIELD,
            csrf,
            version: Some(version(company.updated_at)),
            inputs: inputs.collect(),
            problems: Vec::new(),
        }
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
                let problem = "Somebody changed this company while the form was open. Nothing was \
                    saved. Your values are kept, and theirs stand beside them where both differ. \
                    Save again to set yours.";
                self.problems = vec![problem.to_owned()];
                StatusCode::PRECONDITION_FAILED
            }
            _ => return Err(error.into()),
        };
        for input in &mut self.inputs {
            input.resume(sent);
        }
        Ok(status)
    }
}

fn input(field: &FieldDef, value: &Value) -> InputView {
    let kind = match field.column_type {
        ColumnType::Json => InputType::Lines,
        ColumnType::Int => InputType::Number,
        _ if LINES.contains(&field.name) => InputType::Lines,
        _ => InputType::Line,
    };
    let mut input = InputView::new(field, kind, input_text(value));
    match field.name {
        "compliance_level" => {
            input.help = format!(
                "A company without a level is {}.",
                ComplianceLevel::default()
            );
            input.of("not set", &ComplianceLevel::ALL.map(ComplianceLevel::name))
        }
        "domains" => {
            input.help = "E-mail domains, one a line.".into();
            input
        }
        _ => input,
    }
}

/// The fields that the form of a new company states.
///
/// # Errors
/// A fault for each value that cannot be read.
pub(super) fn stated_new(sent: &SentForm) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut stated = sent.changes(CompanyFields::FIELDS)?;
    let number = sent.text(NUMBER).trim();
    if !number.is_empty() {
        stated.insert(NUMBER.to_owned(), number.into());
    }
    Ok(stated)
}

/// The page that asks whether to delete a company.
#[derive(Debug, Template)]
#[template(path = "companies/delete.html")]
pub(in crate::pages) struct DeleteView {
    shell: Shell,
    name: String,
    number: String,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    version: String,
}

impl DeleteView {
    /// For a company as it is.
    pub fn new(at: &Forwarded, company: &Company, csrf: String) -> Self {
        let (name, path) = (&company.fields.name, at.link(&path_of(company)));
        Self {
            shell: crumb(at, &format!("Delete {name}")).under(name, path.clone()),
            name: name.clone(),
            number: company.fields.account_number.clone().unwrap_or_default(),
            action: format!("{path}/delete"),
            cancel: path,
            csrf_field: csrf::FIELD,
            csrf,
            version: version(company.updated_at),
        }
    }
}
