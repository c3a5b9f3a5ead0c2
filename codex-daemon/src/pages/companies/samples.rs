//! Companies that templates are tested with, as each kind of caller sees them.

use askama::Template as _;
use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, Utc};
use codex_core::{
    Error, Fault, Role, Scope,
    billing_plans::effective::EffectivePlanOut,
    claims::{
        ClaimedResource,
        wire::{FieldClaimsOut, OtherClaimOut, RecordClaimsOut, SourceRecordOut},
    },
    companies::{Company, CompanyFields, query::LISTING},
    ids::CompanyId,
    list::{ColumnType, Cursor, FacetOut, FacetValue, Page},
};
use serde_json::{Map, Value, json};

use super::{
    detail::CompanyView,
    edit::{CompanyFormView, DeleteView},
    list::CompanyListView,
    tabs::{Content, DetailQuery, plan_table},
};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::{Asked, ListAddress},
        facets::facet_views,
        form::SentForm,
        tests::HOSTILE,
        views,
    },
};

const TOKEN: &str = "word.proof";

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let companies = [
        ("empty", empty()),
        ("usual", usual()),
        ("hostile", hostile()),
    ];
    for (role, scope) in scopes() {
        for (kind, company) in &companies {
            let mut add = |page: &str, html: askama::Result<String>| {
                pages.push((format!("companies/{page}/{kind}/{role}"), html.unwrap()));
            };
            add("list", list(&scope, company));
            add("overview", overview(&scope, company));
            if scope.companies().is_none() {
                add("plan", plan(&scope, company));
            }
            if scope.require_technician("").is_ok() {
                add("edit", form(&scope, company, None));
                add("conflict", form(&scope, company, Some(Error::Changed)));
                add("refused", form(&scope, company, Some(faults())));
                add(
                    "new",
                    CompanyFormView::of_new(&at(), &scope, TOKEN.into()).render(),
                );
                add(
                    "delete",
                    DeleteView::new(&at(), company, TOKEN.into()).render(),
                );
            }
        }
        let none = Page::default();
        let view = CompanyListView::new(&at(), &scope, &asked(""), &none, 1);
        pages.push((format!("companies/none/{role}"), view.render().unwrap()));
    }
    pages
}

fn scopes() -> [(&'static str, Scope); 4] {
    [
        ("admin", Scope::staff(Role::Admin)),
        ("technician", Scope::staff(Role::Technician)),
        ("billing", Scope::staff(Role::Billing)),
        ("client", Scope::client(vec![CompanyId(1)])),
    ]
}

fn at() -> Forwarded {
    let prefix = axum::http::HeaderValue::from_static("/codex");
    let name = axum::http::HeaderName::from_static("x-forwarded-prefix");
    Forwarded::of(&HeaderMap::from_iter([(name, prefix)]))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_607_200, 0).unwrap()
}

fn company(fields: CompanyFields) -> Company {
    Company {
        id: CompanyId(1),
        fields,
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        tags: Vec::new(),
    }
}

fn empty() -> Company {
    company(CompanyFields {
        account_number: Some("100001".to_owned()),
        name: "Acme".to_owned(),
        ..CompanyFields::default()
    })
}

fn usual() -> Company {
    let fields = json!({"account_number": "100002", "name": "Blue Heron GmbH", "billing_plan": "Platinum",
        "compliance_level": "hipaa", "domains": ["heron.test", "heron.example"], "contract_term_length": "1 Year",
        "address": "1 High Street\nLondon", "datto_portal_url": "https://rmm.test/site/1", "head_user_id": 7});
    company(serde_json::from_value(fields).unwrap())
}

/// Every text is an attack.
fn hostile() -> Company {
    let fields = CompanyFields::FIELDS.iter().map(|field| {
        let value = match (field.name, field.column_type) {
            ("datto_portal_url", _) => json!("javascript:alert(1)"),
            (_, ColumnType::Json) => json!([HOSTILE]),
            (_, ColumnType::Int) => json!(i64::MIN),
            _ => json!(HOSTILE),
        };
        (field.name.to_owned(), value)
    });
    let fields: Map<String, Value> = fields.collect();
    company(serde_json::from_value(fields.into()).unwrap())
}

fn faults() -> Error {
    Error::Unprocessable(vec![
        Fault::at("name", "must not be empty"),
        Fault::at("odd", HOSTILE),
    ])
}

fn asked(query: &str) -> ListAddress {
    let uri = format!("/companies/?{query}").parse().unwrap();
    match ListAddress::read(super::LIST, &uri, &LISTING).unwrap() {
        Asked::List(asked) | Asked::Elsewhere(asked) => asked,
    }
}

fn list(scope: &Scope, company: &Company) -> askama::Result<String> {
    let attack: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let asked = asked(&format!(
        "sort=-name&q={attack}&name__contains={attack}&cursor=313a3d61"
    ));
    let page = Page {
        items: vec![company.clone()],
        next: Some(Cursor::new(HOSTILE, 1)),
        total: Some(1),
    };
    let facets = vec![FacetOut {
        column: "billing_plan".to_owned(),
        others: 2,
        values: [None, Some(HOSTILE.to_owned())]
            .map(|value| FacetValue { count: 3, value })
            .to_vec(),
    }];
    let facets = facet_views(&at(), &LISTING, &asked, facets);
    let views = views::samples::above_companies(scope, &asked);
    let view = CompanyListView::new(&at(), scope, &asked, &page, 0);
    view.with(facets, views).render()
}

fn overview(scope: &Scope, company: &Company) -> askama::Result<String> {
    let is_staff = scope.companies().is_none();
    let content = Content::Overview {
        claims: is_staff.then(|| claims(company)),
        now: now(),
        token: TOKEN.to_owned(),
    };
    let uri: Uri = "/companies/1?done=saved".parse().unwrap();
    let query = DetailQuery::read(&uri).unwrap();
    CompanyView::new(&at(), scope, company, &query, content).render()
}

fn plan(scope: &Scope, company: &Company) -> askama::Result<String> {
    let plan = EffectivePlanOut::new(&company.fields, None, &[]);
    assert!(plan_table(&plan).rows.is_empty());
    let uri: Uri = "/companies/1?tab=plan".parse().unwrap();
    let query = DetailQuery::read(&uri).unwrap();
    CompanyView::new(&at(), scope, company, &query, Content::Plan(plan)).render()
}

fn form(scope: &Scope, company: &Company, error: Option<Error>) -> askama::Result<String> {
    let mut view = CompanyFormView::of(&at(), scope, company, TOKEN.to_owned());
    if let Some(error) = error {
        let members = [
            ("name", HOSTILE),
            ("before.name", "old"),
            ("description", HOSTILE),
        ];
        let members = members.map(|(name, text)| (name.to_owned(), text.to_owned()));
        view.refuse(&SentForm::from(members.to_vec()), error)
            .unwrap();
    }
    view.render()
}

/// Every field is a manual value, and another source states something else.
fn claims(company: &Company) -> RecordClaimsOut {
    let values = crate::pages::fields::values(&company.fields);
    let fields = CompanyFields::FIELDS.iter().map(|field| FieldClaimsOut {
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
        resource: ClaimedResource::Companies,
        sources: vec![SourceRecordOut {
            external_id: Some("7".to_owned()),
            first_seen: now(),
            gone_at: Some(now()),
            source: "freshservice".to_owned(),
            source_updated_at: None,
        }],
    }
}
