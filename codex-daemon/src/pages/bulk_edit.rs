//! Changing many records of a list: choose what to change, see the plan record by record, apply it.
//!
//! The plan carries a hash of the selection. If records have joined or left it, or have changed, nothing is applied and
//! the plan is made again.

mod chosen;
mod names;
#[cfg(test)]
pub(super) mod samples;
mod seen;
mod view;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Error,
    bulk::{Selection, SelectionChange},
    list::PageRequest,
    tags::TaggedKind,
};
use utoipa_axum::router::OpenApiRouter;

use self::{
    chosen::{Chosen, Wanted},
    view::{ChooseView, DoneView, PlanView},
};
use super::{
    PageSet,
    assets::Assets,
    companies::Companies,
    contacts::Contacts,
    form::SentForm,
    record::{RecordPages, ResourceDef},
    shell::page,
    visit::{Editor, Visit},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

pub(super) use self::view::BulkBar;

const CHANGING: &str = "changing records";
/// The most tags that the form offers.
const MOST_TAGS: u32 = 500;

/// A list whose records are changed together.
#[derive(Debug)]
pub(super) struct BulkList {
    pub kind: TaggedKind,
    pub def: &'static ResourceDef,
}

/// The list of companies.
const COMPANIES: BulkList = BulkList {
    kind: TaggedKind::Company,
    def: Companies::DEF,
};
static LISTS: [BulkList; 3] = [
    COMPANIES,
    BulkList {
        kind: TaggedKind::Contact,
        def: Contacts::DEF,
    },
    BulkList {
        kind: TaggedKind::Asset,
        def: Assets::DEF,
    },
];

impl BulkList {
    /// The list at a path; `None` where records are not changed together.
    pub fn at(path: &str) -> Option<&'static Self> {
        LISTS.iter().find(|list| list.def.path == path)
    }

    /// Its name in paths.
    fn name(&self) -> &'static str {
        self.def.path.trim_matches('/')
    }
}

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("bulk"), routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/bulk/{resource}/", get(choose))
        .route("/bulk/{resource}/plan", post(plan))
        .route("/bulk/{resource}/apply", post(apply))
}

/// The notice of what was just done with many records, from a word in the address of a list.
pub(super) fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "bulk_changed" => Some("The records were changed."),
        "bulk_deleted" => Some("The records were deleted."),
        _ => None,
    }
}

fn list_of(resource: &str) -> Result<&'static BulkList, Problem> {
    let list = LISTS.iter().find(|list| list.name() == resource);
    list.ok_or_else(|| {
        let names: Vec<&str> = LISTS.iter().map(BulkList::name).collect();
        let names = names.join(", ");
        Problem::not_found(format!(
            "Records are changed together in the lists of {names}."
        ))
    })
}

/// Step 1: what to change.
async fn choose(visit: Visit, Path(resource): Path<String>, uri: Uri) -> Result<Response, Problem> {
    visit.scope().require_technician(CHANGING)?;
    let list = list_of(&resource)?;
    match Chosen::of_query(list, uri.query().unwrap_or_default())? {
        Wanted::Here(chosen) => choices(&visit, list, &chosen, None).await,
        Wanted::Elsewhere(path) => Ok(Redirect::to(&visit.at.link(&path)).into_response()),
    }
}

/// The form of step 1, with what was wrong with what it sent.
async fn choices(
    visit: &Visit,
    list: &'static BulkList,
    chosen: &Chosen,
    refused: Option<(&SentForm, String)>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let selection = codex.select(scope, list.kind, &chosen.by).await?;
    let request = PageRequest {
        limit: Some(MOST_TAGS),
        ..PageRequest::default()
    };
    let tags = codex.tags(scope, &request).await?.items;
    let status = match refused {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let mut view = ChooseView::new(&visit.at, list, chosen, selection.len(), &tags, &visit.csrf);
    if let Some((sent, problem)) = refused {
        view.resume(sent, problem);
    }
    page(status, &view)
}

/// Step 2: the plan.
async fn plan(
    Editor(visit): Editor,
    Path(resource): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let list = list_of(&resource)?;
    let chosen = Chosen::of_form(list, &sent)?;
    let change = match chosen::change(list.kind, &sent) {
        Ok(change) => change,
        Err(problem) => return choices(&visit, list, &chosen, Some((&sent, problem))).await,
    };
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let selection = codex.select(scope, list.kind, &chosen.by).await?;
    planned(&visit, list, &chosen, &sent, &selection, &change, None).await
}

/// The page of a plan; with a problem, why the one before was not applied.
async fn planned(
    visit: &Visit,
    list: &'static BulkList,
    chosen: &Chosen,
    sent: &SentForm,
    selection: &Selection,
    change: &SelectionChange,
    problem: Option<String>,
) -> Result<Response, Problem> {
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let plan = codex.plan_selected(visit.scope(), author, selection, change);
    let plan = plan.await?;
    let names = names::of(visit, list, &view::shown_ids(&plan)).await?;
    let status = match problem {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    let mut view = PlanView::new(&visit.at, list, selection, &plan, &names);
    view.carry(chosen, sent, selection, visit.csrf.token());
    view.problem = problem;
    page(status, &view)
}

/// Step 3: the plan is applied, if the selection is still the same.
async fn apply(
    Editor(visit): Editor,
    Path(resource): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let list = list_of(&resource)?;
    let chosen = Chosen::of_form(list, &sent)?;
    let change = chosen::change(list.kind, &sent).map_err(Problem::bad_request)?;
    let earlier = seen::decode(sent.text("seen"))
        .ok_or_else(|| Problem::bad_request("seen: is not as the plan has sent it"))?;
    let (codex, scope, author) = (&visit.call.codex, visit.scope(), &visit.call.author);
    let selection = codex.select(scope, list.kind, &chosen.by).await?;
    let hash = sent.text("hash");
    let applied = codex.apply_selected(scope, author, &selection, &change, hash, &earlier);
    match applied.await {
        Ok(applied) if applied.refused.is_empty() => {
            let done = match change {
                SelectionChange::Delete => "bulk_deleted",
                _ => "bulk_changed",
            };
            let target = visit.at.link(&format!("{}?done={done}", list.def.path));
            Ok(Redirect::to(&target).into_response())
        }
        Ok(applied) => {
            let names = names::of(&visit, list, &view::refused_ids(&applied.refused)).await?;
            page(
                StatusCode::OK,
                &DoneView::new(&visit.at, list, &applied, &names),
            )
        }
        Err(Error::Conflict { message }) => {
            let problem = Some(message);
            planned(&visit, list, &chosen, &sent, &selection, &change, problem).await
        }
        Err(error) => Err(error.into()),
    }
}
