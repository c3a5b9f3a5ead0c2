//! Pages of records that templates are tested with, as each kind of caller sees them.

use std::collections::BTreeMap;

use askama::Template as _;
use axum::http::Uri;
use codex_core::{
    Error, Fault, Role, Scope,
    claims::{
        ClaimedResource,
        wire::{FieldClaimsOut, OtherClaimOut, RecordClaimsOut, SourceRecordOut},
    },
    companies::{CompanyRef, ComplianceLevel},
    ids::CompanyId,
    jobs::record_issues::RecordIssue,
    list::{ColumnType, Cursor, FacetOut, FacetValue, Page},
    records::{FieldDef, Resource},
    seen::SinceSeen,
};
use serde_json::{Map, Value, json};

use super::{
    LinkForms, Note, Part, RecordPages, SummaryItem, SummaryView,
    edit::{DeleteView, FormView},
    list::{ListParts, RecordListView, available, chosen, table, viewed},
    show::{Content, DetailQuery, ShowView},
};
use crate::pages::{
    address::{Asked, ListAddress},
    facets::{FacetView, facet_views},
    form::SentForm,
    parts::samples::{TOKEN, at, now},
    record_issues::RecordIssueView,
    table::Link,
    tests::HOSTILE,
    views::samples,
};

/// Rendered pages of some records by name.
pub(in crate::pages) fn rendered<R: RecordPages>(
    records: &[(&str, R::Found)],
) -> Vec<(String, String)> {
    let (name, mut pages) = (R::DEF.path.trim_matches('/'), Vec::new());
    let roles = scopes().into_iter();
    for (role, scope) in roles.filter(|(_, scope)| R::Record::READ_BY.has(scope.role())) {
        for (kind, found) in records {
            let mut add = |page: &str, html: askama::Result<String>| {
                pages.push((format!("{name}/{page}/{kind}/{role}"), html.unwrap()));
            };
            add("list", listed::<R>(&scope, found));
            add("overview", overview::<R>(&scope, found));
            if let Some(tab) = R::DEF.tabs.first() {
                add("part", part::<R>(&scope, found, tab.word));
            }
            if super::may_edit::<R>(&scope) {
                add("edit", form::<R>(&scope, found, None));
                add("conflict", form::<R>(&scope, found, Some(Error::Changed)));
                add("refused", form::<R>(&scope, found, Some(faults())));
                let new = FormView::of_new::<R>(&at(), &scope, TOKEN.into());
                add("new", new.render());
                let record = R::shown(found);
                let delete = DeleteView::new::<R>(&at(), &record, TOKEN.into());
                add("delete", delete.render());
            }
        }
        let none = nothing::<R>(&scope, "").unwrap();
        pages.push((format!("{name}/none/{role}"), none));
    }
    pages
}

/// Every role.
pub(in crate::pages) fn scopes() -> [(&'static str, Scope); 4] {
    [
        ("admin", Scope::staff(Role::Admin)),
        ("technician", Scope::staff(Role::Technician)),
        ("billing", Scope::staff(Role::Billing)),
        ("client", Scope::client(vec![CompanyId(1)])),
    ]
}

/// Fields whose every text is an attack.
pub(in crate::pages) fn hostile(fields: &[FieldDef]) -> Value {
    let fields = fields.iter().map(|field| {
        let value = match field.column_type {
            _ if field.name.ends_with("_url") => json!("javascript:alert(1)"),
            ColumnType::Json if field.name == "udf" => json!({ "udf1": HOSTILE }),
            ColumnType::Json if field.name == "department_ids" => json!([i64::MAX]),
            ColumnType::Json => json!([HOSTILE]),
            ColumnType::Int | ColumnType::Word => json!(i64::MIN),
            ColumnType::Bool => json!(true),
            ColumnType::Time => json!("1970-01-01T00:00:00Z"),
            _ => json!(HOSTILE),
        };
        (field.name.to_owned(), value)
    });
    Value::Object(fields.collect())
}

/// A company that a record belongs to.
pub(in crate::pages) fn company(number: Option<&str>, name: &str) -> CompanyRef {
    CompanyRef {
        account_number: number.map(str::to_owned),
        name: name.to_owned(),
        compliance_level: ComplianceLevel::Hipaa,
    }
}

fn faults() -> Error {
    Error::Unprocessable(vec![
        Fault::at("name", "must not be empty"),
        Fault::at("odd", HOSTILE),
    ])
}

fn asked<R: RecordPages>(query: &str) -> ListAddress {
    let def = R::DEF;
    let uri = format!("{}?{query}", def.path).parse().unwrap();
    match ListAddress::read_records(def.path, &uri, def.listing).unwrap() {
        Asked::List(asked) | Asked::Elsewhere(asked) => asked,
    }
}

fn parts<R: RecordPages>(scope: &Scope, asked: &ListAddress) -> ListParts {
    ListParts {
        columns: chosen(R::DEF, scope, asked).unwrap(),
        note: Some(Note {
            text: HOSTILE.to_owned(),
            link: Some(Link::new("Show", at().link("/"))),
        }),
        facets: facets::<R>(asked),
        views: viewed(R::DEF, scope).and_then(|list| samples::above(list, scope, asked)),
        token: TOKEN.to_owned(),
        now: now(),
    }
}

/// A facet of every column that has one.
fn facets<R: RecordPages>(asked: &ListAddress) -> Vec<FacetView> {
    let values = |values: [Option<&str>; 3]| {
        let value = |value: Option<&str>| FacetValue {
            count: 3,
            value: value.map(str::to_owned),
        };
        values.map(value).to_vec()
    };
    let counted = R::DEF.listing.faceted().map(|column| FacetOut {
        column: column.name.to_owned(),
        others: 7,
        values: values([Some(HOSTILE), Some(""), None]),
    });
    facet_views(&at(), R::DEF.listing, asked, counted.collect())
}

/// A list without records, at an address.
pub(in crate::pages) fn nothing<R: RecordPages>(
    scope: &Scope,
    query: &str,
) -> askama::Result<String> {
    let (none, asked) = (Page::default(), asked::<R>(query));
    let parts = parts::<R>(scope, &asked);
    RecordListView::new::<R>(&at(), scope, &asked, &none, parts).render()
}

/// A list with a record, in every column.
pub(in crate::pages) fn listed<R: RecordPages>(
    scope: &Scope,
    found: &R::Found,
) -> askama::Result<String> {
    let attack: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let first = R::DEF.columns[0];
    let asked = asked::<R>(&format!(
        "sort=-{first}&q={attack}&{first}__contains={attack}&cursor=313a3d61&done=deleted&restore=7"
    ));
    let page = Page {
        items: vec![found.clone()],
        next: Some(Cursor::new(HOSTILE, 1)),
        total: Some(1),
    };
    let mut parts = parts::<R>(scope, &asked);
    // Of every column.
    let all = available(R::DEF, scope);
    let names: Vec<_> = all.iter().map(|column| column.name).collect();
    let mut every = asked.clone();
    every.columns = Some(names.join(","));
    parts.columns = chosen(R::DEF, scope, &every).unwrap();
    RecordListView::new::<R>(&at(), scope, &asked, &page, parts).render()
}

fn query<R: RecordPages>(text: &str) -> DetailQuery {
    let uri: Uri = format!("{}1?{text}", R::DEF.path).parse().unwrap();
    DetailQuery::read(R::DEF, &uri).unwrap()
}

fn overview<R: RecordPages>(scope: &Scope, found: &R::Found) -> askama::Result<String> {
    let is_staff = scope.companies().is_none();
    let record = R::shown(found);
    let content = Content::Overview {
        claims: R::DEF
            .claims
            .filter(|_| is_staff)
            .map(|resource| claims(R::DEF.form, &record.values, resource)),
        summary: SummaryView {
            items: vec![SummaryItem {
                label: "Open tickets",
                value: HOSTILE.to_owned(),
                href: Some(at().link("/tickets/")),
                remark: Some(HOSTILE.to_owned()),
                tone: "u-text-danger",
            }],
            tables: Vec::new(),
        },
        issues: if is_staff {
            vec![record_issue()]
        } else {
            Vec::new()
        },
        secrets: None,
        seen: Some(SinceSeen {
            at: now(),
            fields: hostile_before(&record.values),
        }),
        now: now(),
        token: TOKEN.to_owned(),
    };
    let query = query::<R>("done=saved");
    ShowView::new::<R>(&at(), scope, &record, &query, content).render()
}

fn part<R: RecordPages>(scope: &Scope, found: &R::Found, tab: &str) -> askama::Result<String> {
    let named = || vec![("7".to_owned(), HOSTILE.to_owned())];
    let columns = R::DEF.columns;
    let one = std::slice::from_ref(found);
    let part = Part {
        next: Some(Cursor::new(HOSTILE, 1)),
        json: Some("/api/".to_owned()),
        list: Some("/list/".to_owned()),
        create: Some(("New", "/new".to_owned())),
        forms: Some(LinkForms {
            noun: "asset",
            by: "id",
            choices: named(),
            linked: named(),
        }),
        ..Part::of(table::<R>(&at(), scope, columns, one, now(), String::new()))
    };
    let query = query::<R>(&format!("tab={tab}&cursor=313a3d61"));
    opened::<R>(scope, found, &query, part)
}

/// A record with the content of a tab, rendered.
pub(in crate::pages) fn tab<R: RecordPages>(
    scope: &Scope,
    found: &R::Found,
    tab: &str,
    part: Part,
) -> askama::Result<String> {
    opened::<R>(scope, found, &query::<R>(&format!("tab={tab}")), part)
}

fn opened<R: RecordPages>(
    scope: &Scope,
    found: &R::Found,
    query: &DetailQuery,
    part: Part,
) -> askama::Result<String> {
    let content = Content::Part(part, TOKEN.to_owned());
    ShowView::new::<R>(&at(), scope, &R::shown(found), query, content).render()
}

/// Every field had another value when somebody last looked.
fn hostile_before(values: &Map<String, Value>) -> BTreeMap<String, Value> {
    let before = values.keys().map(|name| (name.clone(), json!(HOSTILE)));
    before.collect()
}

/// An issue of a sync with a record.
fn record_issue() -> RecordIssueView {
    let issue = RecordIssue {
        job_id: HOSTILE.to_owned(),
        sync: HOSTILE.to_owned(),
        at: now(),
        issue: HOSTILE.to_owned(),
    };
    RecordIssueView::new(&at(), &issue, now())
}

fn form<R: RecordPages>(
    scope: &Scope,
    found: &R::Found,
    error: Option<Error>,
) -> askama::Result<String> {
    let record = R::shown(found);
    let mut view = FormView::of::<R>(&at(), scope, &record, TOKEN.to_owned());
    if let Some(error) = error {
        let before = |name: &str| format!("before.{name}");
        let members = R::DEF.form.iter().flat_map(|field| {
            let value = (field.name.to_owned(), HOSTILE.to_owned());
            [value, (before(field.name), "old".to_owned())]
        });
        let sent = SentForm::from(members.collect::<Vec<_>>());
        view.refuse(&sent, error).unwrap();
    }
    view.render()
}

/// Every field is a manual value, and another source states something else.
fn claims(
    fields: &[FieldDef],
    values: &Map<String, Value>,
    resource: ClaimedResource,
) -> RecordClaimsOut {
    let fields = fields.iter().map(|field| FieldClaimsOut {
        field: field.name.to_owned(),
        others: vec![OtherClaimOut {
            external_id: Some("7".to_owned()),
            source: "freshservice".to_owned(),
            value: json!(HOSTILE),
        }],
        since: Some(now()),
        source: Some("manual".to_owned()),
        value: values.get(field.name).cloned().unwrap_or_default(),
    });
    RecordClaimsOut {
        fields: fields.collect(),
        id: "100001".to_owned(),
        resource,
        sources: vec![SourceRecordOut {
            external_id: Some("7".to_owned()),
            first_seen: now(),
            gone_at: Some(now()),
            source: "freshservice".to_owned(),
            source_updated_at: None,
        }],
    }
}
