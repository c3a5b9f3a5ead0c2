//! A company's page.

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    address::segment,
    claims::wire::{FieldClaimsOut, RecordClaimsOut},
    companies::{Company, CompanyFields, ComplianceLevel},
    plural::count_of,
};
use serde_json::Value;

use super::{
    CHANGING, EDITORS,
    list::{crumb, plan_badge},
    path_of,
    plan::PlanView,
    sites::SitesView,
    tabs::{Content, DetailQuery, Tab},
};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{self, age, label, moment, text, values},
        shell::Shell,
        table::TableView,
    },
};

/// A word about the company beside its name.
#[derive(Debug)]
pub(super) struct Badge {
    text: String,
    /// The class of its colour; empty where it has none.
    colour: &'static str,
}

/// A link to a part of the page.
#[derive(Debug)]
pub(super) struct TabLink {
    label: String,
    href: String,
    is_open: bool,
}

/// A field with its value.
#[derive(Debug)]
pub(super) struct Fact {
    label: String,
    value: String,
    /// Where the value leads, when it is an address of the web.
    href: Option<String>,
    /// Which source's value it is, and since when.
    origin: Option<String>,
    since: Option<String>,
    is_manual: bool,
    /// What other sources state.
    others: Vec<String>,
    /// Where a manual value is released.
    release: Option<String>,
}

/// The fields of a company.
#[derive(Debug)]
pub(super) struct FactsView {
    facts: Vec<Fact>,
    csrf_field: &'static str,
    csrf: String,
    /// The page with, or without, the fields that have no value.
    switch: Option<Link>,
    /// Which sources have the company.
    sources: Vec<String>,
}

/// A link.
#[derive(Debug)]
pub(super) struct Link {
    text: String,
    href: String,
}

/// What belongs to a company.
#[derive(Debug)]
pub(super) struct PartView {
    table: TableView,
    first: Option<String>,
    next: Option<String>,
    /// The same list in the API.
    json: String,
}

/// A company as a page.
#[derive(Debug, Template)]
#[template(path = "companies/show.html")]
pub(in crate::pages) struct CompanyView {
    shell: Shell,
    name: String,
    number: String,
    badges: Vec<Badge>,
    tabs: Vec<TabLink>,
    facts: Option<FactsView>,
    part: Option<PartView>,
    plan: Option<Box<PlanView>>,
    sites: Option<SitesView>,
    edit: Option<String>,
    delete: Option<String>,
    /// Why there are no actions, for staff.
    refused: Option<&'static str>,
}

impl CompanyView {
    /// A company with the content of a tab.
    pub(super) fn new(
        at: &Forwarded,
        scope: &Scope,
        company: &Company,
        query: &DetailQuery,
        content: Content,
    ) -> Self {
        let path = at.link(&path_of(company));
        let number = company.fields.account_number.clone().unwrap_or_default();
        let is_editor = scope.require_technician(CHANGING).is_ok();
        let is_staff = scope.companies().is_none();
        let (mut facts, mut part) = (None, None);
        let (mut plan, mut sites) = (None, None);
        match content {
            Content::Overview { claims, now, token } => {
                let claims = claims.as_ref();
                let all = all_facts(scope, company, claims, now, is_editor, &path);
                facts = Some(FactsView::new(all, query, token, claims, &path));
            }
            Content::List(table, next) => {
                let tab = query.tab.word();
                let open = format!("{path}?tab={tab}");
                part = Some(PartView {
                    table,
                    first: query.is_behind().then(|| open.clone()),
                    next: next.map(|cursor| format!("{open}&cursor={}", cursor.encode())),
                    json: json_path(at, &number, tab),
                });
            }
            Content::Plan(view) => plan = Some(view),
            Content::Sites(view) => sites = Some(view),
        }
        let tabs = Tab::ALL.into_iter().filter(|tab| tab.is_visible_to(scope));
        let name = company.fields.name.clone();
        let notice = super::notice(query.done.as_deref());
        Self {
            shell: crumb(at, &format!("{name} \u{b7} Company")).saying(notice),
            name,
            badges: badges(scope, company),
            tabs: tabs.map(|tab| tab_link(&path, tab, query.tab)).collect(),
            facts,
            part,
            plan,
            sites,
            edit: is_editor.then(|| format!("{path}/edit")),
            delete: is_editor.then(|| format!("{path}/delete")),
            refused: (is_staff && !is_editor).then_some(EDITORS),
            number,
        }
    }
}

impl FactsView {
    fn new(
        mut facts: Vec<Fact>,
        query: &DetailQuery,
        token: String,
        claims: Option<&RecordClaimsOut>,
        path: &str,
    ) -> Self {
        let is_empty = |fact: &Fact| fact.value.is_empty() && !fact.is_manual;
        let empty = facts.iter().filter(|fact| is_empty(fact)).count();
        let switch = match (empty, query.with_empty) {
            (0, _) => None,
            (_, true) => Some(Link {
                text: "Hide fields without a value".to_owned(),
                href: path.to_owned(),
            }),
            (_, false) => Some(Link {
                text: format!("Show {} without a value", count_of(empty, "field")),
                href: format!("{path}?empty=true"),
            }),
        };
        if !query.with_empty {
            facts.retain(|fact| !is_empty(fact));
        }
        let sources = claims.into_iter().flat_map(|claims| &claims.sources);
        let sources = sources.map(|record| {
            let since = moment(record.first_seen);
            let gone = record
                .gone_at
                .map(|at| format!(", gone since {}", moment(at)));
            let name = fields::source(&record.source);
            format!("{name}: since {since}{}", gone.unwrap_or_default())
        });
        Self {
            facts,
            csrf_field: csrf::FIELD,
            csrf: token,
            switch,
            sources: sources.collect(),
        }
    }
}

fn all_facts(
    scope: &Scope,
    company: &Company,
    claims: Option<&RecordClaimsOut>,
    now: DateTime<Utc>,
    is_editor: bool,
    path: &str,
) -> Vec<Fact> {
    let mut values = values(&company.fields);
    // Unknown means standard.
    let level = Value::from(company.compliance_level().name());
    values.insert("compliance_level".to_owned(), level);
    // A manual record has no source value to return to.
    let is_synced = claims.is_some_and(|claims| {
        let mut sources = claims.sources.iter();
        sources.any(|record| record.source != "manual")
    });
    let shown = CompanyFields::FIELDS
        .iter()
        .filter(|field| field.is_visible_to(scope));
    let facts = shown.map(|field| {
        let value = values.get(field.name).and_then(text).unwrap_or_default();
        let stated = claims.and_then(|claims| {
            let mut stated = claims.fields.iter();
            stated.find(|stated| stated.field == field.name)
        });
        let is_manual = stated.is_some_and(FieldClaimsOut::has_manual_value);
        let is_web = ["https://", "http://"]
            .iter()
            .any(|scheme| value.starts_with(scheme));
        let may_release = is_manual && is_editor && is_synced;
        Fact {
            label: label(field.name),
            href: is_web.then(|| value.clone()),
            value,
            origin: stated.and_then(|stated| origin(stated, now)),
            since: stated.and_then(|stated| stated.since).map(moment),
            is_manual,
            others: stated.map(others).unwrap_or_default(),
            release: may_release.then(|| format!("{path}/release/{}", segment(field.name))),
        }
    });
    facts.collect()
}

/// Which source's value it is, and how old it is.
fn origin(stated: &FieldClaimsOut, now: DateTime<Utc>) -> Option<String> {
    let source = stated.source.as_deref().map(fields::source);
    let since = stated.since.map(|since| age(since, now));
    match (source, since) {
        (Some(source), Some(since)) => Some(format!("{source}, {since}")),
        (source, since) => source.or(since),
    }
}

/// What other sources state.
fn others(stated: &FieldClaimsOut) -> Vec<String> {
    let others = stated.others.iter().map(|other| {
        let value = text(&other.value);
        let value = value.unwrap_or_else(|| "nothing".to_owned());
        format!("{}: {value}", fields::source(&other.source))
    });
    others.collect()
}

fn badges(scope: &Scope, company: &Company) -> Vec<Badge> {
    let mut badges = Vec::new();
    let level = company.compliance_level();
    if level != ComplianceLevel::Standard {
        badges.push(Badge {
            text: level.name().to_uppercase(),
            colour: "badge--warning",
        });
    }
    let is_staff = scope.companies().is_none();
    let plan = company.fields.billing_plan.as_deref();
    if let Some(plan) = plan.filter(|_| is_staff) {
        let colour = plan_badge(plan).unwrap_or_default();
        badges.push(Badge {
            text: plan.to_owned(),
            colour,
        });
    }
    badges
}

fn tab_link(path: &str, tab: Tab, open: Tab) -> TabLink {
    TabLink {
        label: fields::capitalized(tab.word()),
        href: match tab {
            Tab::Overview => path.to_owned(),
            _ => format!("{path}?tab={}", tab.word()),
        },
        is_open: tab == open,
    }
}

fn json_path(at: &Forwarded, number: &str, part: &str) -> String {
    at.link(&format!("/api/companies/{}/{part}", segment(number)))
}
