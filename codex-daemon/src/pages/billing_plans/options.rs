//! Options of features: what can be chosen for a kind of feature in plans (contract 1.2.K).

use askama::Template;
use axum::{
    http::{StatusCode, Uri},
    response::Response,
    routing::{get, post},
};
use codex_core::{
    Error, Scope,
    billing_plans::{NOT_INCLUDED, feature_label},
    feature_options::{FeatureOption, FeatureOptionFields, wire::FeatureOptionIn},
    ids::FeatureOptionId,
};
use utoipa_axum::router::OpenApiRouter;

use super::{EDITORS, KEEPING, list::crumb, notice, parameters, redirect, text};
use crate::{
    app::App,
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        fields::{label, values},
        form::{InputType, InputView, SentForm, blame, input_text, version},
        shell::{Shell, page},
        table::{Cell, Head, TableView},
        visit::{BillingEditor, Visit, applied},
    },
};

const OPTIONS: &str = "/billing-plans/features";
const CATEGORY: &str = "feature_category";
const VALUE: &str = "option_value";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route(OPTIONS, get(list_options))
        .route("/billing-plans/features/add", post(create_option))
        .route(
            "/billing-plans/features/categories/add",
            post(create_category),
        )
        .route(
            "/billing-plans/features/{id}/edit",
            get(edit_option).post(update_option),
        )
        .route("/billing-plans/features/{id}/delete", post(delete_option))
}

/// What was typed into one of the forms of the list, and why it was refused.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub category: String,
    pub value: String,
    pub new_category: String,
    pub problem: Option<String>,
}

/// All options as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/options.html")]
pub(in crate::pages) struct OptionsView {
    shell: Shell,
    /// One for each kind of feature.
    tables: Vec<TableView>,
    /// The forms of those who may; `None` for others.
    forms: Option<FormsView>,
    refused: Option<&'static str>,
}

/// The forms that add an option or a kind of feature.
#[derive(Debug)]
pub(super) struct FormsView {
    add: String,
    add_category: String,
    csrf_field: &'static str,
    tokens: [String; 2],
    categories: Vec<String>,
    typed: Typed,
}

impl OptionsView {
    /// All options, by kind of feature.
    pub(super) fn new(
        at: &Forwarded,
        scope: &Scope,
        options: &[FeatureOption],
        typed: Typed,
        tokens: [String; 2],
        done: Option<&str>,
    ) -> Self {
        let is_editor = scope.require_billing(KEEPING).is_ok();
        let kinds = options
            .iter()
            .map(|option| option.fields.feature_category.clone());
        let mut categories: Vec<String> = kinds.collect();
        categories.dedup();
        let tables = categories.iter().map(|category| {
            let own = options.iter();
            let own = own.filter(|option| option.fields.feature_category == *category);
            TableView {
                caption: feature_label(category),
                heads: [VALUE, "display_name", "description"].map(head).into(),
                rows: own.map(|option| row(at, option, is_editor)).collect(),
                empty: String::new(),
            }
        });
        Self {
            shell: crumb(at, "Feature options").saying(notice(done)),
            tables: tables.collect(),
            refused: (!is_editor).then_some(EDITORS),
            forms: is_editor.then(|| FormsView {
                add: at.link("/billing-plans/features/add"),
                add_category: at.link("/billing-plans/features/categories/add"),
                csrf_field: csrf::FIELD,
                tokens,
                categories,
                typed,
            }),
        }
    }
}

fn head(name: &str) -> Head {
    Head {
        label: label(name),
        href: None,
        aria_sort: None,
    }
}

fn row(at: &Forwarded, option: &FeatureOption, is_editor: bool) -> Vec<Cell> {
    let fields = &option.fields;
    let cell = |text: Option<&String>| Cell {
        text: text.cloned().unwrap_or_default(),
        ..Cell::default()
    };
    let href = is_editor.then(|| at.link(&format!("{OPTIONS}/{}/edit", option.id)));
    vec![
        Cell {
            href,
            ..cell(Some(&fields.option_value))
        },
        cell(fields.display_name.as_ref()),
        cell(fields.description.as_ref()),
    ]
}

/// The form of an option as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/option.html")]
pub(in crate::pages) struct OptionView {
    shell: Shell,
    heading: String,
    action: String,
    delete: String,
    cancel: String,
    csrf_field: &'static str,
    tokens: [String; 2],
    version: String,
    inputs: Vec<InputView>,
    problems: Vec<String>,
}

impl OptionView {
    /// For an option as it is.
    pub fn of(at: &Forwarded, option: &FeatureOption, tokens: [String; 2]) -> Self {
        let stored = values(&option.fields);
        let fields = FeatureOptionFields::FIELDS.iter();
        let inputs = fields.filter(|field| field.editable).map(|field| {
            let value = stored.get(field.name).map(input_text);
            InputView::new(field, InputType::Line, value.unwrap_or_default())
        });
        let path = at.link(&format!("{OPTIONS}/{}", option.id));
        let value = &option.fields.option_value;
        Self {
            shell: crumb(at, &format!("Edit {value}")).under("Feature options", at.link(OPTIONS)),
            heading: format!("Edit {value}"),
            action: format!("{path}/edit"),
            delete: format!("{path}/delete"),
            cancel: at.link(OPTIONS),
            csrf_field: csrf::FIELD,
            tokens,
            version: version(option.updated_at),
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
            Error::Conflict { message } => {
                self.problems = vec![message.clone()];
                StatusCode::CONFLICT
            }
            Error::Changed => {
                let problem = "Somebody changed this option while the form was open. Nothing was saved. Your values \
                    are kept. Save again to set yours.";
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

fn tokens(visit: &Visit) -> [String; 2] {
    [visit.csrf.token(), visit.csrf.token()]
}

async fn list_options(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let query = parameters(&uri, &["done"])?;
    show(
        &visit,
        StatusCode::OK,
        Typed::default(),
        text(&query, "done"),
    )
    .await
}

async fn show(
    visit: &Visit,
    status: StatusCode,
    typed: Typed,
    done: Option<&str>,
) -> Result<Response, Problem> {
    let options = visit
        .call
        .codex
        .feature_options(visit.scope(), None)
        .await?;
    let view = OptionsView::new(
        &visit.at,
        visit.scope(),
        &options,
        typed,
        tokens(visit),
        done,
    );
    page(status, &view)
}

async fn create_option(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let option = FeatureOptionIn {
        feature_category: sent.text("feature_type").trim().to_owned(),
        option_value: sent.text("option_name").trim().to_owned(),
        ..FeatureOptionIn::default()
    };
    let typed = Typed {
        category: option.feature_category.clone(),
        value: option.option_value.clone(),
        ..Typed::default()
    };
    created(&visit, &option, typed).await
}

/// A new kind of feature begins with the option that says that it is not included.
async fn create_category(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let name = sent.text("category_name").trim();
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let option = FeatureOptionIn {
        feature_category: words.join("_"),
        option_value: NOT_INCLUDED.to_owned(),
        ..FeatureOptionIn::default()
    };
    let typed = Typed {
        new_category: name.to_owned(),
        ..Typed::default()
    };
    created(&visit, &option, typed).await
}

async fn created(
    visit: &Visit,
    option: &FeatureOptionIn,
    typed: Typed,
) -> Result<Response, Problem> {
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let created = codex.create_feature_option(visit.scope(), author, option);
    match created.await.and_then(applied) {
        Ok((_, true)) => Ok(redirect(&visit.at, OPTIONS, "option-created")),
        Ok((_, false)) => Ok(redirect(&visit.at, OPTIONS, "option-known")),
        Err(Error::Unprocessable(faults)) => {
            let words = faults.iter().map(|fault| {
                let field = label(fault.pointer.trim_start_matches('/'));
                format!("{field} {}", fault.detail)
            });
            let typed = Typed {
                problem: Some(words.collect::<Vec<_>>().join("; ")),
                ..typed
            };
            show(visit, StatusCode::UNPROCESSABLE_ENTITY, typed, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The option of a path.
async fn option(visit: &Visit, id: i64) -> Result<FeatureOption, Problem> {
    let options = visit
        .call
        .codex
        .feature_options(visit.scope(), None)
        .await?;
    let found = options.into_iter().find(|option| option.id.0 == id);
    found.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("There is no such feature option.")
}

async fn edit_option(
    BillingEditor(visit): BillingEditor,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let option = option(&visit, id).await?;
    page(
        StatusCode::OK,
        &OptionView::of(&visit.at, &option, tokens(&visit)),
    )
}

async fn update_option(
    BillingEditor(visit): BillingEditor,
    Path(id): Path<i64>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let stated = |name: &str| {
        let text = sent.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let body = FeatureOptionIn {
        feature_category: stated(CATEGORY).unwrap_or_default(),
        option_value: stated(VALUE).unwrap_or_default(),
        display_name: stated("display_name"),
        description: stated("description"),
    };
    let (codex, author) = (&visit.call.codex, visit.author(sent.version()?));
    let id = FeatureOptionId(id);
    let updated = codex.update_feature_option(visit.scope(), &author, id, &body);
    let updated = updated.await;
    match updated.and_then(|found| found.map(applied).transpose()) {
        Ok(Some(())) => Ok(redirect(&visit.at, OPTIONS, "option-saved")),
        Ok(None) => Err(unknown()),
        Err(error) => {
            let option = option(&visit, id.0).await?;
            let mut view = OptionView::of(&visit.at, &option, tokens(&visit));
            let status = view.refuse(&sent, error)?;
            page(status, &view)
        }
    }
}

async fn delete_option(
    BillingEditor(visit): BillingEditor,
    Path(id): Path<i64>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let (codex, author) = (&visit.call.codex, visit.author(sent.version()?));
    let deleted = codex.delete::<FeatureOption>(visit.scope(), &author, id);
    applied(deleted.await?.ok_or_else(unknown)?)?;
    Ok(redirect(&visit.at, OPTIONS, "option-deleted"))
}
