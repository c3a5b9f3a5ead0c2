//! Pages of billing plans and of the options of their features (contract 1.2.K, 5.2).

mod edit;
mod import;
mod list;
mod options;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    http::{StatusCode, Uri, header::LOCATION},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Error,
    billing_plans::{
        BillingPlan, PRICES, TERMS,
        wire::{BillingExport, BillingImported},
    },
    feature_options::FeatureOption,
    ids::BillingPlanId,
};
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;

use self::{
    edit::{EditView, Refusal},
    list::{CreateView, DeleteView, PlansView},
};
use super::{
    Access, PageSet,
    form::{SentForm, version},
    shell::page,
    visit::{BillingEditor, Visit, applied},
};
use crate::{
    app::App,
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
};

const LIST: &str = "/billing-plans/";
const KEEPING: &str = "keeping plans and prices";
/// Why actions are missing on the pages of staff.
const EDITORS: &str = "Only administrators and billing change plans.";
/// The member of forms and addresses that names a plan.
const NAME: &str = "plan_name";

/// Prices of a new plan that are not 0 (contract 1.2.K).
const NEW_PRICES: [(&str, f64); 5] = [
    ("per_hour_ticket_cost", 90.0),
    ("backup_base_fee_workstation", 25.0),
    ("backup_base_fee_server", 50.0),
    ("backup_included_tb", 1.0),
    ("backup_per_tb_fee", 15.0),
];

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("billing-plans"), routes).linked(
    "Plans",
    "Billing plans",
    LIST,
    Access::Staff,
);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/billing-plans", get(to_list))
        .route(LIST, get(list_plans))
        .route("/billing-plans/create", get(new_plan).post(create_plan))
        .route("/billing-plans/edit", get(edit_plan))
        .route("/billing-plans/save", post(save_plan))
        .route(
            "/billing-plans/delete",
            get(confirm_delete).post(delete_plan),
        )
        .route("/billing-plans/copy-terms", post(copy_terms))
        .merge(import::routes())
        .merge(options::routes())
}

/// An address below the list with a parameter.
fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{path}?{name}={value}")
}

/// The notice of what was just done, from a word in the address.
fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "created" => Some("The plan was created."),
        "saved" => Some("The plan was saved."),
        "unchanged" => Some("Nothing was changed."),
        "deleted" => Some("The plan was deleted."),
        "copied" => Some("Prices, support level and features were copied to the other terms."),
        "imported" => Some("The import is done. What was there already stays as it is."),
        "option-created" => Some("The option was created."),
        "option-known" => Some("The option was there already."),
        "option-saved" => Some("The option was saved. Plans keep the value that they have."),
        "option-deleted" => Some("The option was deleted. Plans keep the value that they have."),
        _ => None,
    }
}

/// The parameters of a page, each once.
fn parameters(uri: &Uri, known: &[&str]) -> Result<Map<String, Value>, Problem> {
    let mut parameters = Map::new();
    let text = uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        without_nul(&name, &value)?;
        if !known.contains(&&*name) {
            let message = format!("unknown parameter `{name}`");
            return Err(Problem::bad_request(message));
        }
        parameters.insert(name.into_owned(), value.into_owned().into());
    }
    Ok(parameters)
}

fn text<'p>(parameters: &'p Map<String, Value>, name: &str) -> Option<&'p str> {
    parameters.get(name).and_then(Value::as_str)
}

fn redirect(at: &Forwarded, path: &str, done: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&at.link(&format!("{path}{mark}done={done}"))).into_response()
}

fn unknown() -> Problem {
    Problem::not_found("There is no billing plan of this name.")
}

async fn to_list(at: Forwarded, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}"));
    let target = at.link(LIST) + &query.unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, target)]).into_response()
}

/// The terms of a plan, by their length.
async fn terms_of(visit: &Visit, name: &str) -> Result<Vec<BillingPlan>, Problem> {
    let mut plans = visit.call.codex.billing_plans(visit.scope()).await?;
    plans.retain(|plan| plan.fields.plan_name == name.trim());
    if plans.is_empty() {
        return Err(unknown());
    }
    plans.sort_by_key(|plan| {
        let known = TERMS
            .iter()
            .position(|term| *term == plan.fields.term_length);
        (
            known.unwrap_or(TERMS.len()),
            plan.fields.term_length.clone(),
        )
    });
    Ok(plans)
}

/// How many of the listed companies have a plan.
async fn companies_of(visit: &Visit, name: &str) -> Result<i64, Problem> {
    let counts = visit.call.codex.companies_by_plan(visit.scope()).await?;
    Ok(list::companies(&counts, name))
}

async fn list_plans(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let query = parameters(&uri, &["plan", "done"])?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let plans = codex.billing_plans(scope).await?;
    let counts = codex.companies_by_plan(scope).await?;
    let chosen = text(&query, "plan");
    if chosen.is_some_and(|name| !plans.iter().any(|plan| plan.fields.plan_name == name)) {
        return Err(unknown());
    }
    let done = text(&query, "done");
    let view = PlansView::new(&visit.at, scope, &plans, &counts, chosen, done);
    page(StatusCode::OK, &view)
}

async fn new_plan(BillingEditor(visit): BillingEditor) -> Result<Response, Problem> {
    let view = CreateView::new(&visit.at, visit.csrf.token(), "", None);
    page(StatusCode::OK, &view)
}

/// Creates a plan for each usual term that it has not yet.
async fn create_plan(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let name = sent.text("new_plan_name").trim();
    let plans = TERMS.map(|term| {
        let mut plan = Map::new();
        plan.insert(NAME.to_owned(), name.into());
        plan.insert("term_length".to_owned(), term.into());
        plan.extend(NEW_PRICES.map(|(key, price)| (key.to_owned(), json!(price))));
        plan
    });
    let refused = match created(&visit, plans.into()).await {
        Ok(done) if done.plans_created > 0 => {
            let path = with_parameter("/billing-plans/edit", NAME, name);
            return Ok(redirect(&visit.at, &path, "created"));
        }
        Ok(_) => format!("`{name}` is there already, for every usual term"),
        // All four have the same faults.
        Err(Error::Unprocessable(faults)) => match faults.first() {
            Some(fault) => fault.detail.clone(),
            None => "cannot be the name of a plan".to_owned(),
        },
        Err(error) => return Err(error.into()),
    };
    let view = CreateView::new(&visit.at, visit.csrf.token(), name, Some(refused));
    page(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

async fn created(
    visit: &Visit,
    plans: Vec<Map<String, Value>>,
) -> codex_core::Result<BillingImported> {
    let import = BillingExport::read(plans, &[])?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let done = codex.import_billing(visit.scope(), author, &import);
    applied(done.await?)
}

async fn edit_plan(BillingEditor(visit): BillingEditor, uri: Uri) -> Result<Response, Problem> {
    let query = parameters(&uri, &[NAME, "done"])?;
    let plans = terms_of(&visit, text(&query, NAME).unwrap_or_default()).await?;
    let done = text(&query, "done");
    show_form(
        &visit,
        &plans,
        StatusCode::OK,
        &SentForm::default(),
        &Refusal::default(),
        done,
    )
    .await
}

/// The form of a plan, with what was sent and why it was refused.
async fn show_form(
    visit: &Visit,
    plans: &[BillingPlan],
    status: StatusCode,
    sent: &SentForm,
    refusal: &Refusal,
    done: Option<&str>,
) -> Result<Response, Problem> {
    let options = visit
        .call
        .codex
        .feature_options(visit.scope(), None)
        .await?;
    let tokens = [visit.csrf.token(), visit.csrf.token()];
    let view = EditView::new(&visit.at, plans, &options, sent, refusal, tokens, done);
    page(status, &view)
}

async fn save_plan(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let name = sent.text(NAME);
    let plans = terms_of(&visit, name).await?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let options = codex.feature_options(visit.scope(), None).await?;
    let path = with_parameter("/billing-plans/edit", NAME, name.trim());
    let saved = match edit::edits(&plans, &options, &sent)? {
        Ok(edits) if edits.is_empty() => return Ok(redirect(&visit.at, &path, "unchanged")),
        Ok(edits) => {
            let saved = codex.update_billing_plans(visit.scope(), author, &edits);
            saved.await
        }
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match saved.and_then(|found| found.map(applied).transpose()) {
        Ok(Some(())) => Ok(redirect(&visit.at, &path, "saved")),
        Ok(None) => Err(unknown()),
        Err(error) => {
            let (status, refusal) = Refusal::of(error)?;
            // Somebody may have changed it meanwhile.
            let plans = terms_of(&visit, name).await?;
            show_form(&visit, &plans, status, &sent, &refusal, None).await
        }
    }
}

async fn copy_terms(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let name = sent.text(NAME);
    let plans = terms_of(&visit, name).await?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let edits = edit::copies(&plans, sent.text("source_term"))?;
    let copied = codex.update_billing_plans(visit.scope(), author, &edits);
    applied(copied.await?.ok_or_else(unknown)?)?;
    let path = with_parameter("/billing-plans/edit", NAME, name.trim());
    Ok(redirect(&visit.at, &path, "copied"))
}

/// The newest change of the terms of a plan.
fn newest(plans: &[BillingPlan]) -> String {
    let newest = plans.iter().map(|plan| plan.updated_at).max();
    newest.map(version).unwrap_or_default()
}

async fn confirm_delete(
    BillingEditor(visit): BillingEditor,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = parameters(&uri, &[NAME])?;
    let name = text(&query, NAME).unwrap_or_default();
    let plans = terms_of(&visit, name).await?;
    let companies = companies_of(&visit, name).await?;
    let view = DeleteView::new(&visit.at, &plans, companies, visit.csrf.token());
    page(StatusCode::OK, &view)
}

/// Deletes all terms of a plan, as they were shown.
async fn delete_plan(
    BillingEditor(visit): BillingEditor,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let plans = terms_of(&visit, sent.text(NAME)).await?;
    let shown = format!("{} {}", plans.len(), newest(&plans));
    if sent.text("seen") != shown {
        return Err(Error::Changed.into());
    }
    let ids: Vec<BillingPlanId> = plans.iter().map(|plan| plan.id).collect();
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let deleted = codex.delete_billing_plans(visit.scope(), author, &ids);
    applied(deleted.await?)?;
    Ok(redirect(&visit.at, LIST, "deleted"))
}

/// Kinds of feature that plans or options name, in order.
fn categories(plans: &[BillingPlan], options: &[FeatureOption]) -> Vec<String> {
    let of_plans = plans.iter().flat_map(|plan| plan.fields.features.0.keys());
    let of_options = options.iter().map(|option| &option.fields.feature_category);
    let all: std::collections::BTreeSet<&String> = of_plans.chain(of_options).collect();
    all.into_iter().cloned().collect()
}

/// A price of a plan.
fn price(fields: &Value, key: &str) -> Option<codex_core::money::Money> {
    debug_assert!(PRICES.contains(&key), "{key} is not a price");
    serde_json::from_value(fields.get(key)?.clone()).ok()
}
