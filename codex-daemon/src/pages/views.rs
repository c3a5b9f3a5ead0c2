//! Saved views: links above a list, a form that saves the list as it is, and pages to change and delete them.

mod edit;
mod open;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Access, Error, Role, Scope,
    ids::ViewId,
    list::{Cursor, ListedResource, PageRequest},
    views::{DEFAULT_ROLES, View, ViewAudience, rules::require_change},
};
use utoipa_axum::router::OpenApiRouter;

use self::edit::{ViewFormView, ViewListView, stated};
pub(super) use self::open::{Opening, ViewsView, open};
use super::{
    PageSet, done,
    form::SentForm,
    shell::page,
    table::Choice,
    visit::{Visit, applied},
};
use crate::{
    app::App,
    http::{extract::Path, extract::without_nul, problem::Problem},
};

const LIST: &str = "/views/";
/// Rows of a page of the list of views.
const ROWS: u32 = 100;

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("views"), routes).linked("Settings", "Views", "/views/", Access::Staff);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route(LIST, get(list_views).post(create_view))
        .route("/views/{id}/edit", get(edit_view).post(update_view))
        .route("/views/{id}/delete", post(delete_view))
}

/// The notice of what was just done with a view, from a word in the address of a list.
pub(super) fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "view_saved" => Some("The view was saved."),
        "view_deleted" => Some("The view was deleted."),
        _ => None,
    }
}

/// The list that a view opens.
fn path_of(list: ListedResource, id: ViewId) -> String {
    format!("/{}/?view={id}", list.name())
}

fn unknown() -> Problem {
    Problem::not_found("There is no such view, or none that you may see.")
}

/// The name of a role that a view can be the default of.
fn role_name(role: Role) -> Option<&'static str> {
    match role {
        Role::Admin => Some("admin"),
        Role::Billing => Some("billing"),
        Role::Technician => Some("technician"),
        Role::Client | Role::Service => None,
    }
}

/// For whom somebody may save a view: a word of the form and what it is called.
fn audiences(scope: &Scope, chosen: &str) -> Vec<Choice> {
    let mut audiences = vec![(ViewAudience::Personal.name(), "only me".to_owned())];
    if scope.require_technician("").is_ok() {
        audiences.push((ViewAudience::Shared.name(), "all staff".to_owned()));
    }
    if scope.require_admin("").is_ok() {
        let roles = DEFAULT_ROLES.into_iter();
        audiences.extend(roles.map(|role| (role, format!("default of the role {role}"))));
    }
    let choice = |(value, label): (&str, String)| Choice {
        value: value.to_owned(),
        label,
        selected: value == chosen,
    };
    audiences.into_iter().map(choice).collect()
}

/// The word of the form for the audience of a view.
fn audience_word(view: &View) -> &str {
    let role = view.fields.role.as_deref();
    role.unwrap_or(view.fields.audience().name())
}

async fn view(visit: &Visit, id: i64) -> Result<View, Problem> {
    let (codex, actor) = (&visit.call.codex, &visit.call.author.actor);
    let found = codex.view(visit.scope(), actor, ViewId(id)).await?;
    found.ok_or_else(unknown)
}

async fn list_views(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let (mut done, mut cursor) = (None, None);
    let query = uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        without_nul(&name, &value)?;
        match &*name {
            "done" => done = Some(value.into_owned()),
            "cursor" => cursor = Some(Cursor::decode(&value)?),
            _ => return Err(Problem::bad_request(format!("unknown parameter `{name}`"))),
        }
    }
    let request = PageRequest {
        limit: Some(ROWS),
        cursor,
        ..PageRequest::default()
    };
    let (codex, actor) = (&visit.call.codex, &visit.call.author.actor);
    let found = codex.views(visit.scope(), actor, &request).await?;
    let view = ViewListView::new(&visit.at, visit.scope(), actor, &found, done.as_deref());
    page(StatusCode::OK, &view)
}

async fn create_view(visit: Visit, sent: SentForm) -> Result<Response, Problem> {
    visit.scope().require_staff("saving views")?;
    visit.check(sent.token())?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let wanted = stated(&sent, true);
    let created = codex.create_view(visit.scope(), author, &wanted);
    match created.await.and_then(applied) {
        Ok(view) => Ok(saved(&visit, &view)),
        Err(error) => refused(&visit, None, &sent, error),
    }
}

/// Leads to the list that a view opens.
fn saved(visit: &Visit, view: &View) -> Response {
    let path = match view.fields.list() {
        Some(list) => path_of(list, view.id) + "&done=view_saved",
        None => format!("{LIST}?done=view_saved"),
    };
    Redirect::to(&visit.at.link(&path)).into_response()
}

/// The form again, with what was sent and what is wrong with it.
fn refused(
    visit: &Visit,
    view: Option<&View>,
    sent: &SentForm,
    error: Error,
) -> Result<Response, Problem> {
    let mut form = ViewFormView::of_sent(&visit.at, visit.scope(), view, sent, visit.csrf.token());
    let status = form.refuse(error)?;
    page(status, &form)
}

async fn edit_view(visit: Visit, Path(id): Path<i64>) -> Result<Response, Problem> {
    let view = view(&visit, id).await?;
    require_change(visit.scope(), &view.fields, &visit.call.author.actor)?;
    let form = ViewFormView::of(&visit.at, visit.scope(), &view, visit.csrf.token());
    page(StatusCode::OK, &form)
}

async fn update_view(
    visit: Visit,
    Path(id): Path<i64>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.scope().require_staff("saving views")?;
    visit.check(sent.token())?;
    let author = visit.author(sent.version()?);
    let edit = stated(&sent, false);
    let codex = &visit.call.codex;
    let updated = codex.update_view(visit.scope(), &author, ViewId(id), &edit);
    let updated = updated.await;
    match updated.and_then(|outcome| outcome.map(applied).transpose()) {
        Ok(Some(view)) => Ok(saved(&visit, &view)),
        Ok(None) => Err(unknown()),
        Err(error) => {
            let now = view(&visit, id).await?;
            refused(&visit, Some(&now), &sent, error)
        }
    }
}

async fn delete_view(
    visit: Visit,
    Path(id): Path<i64>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.scope().require_staff("deleting views")?;
    visit.check(sent.token())?;
    let author = visit.author(sent.version()?);
    let codex = &visit.call.codex;
    let deleted = codex.delete_view(visit.scope(), &author, ViewId(id));
    applied(deleted.await?.ok_or_else(unknown)?)?;
    Ok(done::redirect(&visit.at, LIST, "view_deleted"))
}
