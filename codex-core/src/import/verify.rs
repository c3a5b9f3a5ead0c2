//! Comparing the two sides: counts, what the REST APIs say of every record, what only one side has, and every company's
//! bill.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    bill::Bill,
    bills::{Bills, term_of},
    expected::{expected, ticket_number},
    only_here::{Extra, only_here},
    run::Importer,
    shapes::{Shape, is_same, texts_of},
    source::OldRow,
    state::Import,
    tables::Table,
};
use crate::{
    Result, Scope,
    agents::{self, wire::AgentOut},
    assets::wire::AssetOut,
    billing_plans::{self, PRICES, wire::BillingPlanOut},
    companies::{level_of, wire::CompanyOut},
    contacts::wire::ContactOut,
    feature_options,
    locations::wire::LocationOut,
    store::{Db, snapshot::Key},
    tickets::{status::Statuses, wire::TicketDetailOut},
};

/// Differences that a table is shown with, and bills.
pub(super) const SAMPLES: usize = 20;

/// A field whose two sides differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Key of the row.
    pub key: String,
    /// Field; `record` when the record is missing.
    pub field: String,
    /// What the Flask service says.
    pub old: Value,
    /// What this one says.
    pub new: Value,
}

/// What came of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableComparison {
    /// Rows that must be there.
    pub expected: u64,
    /// Those that are there.
    pub found: u64,
    /// Fields that differ.
    pub differing: u64,
    /// Some of them, and of the rows that are missing.
    pub differences: Vec<Difference>,
    /// Records that the import wrote and the Flask service does not have: its row was deleted since, or never was.
    #[serde(default)]
    pub only_here: Extra,
    /// Records that a sync or a person has made here since. They are expected.
    #[serde(default)]
    pub added: Extra,
}

/// A company whose bill is another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BillDifference {
    /// Its account number.
    pub account_number: String,
    /// The sum of the Flask service, in cents.
    pub old_cents: i64,
    /// The sum here, in cents.
    pub new_cents: i64,
    /// What the Flask service bills by.
    pub old: Bill,
    /// What is billed by here.
    pub new: Bill,
}

/// The two sides, compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// By table, in the order of the import.
    pub tables: Vec<(String, TableComparison)>,
    /// Companies whose bills were compared.
    pub bills: u64,
    /// Companies whose bills differ.
    pub differing_bills: u64,
    /// Some of them.
    pub bill_differences: Vec<BillDifference>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_clean(&self) -> bool {
        self.differing_bills == 0 && self.tables.iter().all(|(_, table)| table.is_clean())
    }
}

impl TableComparison {
    /// Whether nothing differs. What was added since may.
    pub fn is_clean(&self) -> bool {
        self.differing == 0 && self.missing() == 0 && self.only_here.count == 0
    }

    /// Rows that are not there.
    pub fn missing(&self) -> u64 {
        self.expected.saturating_sub(self.found)
    }

    fn sample(&mut self, key: &str, field: &str, old: Value, new: Value) {
        if self.differences.len() < SAMPLES {
            self.differences.push(Difference {
                key: key.to_owned(),
                field: field.to_owned(),
                old,
                new,
            });
        }
    }

    /// Compares what is expected of a record with what is there.
    fn compare(&mut self, key: &str, expected: &Shape, found: Option<&Value>) {
        self.expected += 1;
        let Some(found) = found else {
            self.sample(key, "record", json!("there"), Value::Null);
            return;
        };
        self.found += 1;
        for (field, old) in expected {
            let new = found.get(field).unwrap_or(&Value::Null);
            if !is_same(old, new) {
                self.differing += 1;
                self.sample(key, field, old.clone(), new.clone());
            }
        }
    }
}

/// Records of the new side, as answers show them, by key.
type Found = HashMap<String, Value>;

/// Row id, account number, key, value and switch of an override.
type OverrideRow = (i64, Option<String>, String, String, Option<bool>);

/// Compares everything that an import reads with what this side says.
pub(super) struct Verifier<'v> {
    importer: Importer<'v>,
    db: &'v Db,
    import: &'v Import,
    statuses: Statuses,
    scope: Scope,
    bills: Bills,
    /// What the new side should have of a table; see [`only_here`].
    expected: HashSet<String>,
}

impl<'v> Verifier<'v> {
    pub fn new(importer: Importer<'v>, db: &'v Db, import: &'v Import, statuses: Statuses) -> Self {
        Self {
            importer,
            db,
            import,
            statuses,
            scope: Scope::system(),
            bills: Bills::default(),
            expected: HashSet::new(),
        }
    }

    /// Compares all tables.
    pub async fn run(mut self, mut progress: impl FnMut(Table)) -> Result<Comparison> {
        let mut comparison = Comparison::default();
        for table in Table::ALL {
            if matches!(table, Table::Features | Table::Labels) {
                // Features are compared with their plans, labels are part of Codex.
                continue;
            }
            progress(table);
            let compared = self.table(table).await?;
            comparison.tables.push((table.name().to_owned(), compared));
        }
        self.bills.compare(&mut comparison);
        Ok(comparison)
    }

    async fn table(&mut self, table: Table) -> Result<TableComparison> {
        let reading = table.reading(&self.importer.source.layout);
        let (mut compared, mut after) = (TableComparison::default(), None::<Vec<Key>>);
        let whole = self.whole(table).await?;
        // Both tables of sites become one kind of record.
        if table != Table::FirstSites {
            self.expected.clear();
        }
        loop {
            let rows = self
                .importer
                .source
                .page(&reading, after.as_deref())
                .await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            let found = match &whole {
                Some(_) => Found::new(),
                None => self.page(table, &rows).await?,
            };
            let found = whole.as_ref().unwrap_or(&found);
            for row in &rows {
                self.row(table, row, found, &mut compared);
            }
        }
        let only = only_here(self.db, self.import, table, &self.expected).await?;
        (compared.only_here, compared.added) = (only.left, only.added);
        Ok(compared)
    }

    /// The records of a table that is small, all at once.
    async fn whole(&mut self, table: Table) -> Result<Option<Found>> {
        let (db, scope) = (self.db, &self.scope);
        let mut found = Found::new();
        match table {
            Table::Companies => {
                for company in crate::companies::query::list(db, scope).await? {
                    let out = CompanyOut::from(&company);
                    let bill = self
                        .bills
                        .new
                        .entry(out.account_number.clone())
                        .or_default();
                    out.billing_plan.trim().clone_into(&mut bill.plan);
                    bill.term = term_of(out.contract_term_length.as_deref());
                    found.insert(out.account_number.clone(), json!(out));
                }
            }
            Table::Agents => {
                let at = chrono::DateTime::UNIX_EPOCH;
                for agent in agents::query::list(db, scope).await? {
                    let out = AgentOut::new(&agent, Some(at));
                    found.insert(agent.fields.keycloak_id.clone(), json!(out));
                }
            }
            Table::Plans => {
                for plan in billing_plans::query::list(db, scope).await? {
                    let out = json!(BillingPlanOut::from(&plan));
                    let key = (
                        plan.fields.plan_name.clone(),
                        plan.fields.term_length.clone(),
                    );
                    let prices = PRICES
                        .iter()
                        .filter_map(|price| Some(((*price).to_owned(), out.get(price)?.as_f64()?)));
                    self.bills.new_plans.insert(key, prices.collect());
                    found.insert(plan.id.to_string(), out);
                }
            }
            Table::Options => {
                for option in feature_options::query::list(db, scope, None).await? {
                    let fields = &option.fields;
                    let out = json!({
                        "feature_category": fields.feature_category,
                        "option_value": fields.option_value,
                        "display_name": fields.display_name,
                    });
                    found.insert(option.id.to_string(), out);
                }
            }
            Table::PsaAgents => {
                for agent in crate::psa_agents::query::list(db, scope, None).await? {
                    let fields = &agent.fields;
                    let key = format!("{}/{}", fields.external_source, fields.external_id);
                    found.insert(key, json!(fields));
                }
            }
            Table::Sites | Table::FirstSites => {
                let sites = "select s.site_uid, c.account_number from site_links s \
                    left join companies c on c.id = s.company_id where s.deleted_at is null";
                for (uid, number) in db.query(sites).all::<(String, Option<String>)>().await? {
                    found.insert(uid, json!({ "company_account_number": number }));
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(found))
    }

    /// The records of a page.
    async fn page(&mut self, table: Table, rows: &[OldRow]) -> Result<Found> {
        let (db, scope) = (self.db, &self.scope);
        let ids: Vec<i64> = rows
            .iter()
            .filter_map(|row| match row.key.first() {
                Some(Key::Int(id)) => Some(*id),
                _ => None,
            })
            .collect();
        let mut found = Found::new();
        match table {
            Table::Contacts => {
                let all = crate::contacts::query::of_ids(db, scope, None, &ids, false).await?;
                for (contact, companies) in all {
                    for number in companies.account_numbers {
                        self.bills.new.entry(number).or_default().users += 1;
                    }
                    let out = ContactOut::new(&contact, companies.compliance_level);
                    found.insert(contact.id.to_string(), json!(out));
                }
            }
            Table::ContactCompanies => {
                let mut q = db.query(
                    "select l.contact_id, c.account_number from contact_company l \
                     join companies c on c.id = l.company_id where l.contact_id in ",
                );
                q.push_list(ids);
                for (contact, number) in q.all::<(i64, Option<String>)>().await? {
                    let key = format!("{contact}/{}", number.unwrap_or_default());
                    found.insert(key, json!({}));
                }
            }
            Table::Assets => {
                let all = crate::assets::query::of_ids(db, scope, None, &ids, false).await?;
                for (asset, company) in all {
                    let out = AssetOut::new(&asset, level_of(company.as_ref()));
                    if let Some(number) = company.and_then(|company| company.account_number) {
                        let bill = self.bills.new.entry(number).or_default();
                        bill.device(out.backup_data_bytes);
                    }
                    found.insert(asset.id.to_string(), json!(out));
                }
            }
            Table::AssetContacts => {
                let mut q = db.query(
                    "select asset_id, contact_id from asset_contacts where not removed and asset_id in ",
                );
                q.push_list(ids);
                for (asset, contact) in q.all::<(i64, i64)>().await? {
                    found.insert(format!("{asset}/{contact}"), json!({}));
                }
            }
            Table::Locations => {
                for location in crate::locations::query::of_ids(db, scope, &ids).await? {
                    let out = LocationOut::new(&location, level_of(None));
                    found.insert(location.id.to_string(), json!(out));
                }
            }
            Table::Overrides => {
                let mut q = db.query(
                    "select o.id, c.account_number, o.key, o.value, o.enabled from company_overrides o \
                     left join companies c on c.id = o.company_id where o.deleted_at is null and o.id in ",
                );
                q.push_list(ids);
                let all: Vec<OverrideRow> = q.all().await?;
                for (id, number, key, value, enabled) in all {
                    let out = json!({
                        "company_account_number": number,
                        "feature_key": key,
                        "value": value,
                        "override_enabled": enabled.unwrap_or(true),
                    });
                    found.insert(id.to_string(), out);
                }
            }
            Table::Tickets => self.tickets(rows, &mut found).await?,
            Table::Jobs => {
                let keys = rows.iter().map(OldRow::name);
                let mut q = db.query("select id from sync_jobs where id in ");
                q.push_list(keys);
                for id in q.scalars::<String>().await? {
                    found.insert(id, json!({}));
                }
            }
            _ => {}
        }
        Ok(found)
    }

    async fn tickets(&mut self, rows: &[OldRow], found: &mut Found) -> Result<()> {
        let numbers: Vec<i64> = rows.iter().filter_map(ticket_number).collect();
        let all = crate::tickets::query::of_numbers(self.db, &self.scope, &numbers).await?;
        for said in all {
            let number = said.ticket.number;
            let out = TicketDetailOut::shown(said.ticket, said.said.0, &self.statuses);
            if let Some(account) = &out.ticket.company_id {
                let bill = self.bills.new.entry(account.clone()).or_default();
                let changed = crate::times::text(out.ticket.last_updated_at);
                bill.work(&changed, out.ticket.total_hours_spent);
            }
            let mut out = json!(out);
            for list in ["conversations", "notes"] {
                let texts = out.get(list).and_then(Value::as_array);
                let texts = texts_of(texts.into_iter().flatten());
                if let Some(object) = out.as_object_mut() {
                    object.insert(list.to_owned(), texts);
                }
            }
            found.insert(number.to_string(), out);
        }
        Ok(())
    }

    /// Compares a row that is imported with its record.
    fn row(&mut self, table: Table, row: &OldRow, found: &Found, compared: &mut TableComparison) {
        let facts = &self.importer.facts;
        let Some(expected) = expected(table, row, facts) else {
            return;
        };
        self.expected.insert(expected.id);
        let Some((key, mut shape)) = expected.record else {
            return;
        };
        let record = found.get(&key);
        self.bills
            .old_row(table, row, facts, record.unwrap_or(&Value::Null));
        if let Some(hours) = shape.get_mut("total_hours_spent")
            && let Some(number) = hours.as_f64()
        {
            // Minutes are what is kept; bills are compared with the hours as they were.
            *hours = json!((number * 60.0).round() / 60.0);
        }
        compared.compare(&row.name(), &shape, record);
    }
}
