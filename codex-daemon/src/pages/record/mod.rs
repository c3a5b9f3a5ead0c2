//! Pages of records: list, page with tabs, forms, delete, restore, release of manual values, links and exports.
//!
//! A resource declares itself ([`ResourceDef`]) and says how its records are read and written ([`RecordPages`]); labels,
//! types, and who may see or set a field come from the field registry. [`routes`] gives everything else.

mod edit;
mod facts;
mod handlers;
mod links;
mod list;
#[cfg(test)]
pub(super) mod samples;
mod show;

use std::future::Future;

use askama::Template;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use codex_core::{
    Access, Error, Scope,
    address::segment,
    claims::ClaimedResource,
    companies::CompanyRef,
    list::{Cursor, Filter, ListedResource, Listing, Page, PageRequest},
    records::{Author, FieldDef, Resource},
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::{
    edit::BesideInput,
    handlers::{found, show_tab, to_tab},
    links::{LinkChange, LinkForms, MOST_CHOICES},
    list::{BesideColumn, filtered, request, table},
    show::{SummaryItem, SummaryView, look},
};
use super::{
    address::ListAddress,
    asset_secrets::SecretsView,
    form::InputView,
    shell::rendered,
    table::{Cell, Link, TableView},
    visit::Visit,
};
use crate::{
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
};

/// The files with the records of a list.
const CSV: &str = "export.csv";
const NDJSON: &str = "export.ndjson";

/// What pages say of a resource.
#[derive(Debug)]
pub(super) struct ResourceDef {
    /// The path of its list, with a slash at its end.
    pub path: &'static str,
    /// What names a record in paths: the parameter of the routes.
    pub key: &'static str,
    /// A record in words, such as `company`.
    pub noun: &'static str,
    /// The title of the list.
    pub title: &'static str,
    /// The list: its columns, filters and fields.
    pub listing: &'static Listing,
    /// The fields that its form edits, as far as the registry says so.
    pub form: &'static [FieldDef],
    /// What its form edits besides.
    pub beside: &'static [BesideInput],
    /// The columns that its list shows at first. The first names the record.
    pub columns: &'static [&'static str],
    /// Columns that are no fields.
    pub beside_columns: &'static [BesideColumn],
    /// Fields that its page shows elsewhere than among the others.
    pub apart: &'static [&'static str],
    /// The filter that its list has at first.
    pub at_first: Option<AtFirst>,
    /// Where its claims are; `None` for records of people alone.
    pub claims: Option<ClaimedResource>,
    /// Its list among those with facets and views.
    pub listed: Option<ListedResource>,
    /// Its name among exports, where a part of the list can be exported.
    pub export: Option<&'static str>,
    /// Tabs of its page behind the overview.
    pub tabs: &'static [TabDef],
    /// What an empty list says to staff, and to clients.
    pub empty: (&'static str, &'static str),
    /// What deleting does.
    pub deleting: &'static str,
}

impl ResourceDef {
    /// The first segment of the paths.
    pub const fn segment(&self) -> &'static str {
        let (_, rest) = self.path.split_at(1);
        rest.split_at(rest.len() - 1).0
    }
}

/// The filter that a list has at first, until the person asks for the whole list.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtFirst {
    /// Parameter and value of the filter; `None` where [`RecordPages::narrow`] says it.
    pub filter: Option<(&'static str, &'static str)>,
    /// It ends when the person filters by one of these columns.
    pub until: &'static [&'static str],
    /// The name of a record that passes it.
    pub noun: &'static str,
    /// The names of the filtered and of the whole list.
    pub narrowed: &'static str,
    pub whole: &'static str,
}

/// A tab of a record's page.
#[derive(Debug)]
pub(super) struct TabDef {
    /// The word in the address.
    pub word: &'static str,
    /// Who may open it.
    pub access: Access,
}

/// A record as pages show it.
#[derive(Debug, Clone, Default)]
pub(super) struct PageRecord {
    /// Row id.
    pub id: i64,
    /// What names it in paths.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What stands below its name.
    pub subtitle: String,
    /// Its fields by name.
    pub values: Map<String, Value>,
    /// Its version.
    pub updated_at: DateTime<Utc>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The companies that it belongs to.
    pub companies: Vec<CompanyRef>,
    /// What names it among claims; `None` where its claims cannot be read.
    pub claims_key: Option<String>,
}

/// A word beside the name of a record.
#[derive(Debug)]
pub(super) struct Badge {
    pub text: String,
    /// The class of its colour; empty where it has none.
    pub colour: &'static str,
}

/// What stands above a list.
#[derive(Debug)]
pub(super) struct Note {
    pub text: String,
    /// What it is about.
    pub link: Option<Link>,
}

/// What a tab shows.
#[derive(Debug)]
pub(super) enum PartContent {
    Table(TableView),
    /// A template of the resource, rendered.
    Own(String),
}

/// The content of a tab.
#[derive(Debug)]
pub(super) struct Part {
    pub content: PartContent,
    pub next: Option<Cursor>,
    /// The path of the same in the API.
    pub json: Option<String>,
    /// The path of the same as a list of its own.
    pub list: Option<String>,
    /// Where a record of the kind is created for this one: label and path.
    pub create: Option<(&'static str, String)>,
    /// How records are linked and unlinked.
    pub forms: Option<LinkForms>,
}

impl Part {
    /// A table alone.
    pub fn of(table: TableView) -> Self {
        Self::with(PartContent::Table(table))
    }

    /// A template of the resource.
    ///
    /// # Errors
    /// 500 when the template fails.
    pub fn of_template(template: &impl Template) -> Result<Self, Problem> {
        Ok(Self::with(PartContent::Own(rendered(template)?)))
    }

    fn with(content: PartContent) -> Self {
        Self {
            content,
            next: None,
            json: None,
            list: None,
            create: None,
            forms: None,
        }
    }
}

/// A resource as pages need it. The library judges again what a caller may do.
pub(super) trait RecordPages: Sized + Send + Sync + 'static {
    /// The kind of record.
    type Record: Resource;
    /// A record as it is read.
    type Found: Clone + Send + Sync;
    /// What pages say of it.
    const DEF: &'static ResourceDef;
    /// The order of the list, as `sort=` states it.
    const ORDER: &'static str = Self::DEF.listing.order;

    /// A record as pages show it.
    fn shown(found: &Self::Found) -> PageRecord;

    /// A page of the list at an address.
    fn list(
        visit: &Visit,
        asked: &ListAddress,
        request: &PageRequest,
    ) -> impl Future<Output = codex_core::Result<Page<Self::Found>>> + Send;

    /// The record that a path names.
    fn find(
        visit: &Visit,
        key: &str,
    ) -> impl Future<Output = codex_core::Result<Option<Self::Found>>> + Send;

    /// The record with a row id, as a restored one is found.
    fn find_by_id(
        visit: &Visit,
        id: i64,
    ) -> impl Future<Output = codex_core::Result<Option<Self::Found>>> + Send {
        async move { Self::find(visit, &id.to_string()).await }
    }

    /// Creates a record of stated fields; returns what names it in paths.
    fn create(
        _visit: &Visit,
        _stated: Map<String, Value>,
    ) -> impl Future<Output = codex_core::Result<String>> + Send {
        async { Err(unwritten(Self::DEF)) }
    }

    /// Updates stated fields of a record; `false` when it is gone.
    fn update(
        _visit: &Visit,
        _author: &Author,
        _found: &Self::Found,
        _stated: Map<String, Value>,
    ) -> impl Future<Output = codex_core::Result<bool>> + Send {
        async { Err(unwritten(Self::DEF)) }
    }

    /// Narrows the list as it is at first, where [`AtFirst`] has no filter.
    fn narrow(
        _visit: &Visit,
        _request: &mut PageRequest,
    ) -> impl Future<Output = codex_core::Result<()>> + Send {
        async { Ok(()) }
    }

    /// What stands above the list.
    fn note(
        _visit: &Visit,
        _asked: &ListAddress,
    ) -> impl Future<Output = codex_core::Result<Option<Note>>> + Send {
        async { Ok(None) }
    }

    /// What the overview begins with.
    fn summary(
        _visit: &Visit,
        _found: &Self::Found,
    ) -> impl Future<Output = codex_core::Result<SummaryView>> + Send {
        async { Ok(SummaryView::default()) }
    }

    /// What of a record changes outside its history, by field: it is compared with what the person saw last.
    fn status(_found: &Self::Found) -> Map<String, Value> {
        Map::new()
    }

    /// Secret fields, which the overview shows masked.
    fn secrets(
        _visit: &Visit,
        _found: &Self::Found,
    ) -> impl Future<Output = codex_core::Result<Option<SecretsView>>> + Send {
        async { Ok(None) }
    }

    /// The content of one of the tabs.
    fn part(
        _visit: &Visit,
        _found: &Self::Found,
        _tab: &str,
        _request: &PageRequest,
    ) -> impl Future<Output = Result<Part, Problem>> + Send {
        async { Err(Problem::not_found("There is no such part.")) }
    }

    /// Links another record to this one, or unlinks it; `false` when this one is gone.
    fn link(
        _visit: &Visit,
        _author: &Author,
        _found: &Self::Found,
        _tab: &str,
        _change: &LinkChange,
    ) -> impl Future<Output = Result<bool, Problem>> + Send {
        async { Err(Problem::not_found("Nothing is linked here.")) }
    }

    /// The notice of what a form of its own has done, from a word in the address.
    fn notice(_done: &str) -> Option<&'static str> {
        None
    }

    /// Adds links and badges to a cell of a list.
    fn decorate(_at: &Forwarded, _record: &PageRecord, _cell: &mut Cell) {}

    /// Words beside the name.
    fn badges(_scope: &Scope, _record: &PageRecord) -> Vec<Badge> {
        Vec::new()
    }

    /// Links beside those to edit and delete.
    fn actions(_scope: &Scope, _record: &PageRecord) -> Vec<Link> {
        Vec::new()
    }

    /// Replaces values that mean something else than they say.
    fn facts(_values: &mut Map<String, Value>) {}

    /// Whether the list at an address is a part of the resource's listing, so that it can be exported, counted by facets
    /// and changed as a whole.
    fn is_of_listing(_asked: &ListAddress) -> bool {
        true
    }

    /// Choices and help of an input.
    fn input(_field: &FieldDef, input: InputView) -> InputView {
        input
    }
}

/// Why a resource without a form is not written.
fn unwritten(def: &ResourceDef) -> Error {
    Error::Unsupported(format!("{} are not written here", def.title.to_lowercase()))
}

/// The routes of a resource's list.
pub(super) fn list_routes<R: RecordPages>() -> OpenApiRouter<App> {
    let path = R::DEF.path;
    let routes = OpenApiRouter::new()
        .route(path.trim_end_matches('/'), get(handlers::to_list::<R>))
        .route(path, get(handlers::list::<R>));
    if R::DEF.export.is_none() {
        return routes;
    }
    let file = |name: &str| format!("{path}{name}");
    routes
        .route(&file(CSV), get(handlers::export_csv::<R>))
        .route(&file(NDJSON), get(handlers::export_ndjson::<R>))
}

/// The routes of a resource.
pub(super) fn routes<R: RecordPages>() -> OpenApiRouter<App> {
    let path = R::DEF.path;
    let record = format!("{path}{{{}}}", R::DEF.key);
    let below = |word: &str| format!("{record}/{word}");
    list_routes::<R>()
        .route(
            &format!("{path}new"),
            get(handlers::new::<R>).post(handlers::create::<R>),
        )
        .route(&record, get(handlers::show::<R>))
        .route(
            &below("edit"),
            get(handlers::edit::<R>).post(handlers::update::<R>),
        )
        .route(
            &below("delete"),
            get(handlers::confirm_delete::<R>).post(handlers::delete::<R>),
        )
        .route(&below("restore"), post(handlers::restore::<R>))
        .route(&below("release/{field}"), post(handlers::release::<R>))
        .route(&below("links/{tab}"), post(handlers::link::<R>))
}

/// The path of a record's page.
fn path_of<R: RecordPages>(record: &PageRecord) -> String {
    format!("{}{}", R::DEF.path, segment(&record.key))
}

/// Whether a caller may change records of a resource.
pub(super) fn may_edit<R: RecordPages>(scope: &Scope) -> bool {
    <R::Record as Resource>::WRITTEN_BY.has(scope.role())
}

/// Why actions are missing on the pages of staff; clients see no reason.
pub(super) fn refused<R: RecordPages>(scope: &Scope) -> Option<String> {
    let is_staff = scope.companies().is_none();
    (is_staff && !may_edit::<R>(scope)).then(|| {
        let title = R::DEF.title.to_lowercase();
        format!("Only technicians and administrators change {title}.")
    })
}

/// A search for the one record that has a value, and for a second one.
pub(super) fn named(field: &str, value: &str) -> PageRequest {
    PageRequest {
        limit: Some(2),
        filters: vec![Filter::new(field, value)],
        ..PageRequest::default()
    }
}

/// The address of a company's page.
pub(super) fn company_link(at: &Forwarded, company: &CompanyRef) -> Link {
    let number = company.account_number.as_deref();
    let href = number.map(|number| at.link(&format!("/companies/{}", segment(number))));
    Link::new(company.name.as_str(), href.unwrap_or_default())
}
