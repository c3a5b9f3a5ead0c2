//! The page of all views, and the form of one.

use askama::Template;
use axum::http::StatusCode;
use codex_core::{
    Error, Scope,
    list::Page,
    records::Patch,
    views::{DEFAULT_ROLES, View, ViewAudience, ViewIn, rules::require_change},
};

use super::{LIST, audience_word, audiences, path_of};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        fields::{capitalized, moment},
        form::{SentForm, version},
        shell::Shell,
        table::Choice,
    },
};

/// The member of the form that says for whom a view is.
const FOR: &str = "for";

/// What a form states of a view; the list of a view that is there stays as it is.
pub(super) fn stated(sent: &SentForm, is_new: bool) -> ViewIn {
    let word = sent.text(FOR);
    let is_default = DEFAULT_ROLES.contains(&word);
    let audience = if is_default {
        ViewAudience::RoleDefault.name()
    } else {
        word
    };
    ViewIn {
        name: sent.text("name").into(),
        resource: if is_new {
            sent.text("resource").into()
        } else {
            Patch::Absent
        },
        query: sent.text("query").into(),
        audience: audience.into(),
        role: is_default.then(|| word.to_owned()).into(),
    }
}

/// A row of the page of views.
#[derive(Debug)]
struct Row {
    name: String,
    href: String,
    list: String,
    audience: String,
    changed: String,
    /// The form of the view; `None` for those who may not change it.
    edit: Option<String>,
}

/// All views that a person sees.
#[derive(Debug, Template)]
#[template(path = "views/list.html")]
pub(in crate::pages) struct ViewListView {
    shell: Shell,
    rows: Vec<Row>,
    next: Option<String>,
}

impl ViewListView {
    /// A page of them.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        actor: &str,
        page: &Page<View>,
        done: Option<&str>,
    ) -> Self {
        let row = |view: &View| {
            let fields = &view.fields;
            let may = require_change(scope, fields, actor).is_ok();
            let path = fields.list().map(|list| path_of(list, view.id));
            Row {
                name: fields.name.clone(),
                href: at.link(path.as_deref().unwrap_or(LIST)),
                list: capitalized(&fields.resource),
                audience: match (fields.audience(), &fields.role) {
                    (ViewAudience::Personal, _) => "only me".to_owned(),
                    (ViewAudience::RoleDefault, Some(role)) => {
                        format!("default of the role {role}")
                    }
                    _ => "all staff".to_owned(),
                },
                changed: moment(view.updated_at),
                edit: may.then(|| at.link(&format!("{LIST}{}/edit", view.id))),
            }
        };
        let next = page.next.as_ref();
        Self {
            shell: Shell::new(at, "Views").saying(super::notice(done)),
            rows: page.items.iter().map(row).collect(),
            next: next.map(|cursor| at.link(&format!("{LIST}?cursor={}", cursor.encode()))),
        }
    }
}

/// The form of a view.
#[derive(Debug, Template)]
#[template(path = "views/edit.html")]
pub(in crate::pages) struct ViewFormView {
    shell: Shell,
    heading: String,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    /// The version of the view; `None` for a new one.
    version: Option<String>,
    /// The list; a new view states it.
    resource: String,
    name: String,
    query: String,
    audiences: Vec<Choice>,
    problems: Vec<String>,
    /// Where the form that deletes the view leads.
    delete: Option<String>,
}

impl ViewFormView {
    /// The form of a view as it is.
    pub fn of(at: &Forwarded, scope: &Scope, view: &View, token: String) -> Self {
        let path = at.link(&format!("{LIST}{}", view.id));
        let heading = format!("Change the view {}", view.fields.name);
        Self {
            shell: Shell::new(at, heading.as_str()).under("Views", at.link(LIST)),
            heading,
            action: format!("{path}/edit"),
            cancel: at.link(LIST),
            csrf_field: csrf::FIELD,
            csrf: token,
            version: Some(version(view.updated_at)),
            resource: view.fields.resource.clone(),
            name: view.fields.name.clone(),
            query: view.fields.query.clone(),
            audiences: audiences(scope, audience_word(view)),
            problems: Vec::new(),
            delete: Some(format!("{path}/delete")),
        }
    }

    /// The form of a view with what was sent; `None` for a new one.
    pub fn of_sent(
        at: &Forwarded,
        scope: &Scope,
        view: Option<&View>,
        sent: &SentForm,
        token: String,
    ) -> Self {
        let mut form = match view {
            Some(view) => Self::of(at, scope, view, token),
            None => Self {
                shell: Shell::new(at, "Save a view").under("Views", at.link(LIST)),
                heading: "Save a view".to_owned(),
                action: at.link(LIST),
                cancel: at.link(LIST),
                csrf_field: csrf::FIELD,
                csrf: token,
                version: None,
                resource: sent.text("resource").to_owned(),
                name: String::new(),
                query: String::new(),
                audiences: Vec::new(),
                problems: Vec::new(),
                delete: None,
            },
        };
        sent.text("name").clone_into(&mut form.name);
        sent.text("query").clone_into(&mut form.query);
        form.audiences = audiences(scope, sent.text(FOR));
        form
    }

    /// Shows why nothing was saved; returns the status of the page.
    ///
    /// # Errors
    /// What the form cannot show.
    pub fn refuse(&mut self, error: Error) -> Result<StatusCode, Problem> {
        let (problems, status) = match error {
            Error::Unprocessable(faults) => {
                let each = faults.iter().map(|fault| {
                    let place = fault.pointer.trim_start_matches('/');
                    format!("{}: {}", capitalized(place), fault.detail)
                });
                (each.collect(), StatusCode::UNPROCESSABLE_ENTITY)
            }
            Error::Conflict { message } => (vec![capitalized(&message)], StatusCode::CONFLICT),
            Error::Changed => {
                let problem = "Somebody changed this view while the form was open. Nothing was saved. \
                    Save again to set your values.";
                (vec![problem.to_owned()], StatusCode::PRECONDITION_FAILED)
            }
            _ => return Err(error.into()),
        };
        self.problems = problems;
        Ok(status)
    }
}
