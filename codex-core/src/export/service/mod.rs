//! Everything of one kind, as lines of JSON or as a table.

mod everything;
mod whole_list;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use everything::BulkTickets;
pub use whole_list::WholeList;

use super::{
    csv_file::CsvFile,
    download::{Download, Sink, Size},
};
use crate::{
    Error, Result, Scope,
    agents::{Agent, wire::AgentOut},
    assets::{Asset, wire::AssetOut},
    billing_plans::{BillingPlan, wire::BillingPlanOut},
    codex::Codex,
    companies::{
        self, Company,
        query::CompanyKeys,
        wire::{CompanyOut, seen_by},
    },
    contacts::{Contact, wire::ContactOut},
    feature_options::{FeatureOption, wire::FeatureOptionOut},
    ids::CompanyId,
    list::{MAX_LIMIT, PageRequest, Sort, StaffFields},
    locations::{Location, wire::LocationOut},
    overrides::{Override, wire::OverrideOut},
    psa_agents::{PsaAgent, wire::PsaAgentOut},
    records::{Resource, Tracked as _},
    store::{Db, Record},
    tags,
    tickets::{Ticket, wire::TicketDetailOut},
};

/// What can be exported.
pub const EXPORTS: [&str; 10] = [
    "companies",
    "contacts",
    "assets",
    "locations",
    "tickets",
    "agents",
    "psa-agents",
    "billing-plans",
    "feature-options",
    "overrides",
];

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// A line of names, also where there is no record, then a line a record; lists and objects are JSON inside their
    /// field. A text that a spreadsheet would run as a formula has an apostrophe before it.
    Csv,
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

impl Codex {
    /// All records of a kind of [`EXPORTS`] that the caller sees, companies without an account number among them.
    /// Memory does not grow with their number.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a kind that cannot be exported, [`Error::Forbidden`], [`Error::Busy`].
    pub async fn export(
        &self,
        scope: &Scope,
        resource: &str,
        format: ExportFormat,
    ) -> Result<Download> {
        let known = EXPORTS.into_iter().find(|known| *known == resource);
        let unknown = || Error::invalid("resource", format!("`{resource}` cannot be exported"));
        let resource = known.ok_or_else(unknown)?;
        match resource {
            "agents" => scope.require_admin("exporting agents")?,
            "psa-agents" | "billing-plans" | "feature-options" | "overrides" => {
                scope.require_staff("exporting them")?;
            }
            _ => {}
        }
        let scope = scope.clone();
        self.download(Size::Everything, async move |codex, sink| {
            let table = (format == ExportFormat::Csv).then(|| table(&scope, resource));
            let mut rows = ExportRows { sink, table };
            if let Some(table) = &rows.table {
                rows.sink.text(&table.header()?);
            }
            codex.write_all(&scope, resource, &mut rows).await?;
            Ok(rows.sink)
        })
        .await
    }

    async fn write_all(&self, scope: &Scope, resource: &str, rows: &mut ExportRows) -> Result<()> {
        let db = &self.0.db;
        match resource {
            "companies" => {
                let mut pages = ById::new(db, |company: &Company| company.id.0);
                pages.within(" and id in ", scope);
                while let Some(mut page) = pages.next().await? {
                    tags::query::attach(db, scope, &mut page).await?;
                    for company in page {
                        let mut record = seen(scope, &company, &seen_by(&company, scope));
                        // Lists have the companies with a number only, and a text for each.
                        let number = json!(company.fields.account_number);
                        record.insert("account_number".to_owned(), number);
                        rows.write(&record).await?;
                    }
                }
            }
            "contacts" => self.write_contacts(scope, rows).await?,
            "assets" => self.write_assets(scope, rows).await?,
            "locations" => {
                let mut pages = ById::new(db, |location: &Location| location.id.0);
                pages.within(" and company_id in ", scope);
                while let Some(page) = pages.next().await? {
                    let ids = page
                        .iter()
                        .filter_map(|location| location.fields.company_id);
                    let companies = companies::query::company_keys(db, scope, ids).await?;
                    for location in page {
                        let company = location.fields.company_id;
                        let Some(company) = company.and_then(|id| companies.get(&id)) else {
                            continue;
                        };
                        let out = LocationOut::new(&location, company.compliance_level());
                        let record = seen(scope, &location, &out);
                        let place = OfCompany::new(Some(company));
                        rows.write(&Of { record, place }).await?;
                    }
                }
            }
            "tickets" => {
                let statuses = self.ticket_statuses().await?;
                let mut pages = self.tickets_ahead(scope.clone());
                while let Some(page) = pages.next().await? {
                    for exported in page {
                        let number = exported.shown.account_number.clone();
                        let place = OfCompany {
                            company_account_number: number.as_ref(),
                        };
                        let (shown, said) = (exported.shown, exported.said);
                        let out = TicketDetailOut::shown(shown, said, &statuses);
                        let mut record = with_answer(exported.fields, &out);
                        record.extend(exported.beside);
                        rows.write(&Of { record, place }).await?;
                    }
                }
            }
            "agents" => {
                let synced = self.agents_synced_at().await?;
                let mut pages = ById::new(db, |agent: &Agent| agent.id.0);
                while let Some(page) = pages.next().await? {
                    for agent in page {
                        let out = AgentOut::new(&agent, synced);
                        rows.write(&seen(scope, &agent, &out)).await?;
                    }
                }
            }
            "psa-agents" => {
                let pages = ById::new(db, |agent: &PsaAgent| agent.id.0);
                rows.write_as::<PsaAgentOut, _>(pages).await?;
            }
            "billing-plans" => {
                let mut pages = ById::new(db, |plan: &BillingPlan| plan.id.0);
                while let Some(page) = pages.next().await? {
                    for plan in page {
                        let out = BillingPlanOut::from(&plan);
                        rows.write(&seen(scope, &plan, &out)).await?;
                    }
                }
            }
            "feature-options" => {
                let pages = ById::new(db, |option: &FeatureOption| option.id.0);
                rows.write_as::<FeatureOptionOut, _>(pages).await?;
            }
            _ => {
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
            }
        }
        Ok(())
    }

    async fn write_assets(&self, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
        let mut page = by_id();
        loop {
            let found = self.assets(scope, None, &page).await?;
            for (asset, company) in &found.items {
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
            page.cursor = found.next;
            if page.cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn write_contacts(&self, scope: &Scope, rows: &mut ExportRows) -> Result<()> {
        let mut page = by_id();
        loop {
            let found = self.contacts(scope, None, &page).await?;
            for (contact, companies) in &found.items {
                let out = ContactOut::new(contact, &companies.compliance_level);
                rows.write(&Of {
                    record: seen(scope, contact, &out),
                    place: OfCompanies {
                        company_account_numbers: companies.account_numbers.iter().collect(),
                    },
                })
                .await?;
            }
            page.cursor = found.next;
            if page.cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// A first page of a list in the order of ids, with the tags of records; see [`ById`].
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

/// The table of a kind of [`EXPORTS`], as the caller sees it.
fn table(scope: &Scope, resource: &str) -> CsvFile {
    match resource {
        "companies" => table_of::<CompanyOut, Company>(scope),
        "contacts" => table_of::<ContactOut, Contact>(scope).with("company_account_numbers"),
        "assets" => table_of::<AssetOut, Asset>(scope).with("company_account_number"),
        "locations" => table_of::<LocationOut, Location>(scope).with("company_account_number"),
        "tickets" => table_of::<TicketDetailOut, Ticket>(scope).with("company_account_number"),
        "agents" => table_of::<AgentOut, Agent>(scope),
        "psa-agents" => CsvFile::of::<PsaAgentOut>(),
        "billing-plans" => table_of::<BillingPlanOut, BillingPlan>(scope),
        "feature-options" => CsvFile::of::<FeatureOptionOut>(),
        _ => CsvFile::of::<OverrideOut>().with("company_account_number"),
    }
}

/// A table of the keys of an answer and, for staff, of the fields of its record; see [`seen`].
fn table_of<Out: ToSchema, R: StaffFields>(scope: &Scope) -> CsvFile {
    let table = CsvFile::of::<Out>();
    match scope.companies() {
        None => table.with_all(R::staff_names()),
        Some(_) => table,
    }
}

/// Writes records as lines of JSON, or of a table.
struct ExportRows {
    sink: Sink,
    table: Option<CsvFile>,
}

impl ExportRows {
    /// Writes whole records.
    async fn write_as<T, R>(&mut self, mut pages: ById<'_, R>) -> Result<()>
    where
        T: for<'r> From<&'r R> + Serialize + Send + Sync,
        R: Resource + Record,
    {
        while let Some(page) = pages.next().await? {
            for record in &page {
                self.write(&T::from(record)).await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self, record: &impl Serialize) -> Result<()> {
        if let Some(table) = &self.table {
            self.sink.text(&table.record(record)?);
        } else {
            self.sink.json(record)?;
            self.sink.text("\n");
        }
        self.sink.flow().await
    }
}
