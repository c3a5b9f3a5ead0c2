//! The resources that can be exported: one declaration each, and how its records are written.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{ExportDef, ExportRows, lists};
use crate::{
    Result, Scope,
    agents::{Agent, wire::AgentOut},
    assets::{Asset, wire::AssetOut},
    billing_plans::{BillingPlan, wire::BillingPlanOut},
    codex::Codex,
    companies::{
        self, COMPANY_NUMBER, COMPANY_NUMBERS, Company, CompanyRef,
        query::CompanyKeys,
        wire::{CompanyOut, seen_by},
    },
    contacts::{Contact, query::ContactCompanies, wire::ContactOut},
    export::csv_file::CsvFile,
    feature_options::{FeatureOption, wire::FeatureOptionOut},
    ids::CompanyId,
    list::{MAX_LIMIT, PageRequest, Sort, StaffFields},
    locations::{Location, wire::LocationOut},
    overrides::{Override, wire::OverrideOut},
    psa_agents::{PsaAgent, wire::PsaAgentOut},
    records::{Resource, Tracked as _},
    store::{Db, Record},
    tags,
    tickets::{Ticket, service::ExportedTicket, status::Statuses, wire::TicketDetailOut},
};

/// What can be exported.
pub(super) const EXPORTED: &[ExportDef] = &[
    ExportDef {
        name: "companies",
        access: Company::READ_BY,
        table: table_of::<CompanyOut, Company>,
        write: |codex, scope, rows| Box::pin(write_companies(codex, scope, rows)),
        list: Some(lists::COMPANIES),
    },
    ExportDef {
        name: "contacts",
        access: Contact::READ_BY,
        table: |scope| table_of::<ContactOut, Contact>(scope).with(COMPANY_NUMBERS),
        write: |codex, scope, rows| Box::pin(write_contacts(codex, scope, rows)),
        list: Some(lists::CONTACTS),
    },
    ExportDef {
        name: "assets",
        access: Asset::READ_BY,
        table: |scope| table_of::<AssetOut, Asset>(scope).with(COMPANY_NUMBER),
        write: |codex, scope, rows| Box::pin(write_assets(codex, scope, rows)),
        list: Some(lists::ASSETS),
    },
    ExportDef {
        name: "locations",
        access: Location::READ_BY,
        table: |scope| table_of::<LocationOut, Location>(scope).with(COMPANY_NUMBER),
        write: |codex, scope, rows| Box::pin(write_locations(codex, scope, rows)),
        list: Some(lists::LOCATIONS),
    },
    ExportDef {
        name: "tickets",
        access: Ticket::READ_BY,
        table: |scope| table_of::<TicketDetailOut, Ticket>(scope).with(COMPANY_NUMBER),
        write: |codex, scope, rows| Box::pin(write_tickets(codex, scope, rows)),
        list: Some(lists::TICKETS),
    },
    ExportDef {
        name: "agents",
        access: Agent::READ_BY,
        table: table_of::<AgentOut, Agent>,
        write: |codex, scope, rows| Box::pin(write_agents(codex, scope, rows)),
        list: None,
    },
    ExportDef {
        name: "psa-agents",
        access: PsaAgent::READ_BY,
        table: |_| CsvFile::of::<PsaAgentOut>(),
        write: |codex, _, rows| Box::pin(write_psa_agents(codex, rows)),
        list: None,
    },
    ExportDef {
        name: "billing-plans",
        access: BillingPlan::READ_BY,
        table: table_of::<BillingPlanOut, BillingPlan>,
        write: |codex, scope, rows| Box::pin(write_billing_plans(codex, scope, rows)),
        list: None,
    },
    ExportDef {
        name: "feature-options",
        access: FeatureOption::READ_BY,
        table: |_| CsvFile::of::<FeatureOptionOut>(),
        write: |codex, _, rows| Box::pin(write_feature_options(codex, rows)),
        list: None,
    },
    ExportDef {
        name: "overrides",
        access: Override::READ_BY,
        table: |_| CsvFile::of::<OverrideOut>().with(COMPANY_NUMBER),
        write: |codex, scope, rows| Box::pin(write_overrides(codex, scope, rows)),
        list: None,
    },
];

async fn write_companies(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let db = &codex.0.db;
    let mut pages = ById::new(db, |company: &Company| company.id.0);
    pages.within(" and id in ", scope);
    while let Some(mut page) = pages.next().await? {
        tags::query::load_tags(&codex.0.db, scope, &mut page).await?;
        write_company_rows(scope, &page, rows).await?;
    }
    Ok(())
}

pub(super) async fn write_company_rows(
    scope: &Scope,
    companies: &[Company],
    rows: &mut ExportRows,
) -> Result<()> {
    for company in companies {
        let mut record = seen(scope, company, &seen_by(company, scope));
        // Lists have the companies with a number only, and a text for each.
        let number = json!(company.fields.account_number);
        record.insert("account_number".to_owned(), number);
        rows.write(&record).await?;
    }
    Ok(())
}

async fn write_contacts(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let mut page = by_id();
    loop {
        let found = codex.contacts(scope, None, &page).await?;
        write_contact_rows(scope, &found.items, rows).await?;
        page.cursor = found.next;
        if page.cursor.is_none() {
            return Ok(());
        }
    }
}

pub(super) async fn write_contact_rows(
    scope: &Scope,
    contacts: &[(Contact, ContactCompanies)],
    rows: &mut ExportRows,
) -> Result<()> {
    for (contact, companies) in contacts {
        let out = ContactOut::new(contact, companies.compliance_level);
        rows.write(&Of {
            record: seen(scope, contact, &out),
            place: OfCompanies {
                company_account_numbers: companies.account_numbers.iter().collect(),
            },
        })
        .await?;
    }
    Ok(())
}

async fn write_assets(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let mut page = by_id();
    loop {
        let found = codex.assets(scope, None, &page).await?;
        write_asset_rows(scope, &found.items, rows).await?;
        page.cursor = found.next;
        if page.cursor.is_none() {
            return Ok(());
        }
    }
}

pub(super) async fn write_asset_rows(
    scope: &Scope,
    assets: &[(Asset, Option<CompanyRef>)],
    rows: &mut ExportRows,
) -> Result<()> {
    for (asset, company) in assets {
        let company = company.as_ref();
        let number = company.and_then(|company| company.account_number.as_ref());
        let out = AssetOut::new(asset, companies::level_of(company));
        rows.write(&Of {
            record: seen(scope, asset, &out),
            place: OfCompany {
                company_account_number: number,
            },
        })
        .await?;
    }
    Ok(())
}

async fn write_locations(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let db = &codex.0.db;
    let mut pages = ById::new(db, |location: &Location| location.id.0);
    pages.within(" and company_id in ", scope);
    while let Some(page) = pages.next().await? {
        write_location_rows(codex, scope, &page, rows).await?;
    }
    Ok(())
}

pub(super) async fn write_location_rows(
    codex: &Codex,
    scope: &Scope,
    locations: &[Location],
    rows: &mut ExportRows,
) -> Result<()> {
    let ids = locations.iter();
    let ids = ids.filter_map(|location| location.fields.company_id);
    let companies = companies::query::company_keys(&codex.0.db, scope, ids).await?;
    for location in locations {
        let company = location.fields.company_id;
        let Some(company) = company.and_then(|id| companies.get(&id)) else {
            continue;
        };
        let out = LocationOut::new(location, company.compliance_level());
        let record = seen(scope, location, &out);
        let place = OfCompany::new(Some(company));
        rows.write(&Of { record, place }).await?;
    }
    Ok(())
}

async fn write_tickets(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let statuses = codex.ticket_statuses().await?;
    let mut pages = codex.tickets_ahead(scope.clone());
    while let Some(page) = pages.next().await? {
        write_ticket_rows(page, &statuses, rows).await?;
    }
    Ok(())
}

pub(super) async fn write_ticket_rows(
    tickets: Vec<ExportedTicket>,
    statuses: &Statuses,
    rows: &mut ExportRows,
) -> Result<()> {
    for exported in tickets {
        let number = exported.shown.account_number.clone();
        let place = OfCompany {
            company_account_number: number.as_ref(),
        };
        let (shown, said) = (exported.shown, exported.said);
        let out = TicketDetailOut::shown(shown, said, statuses);
        let mut record = with_answer(exported.fields, &out);
        record.extend(exported.beside);
        rows.write(&Of { record, place }).await?;
    }
    Ok(())
}

async fn write_agents(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let db = &codex.0.db;
    let synced = codex.agents_synced_at().await?;
    let mut pages = ById::new(db, |agent: &Agent| agent.id.0);
    while let Some(page) = pages.next().await? {
        for agent in page {
            let out = AgentOut::new(&agent, synced);
            rows.write(&seen(scope, &agent, &out)).await?;
        }
    }
    Ok(())
}

async fn write_psa_agents(codex: &Codex, rows: &mut ExportRows) -> Result<()> {
    let pages = ById::new(&codex.0.db, |agent: &PsaAgent| agent.id.0);
    write_as::<PsaAgentOut, _>(pages, rows).await
}

async fn write_billing_plans(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let db = &codex.0.db;
    let mut pages = ById::new(db, |plan: &BillingPlan| plan.id.0);
    while let Some(page) = pages.next().await? {
        for plan in page {
            let out = BillingPlanOut::from(&plan);
            rows.write(&seen(scope, &plan, &out)).await?;
        }
    }
    Ok(())
}

async fn write_feature_options(codex: &Codex, rows: &mut ExportRows) -> Result<()> {
    let pages = ById::new(&codex.0.db, |option: &FeatureOption| option.id.0);
    write_as::<FeatureOptionOut, _>(pages, rows).await
}

async fn write_overrides(codex: &Codex, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
    let db = &codex.0.db;
    let mut pages = ById::new(db, |row: &Override| row.id.0);
    while let Some(page) = pages.next().await? {
        let ids = page.iter().filter_map(|row| row.fields.company_id);
        let companies = companies::query::company_keys(db, scope, ids).await?;
        for row in page {
            let company = row.fields.company_id.and_then(|id| companies.get(&id));
            rows.write(&Of {
                record: OverrideOut::from(&row),
                place: OfCompany::new(company),
            })
            .await?;
        }
    }
    Ok(())
}

/// A table of the keys of an answer and, for staff, of the fields of its record; see [`seen`].
fn table_of<Out: ToSchema, R: StaffFields>(scope: &Scope) -> CsvFile {
    let table = CsvFile::of::<Out>();
    match scope.companies() {
        None => table.with_all(R::staff_names()),
        Some(_) => table,
    }
}

/// A record together with what places it.
#[derive(Serialize)]
struct Of<T: Serialize, P: Serialize> {
    #[serde(flatten)]
    record: T,
    #[serde(flatten)]
    place: P,
}

/// What the caller sees of a record: the keys of its answer and, for staff, every field that lists give by `fields=`. Of
/// one name the key of the answer counts, as there.
fn seen(scope: &Scope, record: &impl StaffFields, out: &impl Serialize) -> Map<String, Value> {
    let fields = match scope.companies() {
        None => record.staff_fields(),
        Some(_) => Map::new(),
    };
    with_answer(fields, out)
}

fn with_answer(mut fields: Map<String, Value>, out: &impl Serialize) -> Map<String, Value> {
    if let Ok(Value::Object(own)) = serde_json::to_value(out) {
        fields.extend(own);
    }
    fields
}

#[derive(Serialize)]
struct OfCompany<'c> {
    company_account_number: Option<&'c String>,
}

impl<'c> OfCompany<'c> {
    fn new(company: Option<&'c CompanyKeys>) -> Self {
        Self {
            company_account_number: company.and_then(|company| company.account_number.as_ref()),
        }
    }
}

#[derive(Serialize)]
struct OfCompanies<'c> {
    company_account_numbers: Vec<&'c String>,
}

/// A first page of a list in the order of ids; see [`ById`].
fn by_id() -> PageRequest {
    PageRequest {
        limit: Some(MAX_LIMIT),
        sort: Some(Sort::new("id")),
        tags: true,
        ..PageRequest::default()
    }
}

/// Pages of the live records of a kind in the order of their ids, which nobody changes: a record that changes
/// meanwhile, and would move in a list, is there once.
struct ById<'d, R> {
    db: &'d Db,
    id: fn(&R) -> i64,
    last: i64,
    within: Option<(&'static str, Vec<CompanyId>)>,
}

impl<'d, R: Resource + Record> ById<'d, R> {
    fn new(db: &'d Db, id: fn(&R) -> i64) -> Self {
        Self {
            db,
            id,
            last: 0,
            within: None,
        }
    }

    /// Only records of companies that the caller sees; `condition` comes before their list.
    fn within(&mut self, condition: &'static str, scope: &Scope) {
        self.within = scope.within(None).map(|companies| (condition, companies));
    }

    async fn next(&mut self) -> Result<Option<Vec<R>>> {
        let mut q = self.db.query(R::Fields::SELECT);
        q.push(" where deleted_at is null and id > ")
            .push_bind(self.last);
        if let Some((condition, companies)) = &self.within {
            q.push(condition).push_list(companies.iter().copied());
        }
        q.push(" order by id limit ")
            .push_bind(i64::from(MAX_LIMIT));
        let page: Vec<R> = q.all().await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.last = (self.id)(last);
        Ok(Some(page))
    }
}

/// Writes the whole of records whose answer is all that there is.
async fn write_as<T, R>(mut pages: ById<'_, R>, rows: &mut ExportRows) -> Result<()>
where
    T: for<'r> From<&'r R> + Serialize + Send + Sync,
    R: Resource + Record,
{
    while let Some(page) = pages.next().await? {
        for record in &page {
            rows.write(&T::from(record)).await?;
        }
    }
    Ok(())
}
