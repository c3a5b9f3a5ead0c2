//! Pages of companies (contract 5.2).

mod cockpit;
mod plan;
mod plan_forms;
#[cfg(test)]
pub(super) mod samples;
mod sites;
mod tabs;

use axum::routing::post;
use codex_core::{
    Access, Scope,
    address::segment,
    claims::ClaimedResource,
    companies::{Company, CompanyFields, CompanyIn, ComplianceLevel, query::LISTING},
    ids::CompanyId,
    list::{ListedResource, Page, PageRequest},
    plural::{agree, count_of},
    records::{Author, FieldDef, Intent, RecordBody as _},
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use super::{
    PageSet,
    address::ListAddress,
    fields::values,
    form::InputView,
    record::{
        self, Badge, BesideColumn, BesideInput, Note, PageRecord, Part, RecordPages, ResourceDef,
        SummaryView, filtered,
    },
    table::{Cell, Link},
    visit::{Visit, applied},
};
use crate::{
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
};

/// The filter that lists the companies without an account number.
const UNNUMBERED: &str = "account_number__isnull";
/// What names a company without an account number in paths: this and its row id.
const BY_ID: &str = "id-";

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::records::<Companies>(routes);

/// The routes: those of records, and the forms of the plan and of the sites.
fn routes() -> OpenApiRouter<App> {
    let below = |path: &str| format!("/companies/{{account_number}}/{path}");
    record::routes::<Companies>()
        .route(&below("plan"), post(plan_forms::choose_plan))
        .route(&below("overrides/{key}"), post(plan_forms::set_override))
        .route(
            &below("overrides/{key}/delete"),
            post(plan_forms::delete_override),
        )
        .route(&below("sites/link"), post(sites::link_site))
        .route(&below("sites/{id}/unlink"), post(sites::unlink_site))
}

/// What names a company in paths.
fn key(company: &Company) -> String {
    let number = company.fields.account_number.clone();
    number.unwrap_or_else(|| format!("{BY_ID}{}", company.id))
}

/// The path of a company's page.
fn path_of(company: &Company) -> String {
    format!("{}{}", Companies::DEF.path, segment(&key(company)))
}

/// Pages of companies.
pub(super) struct Companies;

impl RecordPages for Companies {
    type Record = Company;
    type Found = Company;

    const DEF: &'static ResourceDef = &ResourceDef {
        path: "/companies/",
        key: "account_number",
        noun: "company",
        title: "Companies",
        listing: &LISTING,
        form: CompanyFields::FIELDS,
        beside: &[BesideInput {
            name: "account_number",
            label: "Account number",
            help: "Six digits. Leave it empty to get a free number.",
            is_list: false,
            is_new: true,
            is_required: false,
        }],
        columns: &[
            "name",
            "account_number",
            "billing_plan",
            "email_system",
            "phone_system",
            "contract_end_date",
            "tags",
        ],
        beside_columns: &[BesideColumn::TAGS],
        apart: &[],
        at_first: None,
        claims: Some(ClaimedResource::Companies),
        listed: Some(ListedResource::Companies),
        export: Some("companies"),
        tabs: tabs::TABS,
        empty: (
            "There are no companies yet. They come with the first sync of the PSA, or are created here.",
            "No company is open to you yet. Ask your service desk to open yours.",
        ),
        deleting: "disappears from all lists, and no sync brings it back. An administrator or technician can restore \
            it. Its account number is never given to another company.",
    };

    fn shown(company: &Company) -> PageRecord {
        let number = company.fields.account_number.clone();
        PageRecord {
            id: company.id.0,
            key: key(company),
            name: company.fields.name.clone(),
            subtitle: match &number {
                Some(number) => format!("Account number {number}"),
                None => "No account number yet".to_owned(),
            },
            values: values(&company.fields),
            updated_at: company.updated_at,
            tags: company.tags.clone(),
            companies: Vec::new(),
            claims_key: number,
        }
    }

    async fn list(
        visit: &Visit,
        asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Company>> {
        let (codex, scope) = (&visit.call.codex, visit.scope());
        if asked.filter(UNNUMBERED) == Some("true") {
            codex.unnumbered_companies_page(scope, request).await
        } else {
            codex.companies_page(scope, request).await
        }
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Company>> {
        let (codex, scope) = (&visit.call.codex, visit.scope());
        let id = key.strip_prefix(BY_ID).and_then(|id| id.parse().ok());
        let mut found = None;
        if let Some(id) = id {
            found = codex.company_by_id(scope, CompanyId(id)).await?;
            found = found.filter(|company| company.fields.account_number.is_none());
        }
        if found.is_none() {
            found = codex.company(scope, key).await?;
        }
        match found {
            Some(company) => codex.with_tags(scope, company).await.map(Some),
            None => Ok(None),
        }
    }

    async fn find_by_id(visit: &Visit, id: i64) -> codex_core::Result<Option<Company>> {
        let codex = &visit.call.codex;
        codex.company_by_id(visit.scope(), CompanyId(id)).await
    }

    async fn create(visit: &Visit, stated: Map<String, Value>) -> codex_core::Result<String> {
        let (codex, author) = (&visit.call.codex, &visit.call.author);
        let company = CompanyIn::read(stated, Intent::Create)?;
        let created = codex.create_company(visit.scope(), author, &company);
        Ok(Self::shown(&applied(created.await?)?).key)
    }

    async fn update(
        visit: &Visit,
        author: &Author,
        company: &Company,
        stated: Map<String, Value>,
    ) -> codex_core::Result<bool> {
        let (codex, scope) = (&visit.call.codex, visit.scope());
        let edit = CompanyIn::read(stated, Intent::Update)?;
        let updated = codex.update_this_company(scope, author, company, &edit);
        Ok(updated.await?.map(applied).transpose()?.is_some())
    }

    async fn note(visit: &Visit, asked: &ListAddress) -> codex_core::Result<Option<Note>> {
        let scope = visit.scope();
        if scope.companies().is_some() || asked.filters_by("account_number") {
            return Ok(None);
        }
        let (count, _) = visit.call.codex.companies_without_number(scope).await?;
        Ok((count > 0).then(|| unnumbered(&visit.at, count)))
    }

    async fn summary(visit: &Visit, company: &Company) -> codex_core::Result<SummaryView> {
        cockpit::summary(visit, company).await
    }

    async fn part(
        visit: &Visit,
        company: &Company,
        tab: &str,
        request: &PageRequest,
    ) -> Result<Part, Problem> {
        tabs::part(visit, company, tab, request).await
    }

    fn notice(done: &str) -> Option<&'static str> {
        match done {
            "override" => Some("The override was set."),
            "cleared" => Some("The override was cleared: the plan holds again."),
            _ => None,
        }
    }

    fn decorate(_at: &Forwarded, _record: &PageRecord, cell: &mut Cell) {
        if cell.field == "billing_plan" {
            cell.badge = plan_badge(&cell.text);
        }
    }

    fn badges(scope: &Scope, record: &PageRecord) -> Vec<Badge> {
        let mut badges = Vec::new();
        let level = level(&record.values);
        if level != ComplianceLevel::Standard {
            badges.push(Badge {
                text: level.name().to_uppercase(),
                colour: "badge--warning",
            });
        }
        let plan = record.values.get("billing_plan").and_then(Value::as_str);
        if let Some(plan) = plan.filter(|_| Access::Staff.has(scope.role())) {
            badges.push(Badge {
                text: plan.to_owned(),
                colour: plan_badge(plan).unwrap_or_default(),
            });
        }
        badges
    }

    /// Unknown means standard.
    fn facts(values: &mut Map<String, Value>) {
        let level = level(values).name();
        values.insert("compliance_level".to_owned(), level.into());
    }

    fn input(field: &FieldDef, input: InputView) -> InputView {
        match field.name {
            "description" | "address" => input.in_lines(),
            "compliance_level" => {
                let standard = ComplianceLevel::default();
                let input = input.helped(format!("A company without a level is {standard}."));
                input.of("not set", &ComplianceLevel::ALL.map(ComplianceLevel::name))
            }
            "domains" => input.helped("E-mail domains, one a line."),
            _ => input,
        }
    }

    fn is_of_listing(asked: &ListAddress) -> bool {
        asked.filter(UNNUMBERED) != Some("true")
    }
}

fn level(values: &Map<String, Value>) -> ComplianceLevel {
    let word = values.get("compliance_level").and_then(Value::as_str);
    word.and_then(ComplianceLevel::parse).unwrap_or_default()
}

/// Says how many companies the list leaves out, and where they are.
fn unnumbered(at: &Forwarded, count: i64) -> Note {
    let (have, are) = (agree(count, "has", "have"), agree(count, "is", "are"));
    let companies = count_of(count, "company");
    let href = at.link(&filtered(Companies::DEF.path, UNNUMBERED, "true"));
    Note {
        text: format!("{companies} {have} no account number yet and {are} not listed."),
        link: Some(Link::new(agree(count, "Show it", "Show them"), href)),
    }
}

/// The class of a plan's badge (contract 5.2).
fn plan_badge(plan: &str) -> Option<&'static str> {
    const CLASSES: [(&str, &str); 6] = [
        ("platinum", "badge--platinum"),
        ("premium", "badge--success"),
        ("advanced", "badge--gold"),
        ("basic", "badge--info"),
        ("break fix", "badge--warning"),
        ("pro services", "badge--warning"),
    ];
    let plan = plan.to_lowercase();
    let known = CLASSES.iter().find(|(word, _)| plan.contains(word));
    known.map(|(_, class)| *class)
}

/// What templates are tested with.
#[cfg(test)]
pub(super) fn samples() -> Vec<(&'static str, Company)> {
    use super::{parts::samples::now, record::samples::hostile};

    let company = |fields: Value| Company {
        id: CompanyId(1),
        fields: serde_json::from_value(fields).unwrap(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        tags: vec!["VIP".to_owned(), super::tests::HOSTILE.to_owned()],
    };
    let usual = serde_json::json!({"account_number": "100002", "name": "Blue Heron GmbH", "billing_plan": "Platinum",
        "compliance_level": "hipaa", "domains": ["heron.test", "heron.example"], "contract_term_length": "1 Year",
        "address": "1 High Street\nLondon", "datto_portal_url": "https://rmm.test/site/1", "head_user_id": 7});
    vec![
        ("empty", company(serde_json::json!({"name": "Acme"}))),
        ("usual", company(usual)),
        ("hostile", company(hostile(CompanyFields::FIELDS))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_have_badges_by_their_names() {
        assert_eq!(plan_badge("Platinum Plus"), Some("badge--platinum"));
        assert_eq!(plan_badge("BREAK FIX"), Some("badge--warning"));
        assert_eq!(plan_badge("Gold"), None);
    }
}
