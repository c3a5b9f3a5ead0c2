//! What the routes of a resource do.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header::CONTENT_DISPOSITION, header::LOCATION},
    response::{IntoResponse as _, Redirect, Response},
};
use codex_core::{Error, ExportFormat, list::PageRequest, records::Resource};

use super::{
    CSV, LinkChange, NDJSON, PageRecord, Part, RecordPages, ResourceDef,
    edit::{DeleteView, FormView, one_field, stated},
    list::{ListParts, RecordListView, chosen, own_filter, request, viewed},
    path_of,
    show::{Content, DetailQuery, ShowView, content},
};
use crate::{
    api::download::streamed,
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
    pages::{
        address::{Asked, ListAddress},
        bulk_edit,
        facets::{FacetView, facet_views},
        form::SentForm,
        shell::page,
        views::{self, Opening, ViewsView},
        visit::{Editor, Visit, applied},
    },
};

const CHANGING: &str = "changing records";

/// The notice of what was just done, from a word in the address.
pub(super) fn notice(def: &ResourceDef, done: Option<&str>) -> Option<String> {
    let of_list = views::notice(done).or_else(|| bulk_edit::notice(done));
    if let Some(text) = of_list {
        return Some(text.to_owned());
    }
    let past = match done? {
        "created" => "created",
        "saved" => "saved",
        "deleted" => "deleted",
        "restored" => "restored",
        "unchanged" => return Some("Nothing was changed.".to_owned()),
        "linked" => return Some("The link was added.".to_owned()),
        "unlinked" => return Some("The link was removed.".to_owned()),
        "released" => {
            let text = "The manual value was released: the field follows the sources again.";
            return Some(text.to_owned());
        }
        _ => return None,
    };
    Some(format!("The {} was {past}.", def.noun))
}

fn redirect(at: &Forwarded, path: &str, done: &str) -> Response {
    Redirect::to(&at.link(&format!("{path}?done={done}"))).into_response()
}

fn unknown<R: RecordPages>() -> Problem {
    let noun = R::DEF.noun;
    Problem::not_found(format!(
        "There is no {noun} at this address, or none that you may see."
    ))
}

/// The record that a path names.
pub(in crate::pages) async fn found<R: RecordPages>(
    visit: &Visit,
    key: &str,
) -> Result<R::Found, Problem> {
    R::find(visit, key).await?.ok_or_else(unknown::<R>)
}

/// The record that a path names, for somebody who may change it.
async fn editable<R: RecordPages>(visit: &Visit, key: &str) -> Result<PageRecord, Problem> {
    visit
        .scope()
        .require(<R::Record as Resource>::WRITTEN_BY, CHANGING)?;
    let found = found::<R>(visit, key).await?;
    Ok(R::shown(&found))
}

/// To the list, from its address without the slash.
pub(super) async fn to_list<R: RecordPages>(at: Forwarded, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}"));
    let target = at.link(R::DEF.path) + &query.unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, target)]).into_response()
}

/// The list.
pub(super) async fn list<R: RecordPages>(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let def = R::DEF;
    let opening = if let Some(list) = viewed(def, visit.scope()) {
        views::open(&visit, list, &uri).await?
    } else {
        let asked = ListAddress::read_records(def.path, &uri, def.listing)?;
        Opening::of(asked, &visit.at)
    };
    let (asked, opened) = match opening {
        Opening::List(asked, opened) => (asked, opened),
        Opening::Elsewhere(target) => return Ok(Redirect::to(&target).into_response()),
    };
    let columns = chosen(def, visit.scope(), &asked)?;
    let request = wanted::<R>(&visit, &asked).await?;
    let found = R::list(&visit, &asked, &request).await?;
    let views = opened.and_then(|opened| {
        let token = visit.csrf.token();
        ViewsView::new(&visit.at, visit.scope(), &asked, &opened, token)
    });
    let parts = ListParts {
        columns,
        note: R::note(&visit, &asked).await?,
        facets: facets::<R>(&visit, &asked, &request).await?,
        views,
        token: visit.csrf.token(),
        now: visit.call.codex.now(),
    };
    let view = RecordListView::new::<R>(&visit.at, visit.scope(), &asked, &found, parts);
    page(StatusCode::OK, &view)
}

/// What the list at an address asks the library for.
async fn wanted<R: RecordPages>(
    visit: &Visit,
    asked: &ListAddress,
) -> Result<PageRequest, Problem> {
    let mut request = request(R::DEF, asked)?;
    if own_filter(R::DEF, asked).is_some() {
        R::narrow(visit, &mut request).await?;
    }
    Ok(request)
}

/// The values of columns of a list, counted within its filters.
async fn facets<R: RecordPages>(
    visit: &Visit,
    asked: &ListAddress,
    request: &PageRequest,
) -> Result<Vec<FacetView>, Problem> {
    let Some(list) = R::DEF.listed.filter(|_| R::is_of_listing(asked)) else {
        return Ok(Vec::new());
    };
    let codex = &visit.call.codex;
    let counted = codex.facets(visit.scope(), list, None, request, &[]);
    Ok(facet_views(
        &visit.at,
        R::DEF.listing,
        asked,
        counted.await?,
    ))
}

/// The list as a table.
pub(super) async fn export_csv<R: RecordPages>(
    visit: Visit,
    uri: Uri,
) -> Result<Response, Problem> {
    export::<R>(&visit, &uri, ExportFormat::Csv).await
}

/// The list as lines of JSON.
pub(super) async fn export_ndjson<R: RecordPages>(
    visit: Visit,
    uri: Uri,
) -> Result<Response, Problem> {
    export::<R>(&visit, &uri, ExportFormat::Ndjson).await
}

async fn export<R: RecordPages>(
    visit: &Visit,
    uri: &Uri,
    format: ExportFormat,
) -> Result<Response, Problem> {
    let def = R::DEF;
    let asked = match ListAddress::read_records(def.path, uri, def.listing)? {
        Asked::List(asked) | Asked::Elsewhere(asked) => asked,
    };
    let (codex, resource) = (&visit.call.codex, def.export.unwrap_or_default());
    let request = wanted::<R>(visit, &asked).await?;
    let download = codex.export_list(visit.scope(), resource, format, &request);
    let download = download.await?;
    let (kind, ending) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8", CSV),
        ExportFormat::Ndjson => ("application/x-ndjson", NDJSON),
    };
    let ending = ending.trim_start_matches("export");
    let mut response = streamed(download, kind);
    let name = HeaderValue::from_str(&format!("attachment; filename={resource}{ending}"));
    if let Ok(name) = name {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// A record.
pub(super) async fn show<R: RecordPages>(
    visit: Visit,
    Path(key): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = DetailQuery::read(R::DEF, &uri)?;
    let found = found::<R>(&visit, &key).await?;
    let record = R::shown(&found);
    let content = content::<R>(&visit, &found, &record, &query).await?;
    let view = ShowView::new::<R>(&visit.at, visit.scope(), &record, &query, content);
    page(StatusCode::OK, &view)
}

/// A record with the content of a tab, as a form that was refused there leaves it.
pub(in crate::pages) fn show_tab<R: RecordPages>(
    visit: &Visit,
    found: &R::Found,
    tab: &'static str,
    part: Part,
    status: StatusCode,
) -> Result<Response, Problem> {
    let content = Content::Part(part, visit.csrf.token());
    let (record, query) = (R::shown(found), DetailQuery::of(tab));
    let view = ShowView::new::<R>(&visit.at, visit.scope(), &record, &query, content);
    page(status, &view)
}

/// To a tab of a record, from a form there.
pub(in crate::pages) fn to_tab<R: RecordPages>(
    at: &Forwarded,
    found: &R::Found,
    tab: &str,
    done: &str,
) -> Response {
    let path = path_of::<R>(&R::shown(found));
    Redirect::to(&at.link(&format!("{path}?tab={tab}&done={done}"))).into_response()
}

/// The form of a new record; the address may state values.
pub(super) async fn new<R: RecordPages>(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    visit
        .scope()
        .require(<R::Record as Resource>::WRITTEN_BY, CHANGING)?;
    let token = visit.csrf.token();
    let mut view = FormView::of_new::<R>(&visit.at, visit.scope(), token);
    view.fill(&uri)?;
    page(StatusCode::OK, &view)
}

/// Creates a record.
pub(super) async fn create<R: RecordPages>(
    Editor(visit): Editor,
    sent: SentForm,
) -> Result<Response, Problem> {
    let view = || FormView::of_new::<R>(&visit.at, visit.scope(), visit.csrf.token());
    if let Err(refused) = visit.check(sent.token()) {
        return resumed(&visit, view(), &sent, refused);
    }
    let created = match stated::<R>(&sent, true) {
        Ok(stated) => R::create(&visit, stated).await,
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match created {
        Ok(key) => {
            let record = PageRecord {
                key,
                ..PageRecord::default()
            };
            Ok(redirect(&visit.at, &path_of::<R>(&record), "created"))
        }
        Err(error) => {
            let mut view = view();
            let status = view.refuse(&sent, error)?;
            page(status, &view)
        }
    }
}

/// The form of a record as it is, or of the one field that the address names.
pub(super) async fn edit<R: RecordPages>(
    visit: Visit,
    Path(key): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    page(StatusCode::OK, &form::<R>(&visit, &key, &uri).await?)
}

/// The form of a record as it is stored.
async fn form<R: RecordPages>(visit: &Visit, key: &str, uri: &Uri) -> Result<FormView, Problem> {
    let record = editable::<R>(visit, key).await?;
    let token = visit.csrf.token();
    let mut view = FormView::of::<R>(&visit.at, visit.scope(), &record, token);
    view.narrow(uri)?;
    Ok(view)
}

/// Updates the fields of a record that its form, or the form of one field, has changed.
pub(super) async fn update<R: RecordPages>(
    Editor(visit): Editor,
    Path(key): Path<String>,
    uri: Uri,
    sent: SentForm,
) -> Result<Response, Problem> {
    if let Err(refused) = visit.check(sent.token()) {
        let view = form::<R>(&visit, &key, &uri).await?;
        return resumed(&visit, view, &sent, refused);
    }
    let field = one_field(&uri)?;
    if field.is_some() {
        // Refuses a field that the form does not have.
        form::<R>(&visit, &key, &uri).await?;
    }
    let author = visit.author(sent.version()?);
    let before = found::<R>(&visit, &key).await?;
    let path = path_of::<R>(&R::shown(&before));
    let stated = stated::<R>(&sent, false).map(|mut stated| {
        stated.retain(|name, _| field.as_ref().is_none_or(|field| field == name));
        stated
    });
    let updated = match stated {
        Ok(stated) if stated.is_empty() => return Ok(redirect(&visit.at, &path, "unchanged")),
        Ok(stated) => R::update(&visit, &author, &before, stated).await,
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match updated {
        Ok(true) => Ok(redirect(&visit.at, &path, "saved")),
        Ok(false) => Err(unknown::<R>()),
        Err(error) => {
            // The record may have changed: the form continues from what is stored.
            let mut view = form::<R>(&visit, &key, &uri).await?;
            let status = view.refuse(&sent, error)?;
            page(status, &view)
        }
    }
}

/// A form without a valid token again, with what was typed and a new token.
fn resumed(
    visit: &Visit,
    mut view: FormView,
    sent: &SentForm,
    refused: Problem,
) -> Result<Response, Problem> {
    if !visit.may_resume() {
        return Err(refused);
    }
    view.resume(sent);
    page(StatusCode::FORBIDDEN, &view)
}

/// Asks whether to delete a record.
pub(super) async fn confirm_delete<R: RecordPages>(
    visit: Visit,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let record = editable::<R>(&visit, &key).await?;
    let view = DeleteView::new::<R>(&visit.at, &record, visit.csrf.token());
    page(StatusCode::OK, &view)
}

/// Deletes a record. The list says how it is restored.
pub(super) async fn delete<R: RecordPages>(
    Editor(visit): Editor,
    Path(key): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let author = visit.author(sent.version()?);
    let record = editable::<R>(&visit, &key).await?;
    let codex = &visit.call.codex;
    let deleted = codex.delete::<R::Record>(visit.scope(), &author, record.id);
    applied(deleted.await?.ok_or_else(unknown::<R>)?)?;
    let done = format!("deleted&restore={}", record.id);
    Ok(redirect(&visit.at, R::DEF.path, &done))
}

/// Restores a deleted record, which its row id names.
pub(super) async fn restore<R: RecordPages>(
    Editor(visit): Editor,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let id = id.parse::<i64>().map_err(|_| unknown::<R>())?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let restored = codex.restore(visit.scope(), author, <R::Record as Resource>::KIND, id);
    let unknown_deleted = || Problem::not_found("No person has deleted such a record.");
    applied(restored.await?.ok_or_else(unknown_deleted)?)?;
    let found = R::find_by_id(&visit, id).await?;
    let record = R::shown(&found.ok_or_else(unknown::<R>)?);
    Ok(redirect(&visit.at, &path_of::<R>(&record), "restored"))
}

/// Releases the manual value of a field.
pub(super) async fn release<R: RecordPages>(
    Editor(visit): Editor,
    Path((key, field)): Path<(String, String)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let record = editable::<R>(&visit, &key).await?;
    let (Some(resource), Some(key)) = (R::DEF.claims, &record.claims_key) else {
        return Err(Problem::not_found(
            "This record has no manual values to release.",
        ));
    };
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let released = codex.release_claim(visit.scope(), author, resource, key, &field);
    applied(released.await?)?;
    Ok(redirect(&visit.at, &path_of::<R>(&record), "released"))
}

/// Links another record to a record, or unlinks it.
pub(super) async fn link<R: RecordPages>(
    Editor(visit): Editor,
    Path((key, tab)): Path<(String, String)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let author = visit.author(sent.version()?);
    let change = LinkChange::read(&sent)?;
    let found = found::<R>(&visit, &key).await?;
    if !R::link(&visit, &author, &found, &tab, &change).await? {
        return Err(unknown::<R>());
    }
    let done = match change {
        LinkChange::Add(_) => "linked",
        LinkChange::Remove(_) => "unlinked",
    };
    Ok(to_tab::<R>(&visit.at, &found, &tab, done))
}
