//! The plan and the sites of companies that templates are tested with, as each kind of staff sees them.

use codex_core::{
    Scope,
    assets::billable::{BillableCount, BillableOut, BillableRecord},
    companies::Company,
    ids::{CompanyId, OverrideId, SiteLinkId},
    overrides::{Override, OverrideFields},
    site_links::{SiteLink, SiteLinkFields},
};

use super::{
    Companies,
    plan::{PlanState, PlanView, Refusal},
    sites::SitesView,
    tabs::{PLAN, SITES},
};
use crate::pages::{
    parts::samples::{TOKEN, at, now},
    record::{
        Part,
        samples::{scopes, tab},
    },
    tests::HOSTILE,
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let staff = scopes().into_iter();
    for (role, scope) in staff.filter(|(_, scope)| scope.companies().is_none()) {
        for (kind, company) in super::samples() {
            let parts = plans(&scope, &company).into_iter();
            let parts = parts.map(|part| (PLAN, part));
            for (word, part) in parts.chain([(SITES, sites(&scope, &company))]) {
                let html = tab::<Companies>(&scope, &company, word, part).unwrap();
                pages.push((format!("companies/{word}/{kind}/{role}"), html));
            }
        }
    }
    pages
}

/// The plan as it is, and after each of its forms was refused.
fn plans(scope: &Scope, company: &Company) -> Vec<Part> {
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
    let record = |id, name: &str| BillableRecord {
        id,
        name: name.to_owned(),
    };
    let state = PlanState {
        overrides: vec![
            row(1, "per_user_cost", "12.5", None),
            row(2, HOSTILE, HOSTILE, Some(false)),
        ],
        billable: BillableOut {
            account_number: "100001".to_owned(),
            users: BillableCount {
                count: 2,
                records: vec![record(1, HOSTILE), record(2, "")],
            },
            ..BillableOut::default()
        },
        ..PlanState::default()
    };
    let hostile = || HOSTILE.to_owned();
    let refusals = [
        None,
        Some(Refusal::Override(hostile(), hostile(), hostile())),
        Some(Refusal::Plan(hostile(), hostile(), hostile())),
    ];
    let parts = refusals.iter().map(|refusal| {
        let token = TOKEN.to_owned();
        let view = PlanView::new(&at(), scope, company, &state, token, refusal.as_ref());
        Part::of_template(&view).unwrap()
    });
    parts.collect()
}

fn sites(scope: &Scope, company: &Company) -> Part {
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
    Part::of_template(&view).unwrap()
}
