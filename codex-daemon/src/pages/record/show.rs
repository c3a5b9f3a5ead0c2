//! A record's page: its fields, and a tab for each part that belongs to it. Tabs are links: the address says which is
//! open.

use askama::Template;
use axum::http::Uri;
use chrono::{DateTime, Utc};
use codex_core::{
    Codex, Scope,
    claims::wire::RecordClaimsOut,
    list::{Cursor, PageRequest},
    records::Resource as _,
    seen::{Look, SinceSeen},
};

use super::{
    Badge, PageRecord, Part, PartContent, RecordPages, ResourceDef, company_link, facts::FactsView,
    handlers::notice, links::LinkFormsView, list::tag_links, may_edit, path_of,
};
use crate::{
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
    pages::{
        address::ROWS,
        asset_secrets::SecretsView,
        fields::capitalized,
        record_issues::{self, RecordIssueView},
        shell::Shell,
        table::{Link, TableView},
        visit::Visit,
    },
};

/// The word of the first tab.
const OVERVIEW: &str = "overview";

/// The query of a record's page.
#[derive(Debug)]
pub(super) struct DetailQuery {
    /// The open tab.
    pub tab: &'static str,
    /// Whether fields without a value are shown.
    pub with_empty: bool,
    pub done: Option<String>,
    cursor: Option<Cursor>,
}

impl DetailQuery {
    /// For a tab at its beginning.
    pub fn of(tab: &'static str) -> Self {
        Self {
            tab,
            with_empty: false,
            done: None,
            cursor: None,
        }
    }

    /// Reads a query.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(def: &ResourceDef, uri: &Uri) -> Result<Self, Problem> {
        let mut query = Self::of(OVERVIEW);
        let text = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            match &*name {
                "tab" => {
                    let words = || words(def);
                    let tab = words().find(|word| *word == value);
                    let refused = || {
                        let words: Vec<_> = words().collect();
                        let words = words.join(", ");
                        Problem::bad_request(format!("tab: must be one of {words}"))
                    };
                    query.tab = tab.ok_or_else(refused)?;
                }
                "cursor" => query.cursor = Some(Cursor::decode(&value)?),
                "empty" => query.with_empty = value == "true",
                "done" => query.done = Some(value.into_owned()),
                _ => {
                    let message = format!("unknown parameter `{name}`");
                    return Err(Problem::bad_request(message));
                }
            }
        }
        Ok(query)
    }

    fn request(&self) -> PageRequest {
        PageRequest {
            limit: Some(ROWS),
            cursor: self.cursor.clone(),
            ..PageRequest::default()
        }
    }
}

fn words(def: &ResourceDef) -> impl Iterator<Item = &'static str> {
    [OVERVIEW]
        .into_iter()
        .chain(def.tabs.iter().map(|tab| tab.word))
}

/// What the overview begins with: what somebody wants to know first, each with a link to what it counts.
#[derive(Debug, Default)]
pub(in crate::pages) struct SummaryView {
    pub items: Vec<SummaryItem>,
    /// A table with a remark.
    pub tables: Vec<(TableView, String)>,
}

impl SummaryView {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.tables.is_empty()
    }
}

/// A fact of a summary.
#[derive(Debug)]
pub(in crate::pages) struct SummaryItem {
    pub label: &'static str,
    pub value: String,
    pub href: Option<String>,
    /// What is said of it.
    pub remark: Option<String>,
    /// The class of its colour; empty where it has none.
    pub tone: &'static str,
}

/// The content of a tab.
pub(super) enum Content {
    /// The fields, with what each source states where the caller may see it.
    Overview {
        claims: Option<RecordClaimsOut>,
        summary: SummaryView,
        /// What syncs could not do with it; empty for clients.
        issues: Vec<RecordIssueView>,
        secrets: Option<SecretsView>,
        /// What has changed since the person last looked at it.
        seen: Option<SinceSeen>,
        now: DateTime<Utc>,
        /// The token of the forms that release manual values.
        token: String,
    },
    /// What belongs to the record, and the token of forms that link and unlink.
    Part(Part, String),
}

/// Reads the content of the open tab.
pub(super) async fn content<R: RecordPages>(
    visit: &Visit,
    found: &R::Found,
    record: &PageRecord,
    query: &DetailQuery,
) -> Result<Content, Problem> {
    let (codex, scope, token) = (&visit.call.codex, visit.scope(), visit.csrf.token());
    let tab = R::DEF.tabs.iter().find(|tab| tab.word == query.tab);
    if let Some(tab) = tab {
        scope.require(tab.access, "reading this")?;
        let part = R::part(visit, found, tab.word, &query.request()).await?;
        return Ok(Content::Part(part, token));
    }
    let mut claims = None;
    if scope.companies().is_none()
        && let (Some(resource), Some(key)) = (R::DEF.claims, &record.claims_key)
    {
        claims = Some(codex.record_claims(scope, resource, key).await?.0);
    }
    let visited = Look {
        actor: visit.call.author.actor.clone(),
        kind: R::Record::KIND,
        record_id: record.id,
        status: R::status(found),
    };
    Ok(Content::Overview {
        seen: look(codex, visited, query.done.is_some()).await?,
        claims,
        summary: R::summary(visit, found).await?,
        issues: record_issues::of_record(visit, R::Record::RECORD_KIND, record.id).await?,
        secrets: R::secrets(visit, found).await?,
        now: codex.now(),
        token,
    })
}

/// What has changed since the person last looked at a record; this look is noted. What the person has just done is no
/// news: nothing is marked then.
///
/// # Errors
/// 5xx when the database fails.
pub(in crate::pages) async fn look(
    codex: &Codex,
    visited: Look,
    is_done: bool,
) -> Result<Option<SinceSeen>, Problem> {
    let seen = codex.since_seen(&visited).await?;
    let last = seen.as_ref().map(|seen| seen.at);
    codex.note_seen(visited, last, is_done);
    Ok(seen.filter(|_| !is_done))
}

/// A link to a part of the page.
#[derive(Debug)]
pub(super) struct TabLink {
    label: String,
    href: String,
    is_open: bool,
}

/// What belongs to a record.
#[derive(Debug)]
pub(super) struct PartView {
    content: PartContent,
    first: Option<String>,
    next: Option<String>,
    /// The same list in the API, and as a page of its own.
    json: Option<String>,
    list: Option<String>,
    create: Option<Link>,
    forms: Option<LinkFormsView>,
}

/// A record as a page.
#[derive(Debug, Template)]
#[template(path = "record/show.html")]
pub(super) struct ShowView {
    shell: Shell,
    noun: &'static str,
    name: String,
    subtitle: String,
    companies: Vec<Link>,
    badges: Vec<Badge>,
    tags: Vec<Link>,
    tabs: Vec<TabLink>,
    issues: Vec<RecordIssueView>,
    summary: SummaryView,
    facts: Option<FactsView>,
    secrets: Option<SecretsView>,
    part: Option<PartView>,
    actions: Vec<Link>,
    edit: Option<String>,
    delete: Option<String>,
    /// Why there are no actions, for staff.
    refused: Option<String>,
}

impl ShowView {
    /// A record with the content of a tab.
    pub fn new<R: RecordPages>(
        at: &Forwarded,
        scope: &Scope,
        record: &PageRecord,
        query: &DetailQuery,
        content: Content,
    ) -> Self {
        let (def, path) = (R::DEF, at.link(&path_of::<R>(record)));
        let is_editor = may_edit::<R>(scope);
        let (mut facts, mut part, mut summary) = (None, None, SummaryView::default());
        let (mut issues, mut secrets) = (Vec::new(), None);
        match content {
            Content::Overview {
                claims,
                summary: first,
                issues: met,
                secrets: masked,
                seen,
                now,
                token,
            } => {
                let claims = claims.as_ref();
                let seen = seen.as_ref();
                let view =
                    FactsView::new::<R>(at, scope, record, (claims, seen), query, (token, now));
                (facts, summary) = (Some(view), first);
                (issues, secrets) = (met, masked);
            }
            Content::Part(content, token) => {
                part = Some(part_view(
                    at,
                    &path,
                    query,
                    content,
                    is_editor,
                    (record, token),
                ));
            }
        }
        let tabs = def.tabs.iter().filter(|tab| tab.access.has(scope.role()));
        let tabs = [OVERVIEW].into_iter().chain(tabs.map(|tab| tab.word));
        let title = format!("{} \u{b7} {}", record.name, capitalized(def.noun));
        let companies = record.companies.iter();
        let done = query.done.as_deref();
        let own = done.and_then(R::notice).map(str::to_owned);
        Self {
            shell: crumb(at, def, &title).saying(own.or_else(|| notice(def, done))),
            noun: def.noun,
            name: record.name.clone(),
            subtitle: record.subtitle.clone(),
            companies: companies.map(|company| company_link(at, company)).collect(),
            badges: R::badges(scope, record),
            tags: tag_links::<R>(at, record),
            tabs: tabs.map(|word| tab_link(&path, word, query.tab)).collect(),
            issues,
            summary,
            facts,
            secrets,
            part,
            actions: R::actions(scope, record),
            edit: is_editor.then(|| format!("{path}/edit")),
            delete: is_editor.then(|| format!("{path}/delete")),
            refused: super::refused::<R>(scope),
        }
    }
}

fn part_view(
    at: &Forwarded,
    path: &str,
    query: &DetailQuery,
    part: Part,
    is_editor: bool,
    (record, token): (&PageRecord, String),
) -> PartView {
    let open = format!("{path}?tab={}", query.tab);
    let forms = part.forms.filter(|_| is_editor);
    let create = part.create.filter(|_| is_editor);
    PartView {
        content: part.content,
        first: query.cursor.is_some().then(|| open.clone()),
        next: part
            .next
            .map(|cursor| format!("{open}&cursor={}", cursor.encode())),
        json: part.json.map(|path| at.link(&path)),
        list: part.list.map(|path| at.link(&path)),
        create: create.map(|(label, path)| Link::new(label, at.link(&path))),
        forms: forms.map(|forms| {
            let action = format!("{path}/links/{}", query.tab);
            LinkFormsView::new(forms, action, record, token)
        }),
    }
}

fn tab_link(path: &str, word: &str, open: &str) -> TabLink {
    TabLink {
        label: capitalized(word),
        href: match word {
            OVERVIEW => path.to_owned(),
            _ => format!("{path}?tab={word}"),
        },
        is_open: word == open,
    }
}

/// The frame of a page below the list.
pub(super) fn crumb(at: &Forwarded, def: &ResourceDef, title: &str) -> Shell {
    Shell::new(at, title).under(def.title, at.link(def.path))
}
