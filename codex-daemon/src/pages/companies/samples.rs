//! Companies that templates are tested with, as each kind of caller sees them.

use askama::Template as _;
use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, Utc};
use codex_core::{
    Error, Fault, Role, Scope,
    assets::billable::{BillableCount, BillableOut, BillableRecord},
    claims::{
        ClaimedResource,
        wire::{FieldClaimsOut, OtherClaimOut, RecordClaimsOut, SourceRecordOut},
    },
    companies::{Company, CompanyFields, query::LISTING},
    ids::{CompanyId, OverrideId, SiteLinkId},
    list::{ColumnType, Cursor, Page},
    overrides::{Override, OverrideFields},
    site_links::{SiteLink, SiteLinkFields},
};
use serde_json::{Map, Value, json};

use super::{
    detail::CompanyView,
    edit::{CompanyFormView, DeleteView},
    list::CompanyListView,
    plan::{PlanState, PlanView, Refusal},
    sites::SitesView,
    tabs::{Content, DetailQuery, Tab},
};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::{Asked, ListAddress},
        form::SentForm,
        tests::HOSTILE,
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
                for html in plans(&scope, company) {
                    add("plan", html);
                }
                add("sites", sites(&scope, company));
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
    CompanyListView::new(&at(), scope, &asked, &page, 0).render()
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

/// The plan as it is, and after each of its forms was refused.
fn plans(scope: &Scope, company: &Company) -> Vec<askama::Result<String>> {
    let row = |id: i64, key: &str, value: &str, enabled| Override {
        id: OverrideId(id),
        fields: OverrideFields {
            key: key.to_owned(),
            value: value.to_owned(),
            enabled,
            ..OverrideFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    };
    let users = BillableCount {
        count: 2,
        records: vec![
            BillableRecord {
                id: 1,
                name: HOSTILE.to_owned(),
            },
            BillableRecord {
                id: 2,
                name: String::new(),
            },
        ],
    };
    let state = PlanState {
        overrides: vec![
            row(1, "per_user_cost", "12.5", None),
            row(2, HOSTILE, HOSTILE, Some(false)),
        ],
        billable: BillableOut {
            account_number: "100001".to_owned(),
            users,
            ..BillableOut::default()
        },
        ..PlanState::default()
    };
    let refusals = [
        None,
        Some(Refusal::Override(
            HOSTILE.to_owned(),
            HOSTILE.to_owned(),
            HOSTILE.to_owned(),
        )),
        Some(Refusal::Plan(
            HOSTILE.to_owned(),
            HOSTILE.to_owned(),
            HOSTILE.to_owned(),
        )),
    ];
    let query = DetailQuery::of(Tab::Plan);
    let pages = refusals.iter().map(|refusal| {
        let token = TOKEN.to_owned();
        let view = PlanView::new(&at(), scope, company, &state, token, refusal.as_ref());
        CompanyView::new(&at(), scope, company, &query, Content::Plan(Box::new(view))).render()
    });
    pages.collect()
}

fn sites(scope: &Scope, company: &Company) -> askama::Result<String> {
    let site = |id: i64, company_id| SiteLink {
        id: SiteLinkId(id),
        fields: SiteLinkFields {
            provider: "rmm".to_owned(),
            site_uid: HOSTILE.to_owned(),
            site_name: Some(HOSTILE.to_owned()),
            account_number: Some(HOSTILE.to_owned()),
            portal_url: Some("javascript:alert(1)".to_owned()),
            company_id,
            ..SiteLinkFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    };
    let all = [
        site(1, Some(company.id)),
        site(2, None),
        site(3, Some(CompanyId(9))),
    ];
    let view = SitesView::new(&at(), scope, company, &all, TOKEN.to_owned());
    let query = DetailQuery::of(Tab::Sites);
    CompanyView::new(&at(), scope, company, &query, Content::Sites(view)).render()
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
