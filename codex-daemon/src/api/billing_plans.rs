//! Billing plans: for people and importers under `/api`, for Ledger under `/billing-plans` (contract 1.2.F).

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, Uri, header::CONTENT_DISPOSITION},
    response::Response,
};
use codex_core::{
    billing_plans::{
        BillingPlan,
        input::BillingPlanIn,
        query::LISTING,
        wire::{
            BillingExport, BillingImported, BillingPlanOut, BulkPlansOut, LedgerPlanAnswer,
            LedgerPlansOut, PlanFeaturesOut, Saved,
        },
    },
    feature_options::wire::{FeatureOptionIn, LedgerCategoriesOut},
    ids::BillingPlanId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::PageOfListParams,
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer},
        body::{Body, NewBody, UpdateBody},
        conditional::Versioned,
        created::Created,
        extract::Path,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, flat},
    },
    legacy::List,
    openapi::errors::{Billing, CreateErrors, FindErrors, Forbidden, NotClients, UpdateErrors},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("billing", "Plans, features, overrides, and what is billed")),
    writers: &[
        ("POST", "/api/billing-plans", Who::Billing, FLAT),
        ("POST", "/api/billing-plans/import", Who::Billing, FLAT),
        ("PUT", "/api/billing-plans/{id}", Who::Billing, FLAT),
    ],
    named: &[NamedRecord {
        part: "/billing-plans/{id}",
        check: named,
    }],
    lists: &[ApiList::of::<BillingPlan>(
        "/api/billing-plans",
        &LISTING,
        None,
    )],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        if let Some(id) = names.id() {
            plan(call, id).await?;
        }
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_billing_plans, create_billing_plan))
        .routes(routes!(import_billing))
        .routes(routes!(
            get_billing_plan,
            update_billing_plan,
            delete_billing_plan
        ))
        .routes(routes!(get_billing_plan_features))
        .routes(routes!(list_ledger_plans))
        .routes(routes!(get_ledger_plan))
        .routes(routes!(list_plans_in_use))
        .routes(routes!(export_billing))
}

/// Why a plan is not answered, in the shape that Ledger's routes have, with the members of a problem beside it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusError {
    /// What went wrong.
    pub message: String,
    /// `error`.
    #[schema(example = "error")]
    pub status: String,
    /// Stable code as an address, such as `about:blank#not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Title of the status.
    pub title: String,
    /// The same as `message`.
    pub detail: String,
    /// Path of the call.
    pub instance: String,
    /// Stable code, such as `not-found`.
    pub code: String,
    /// Id of the call in the log, the same as the header `X-Correlation-ID`.
    pub correlation_id: Option<String>,
}

/// A [`BillingExport`] as it is sent: what is wrong with its plans is reported together.
#[derive(Debug, Deserialize)]
pub(crate) struct ImportBody {
    plans: Vec<Map<String, Value>>,
    feature_options: Vec<FeatureOptionIn>,
}

impl ImportBody {
    /// What is to be imported.
    ///
    /// # Errors
    /// [`codex_core::Error::Unprocessable`] with every fault and its place.
    pub fn read(self) -> codex_core::Result<BillingExport> {
        BillingExport::read(self.plans, &self.feature_options)
    }
}

fn unknown() -> Problem {
    Problem::not_found("Billing plan not found").flat()
}

fn saved(id: BillingPlanId, message: &str) -> Json<Saved> {
    Json(Saved {
        id: id.0,
        message: message.to_owned(),
    })
}

/// List billing plans
///
/// Returns all plans by name and term. With `cursor`, `sort`, `q`, `fields`, `total` or a column as parameter the
/// answer is a page, as in `GET /api/companies`. A term may be spelled in any way: `1 Year` and `1-Year` are the
/// same.
#[utoipa::path(get, path = "/api/billing-plans", tag = "billing", params(PageOfListParams), responses(
    (status = 200, description = "The plans", body = Vec<BillingPlanOut>),
    Forbidden<NotClients, ErrorOut>,
    (status = 400, description = "A parameter of a page is wrong", body = ErrorOut)))]
async fn list_billing_plans(
    call: Call,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let list = List::array(&call, &uri, &LISTING).map_err(Problem::flat)?;
    let whole = codex.billing_plans(scope);
    let page = codex.billing_plans_page(scope, &list.page);
    let out = |plan: BillingPlan| BillingPlanOut::from(&plan);
    let answer = list.answer(scope, &forwarded, whole, page, |plan| plan, None, out);
    answer.await.map_err(Problem::flat)
}

/// Create a billing plan
///
/// Members that are absent get the defaults of a new plan: prices 0, one terabyte of backup included, billed hourly.
/// Prices have at most two decimals, and those per gigabyte four.
#[utoipa::path(post, path = "/api/billing-plans", tag = "billing", request_body = BillingPlanIn, responses(
    (status = 201, description = "Created", body = Saved),
    CreateErrors<Billing, ErrorOut>,
    (status = 409, description = "There is a plan of this name and term", body = ErrorOut)))]
async fn create_billing_plan(
    call: Call,
    forwarded: Forwarded,
    NewBody(plan): NewBody<BillingPlanIn>,
) -> Result<Answer<Created<Saved>>, Problem> {
    let made = call
        .codex
        .create_billing_plan(&call.scope, &call.author, &plan);
    Ok(answer(made.await.map_err(flat)?, |id| {
        let Json(saved) = saved(id, "Billing plan created");
        Created::new(&forwarded, "/api/billing-plans", id, saved)
    }))
}

/// The plan of a path, by its id.
pub(super) async fn plan(call: &Call, id: i64) -> Result<BillingPlan, Problem> {
    let plan = call.codex.billing_plan(&call.scope, BillingPlanId(id));
    plan.await.map_err(flat)?.ok_or_else(unknown)
}

/// Get a billing plan
///
/// Returns prices and features of one plan and term.
#[utoipa::path(get, path = "/api/billing-plans/{id}", tag = "billing",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "The plan", body = BillingPlanOut),
        FindErrors<NotClients, ErrorOut>))]
async fn get_billing_plan(
    call: Call,
    Path(id): Path<i64>,
) -> Result<Versioned<BillingPlanOut>, Problem> {
    let plan = plan(&call, id).await?;
    Ok(Versioned((&plan).into(), Some(plan.updated_at)))
}

/// Update a billing plan
///
/// Absent members keep their values. Features that you send are merged into those of the plan. Prices have at most two
/// decimals, and those per gigabyte four.
#[utoipa::path(put, path = "/api/billing-plans/{id}", tag = "billing", request_body = BillingPlanIn,
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Changed", body = Saved),
        UpdateErrors<Billing, ErrorOut>,
        (status = 409, description = "Another plan has this name and term", body = ErrorOut)))]
async fn update_billing_plan(
    call: Call,
    Path(id): Path<i64>,
    UpdateBody(edit): UpdateBody<BillingPlanIn>,
) -> Result<Answer<Json<Saved>>, Problem> {
    let id = BillingPlanId(id);
    let found = call
        .codex
        .update_billing_plan(&call.scope, &call.author, id, &edit);
    let updated = found.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(updated, |()| saved(id, "Billing plan updated")))
}

/// Delete a billing plan
///
/// Companies keep the name of the plan. `POST /api/deleted/billing_plan/{id}/restore` restores it.
#[utoipa::path(delete, path = "/api/billing-plans/{id}", tag = "billing",
    params(("id" = i64, Path, description = "Id")),
    responses(
        (status = 200, description = "Deleted", body = Saved),
        FindErrors<Billing, ErrorOut>))]
async fn delete_billing_plan(
    call: Call,
    Path(id): Path<i64>,
) -> Result<Answer<Json<Saved>>, Problem> {
    let id = BillingPlanId(id);
    let found = call
        .codex
        .delete_billing_plan(&call.scope, &call.author, id);
    let deleted = found.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(deleted, |()| saved(id, "Billing plan deleted")))
}

/// Get a billing plan's features
///
/// Returns support level and features, without prices. The term may be spelled in any way.
#[utoipa::path(get, path = "/api/billing-plans/{plan_name}/{term_length}", tag = "billing",
    params(("plan_name" = String, Path, description = "Name", example = "Gold"),
        ("term_length" = String, Path, description = "Term, in any spelling", example = "1 Year")),
    responses(
        (status = 200, description = "Its features", body = PlanFeaturesOut),
        FindErrors<NotClients, ErrorOut>))]
async fn get_billing_plan_features(
    call: Call,
    Path((name, term)): Path<(String, String)>,
) -> Result<Json<PlanFeaturesOut>, Problem> {
    let plan = call.codex.billing_plan_of(&call.scope, &name, &term);
    let plan = plan.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(Json((&plan).into()))
}

/// List billing plans for Ledger
///
/// Returns every plan with its prices, features and the labels of the features, by name and term.
#[utoipa::path(get, path = "/billing-plans/api/plans", tag = "billing", responses(
    (status = 200, description = "The plans, by name and term", body = LedgerPlansOut),
    Forbidden<NotClients, ErrorOut>))]
async fn list_ledger_plans(call: Call) -> Result<Json<LedgerPlansOut>, Problem> {
    let plans = call.codex.billing_plans(&call.scope).await.map_err(flat)?;
    let options = call.codex.feature_options(&call.scope, None).await?;
    let categories = LedgerCategoriesOut::from(options.as_slice()).categories;
    Ok(Json(LedgerPlansOut::new(&plans, &categories)))
}

/// Get a billing plan for Ledger
///
/// Returns prices and features. An unknown plan returns 404 with `status` `error`.
#[utoipa::path(get, path = "/billing-plans/api/plans/{plan_name}/{term_length}", tag = "billing",
    params(("plan_name" = String, Path, description = "Name", example = "Gold"),
        ("term_length" = String, Path, description = "Term, in any spelling", example = "1 Year")),
    responses(
        (status = 200, description = "The plan", body = LedgerPlanAnswer),
        Forbidden<NotClients, ErrorOut>,
        (status = 404, description = "No such plan", body = StatusError)))]
async fn get_ledger_plan(
    call: Call,
    Path((name, term)): Path<(String, String)>,
) -> Result<Json<LedgerPlanAnswer>, Problem> {
    let plan = call.codex.billing_plan_of(&call.scope, &name, &term);
    let plan = plan.await.map_err(flat)?;
    let missing = || {
        let message = format!("Billing plan '{name}' with term '{term}' not found");
        Problem::not_found(message).status_word()
    };
    let plan = plan.ok_or_else(missing)?;
    Ok(Json(LedgerPlanAnswer::from(&plan)))
}

/// List the billing plans in use
///
/// Returns the features of each plan and term that a company has, by `name|term`.
#[utoipa::path(get, path = "/billing-plans/api/bulk-plans", tag = "billing", responses(
    (status = 200, description = "The plans in use", body = BulkPlansOut),
    Forbidden<NotClients, ErrorOut>))]
async fn list_plans_in_use(call: Call) -> Result<Json<BulkPlansOut>, Problem> {
    Ok(Json(
        call.codex.plans_in_use(&call.scope).await.map_err(flat)?,
    ))
}

/// Export all billing plans and feature options
///
/// Returns the file that `POST /api/billing-plans/import` imports.
#[utoipa::path(get, path = "/billing-plans/export", tag = "billing", responses(
    (status = 200, description = "A file", body = BillingExport),
    Forbidden<NotClients, ErrorOut>))]
async fn export_billing(call: Call) -> Result<(HeaderMap, Json<BillingExport>), Problem> {
    let export = call.codex.export_billing(&call.scope).await.map_err(flat)?;
    let name = HeaderValue::from_static("attachment; filename=billing_plans_export.json");
    let headers = HeaderMap::from_iter([(CONTENT_DISPOSITION, name)]);
    Ok((headers, Json(export)))
}

/// Import plans and options from an export file
///
/// All or nothing. Plans and options that exist already are left unchanged.
#[utoipa::path(post, path = "/api/billing-plans/import", tag = "billing", request_body = BillingExport,
    responses(
        (status = 200, description = "What is new", body = BillingImported),
        CreateErrors<Billing, ErrorOut>,
        (status = 400, description = "More than 1,000 of a kind", body = ErrorOut)))]
async fn import_billing(
    call: Call,
    Body(sent): Body<ImportBody>,
) -> Result<Answer<Json<BillingImported>>, Problem> {
    let import = sent.read().map_err(flat)?;
    let done = call
        .codex
        .import_billing(&call.scope, &call.author, &import);
    Ok(answer(done.await.map_err(flat)?, Json))
}
