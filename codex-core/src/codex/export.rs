//! Everything of one kind, as lines of JSON or as a table.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Codex,
    download::{Download, Sink},
};
use crate::{
    Error, Result, Scope,
    agents::wire::AgentOut,
    assets::wire::AssetOut,
    billing_plans::wire::BillingPlanOut,
    companies::{self, wire::seen_by},
    contacts::wire::ContactOut,
    feature_options::wire::FeatureOptionOut,
    ids::{CompanyId, ContactId},
    locations::wire::LocationOut,
    overrides::wire::OverrideOut,
    paging::{MAX_LIMIT, PageRequest},
    psa_agents::wire::PsaAgentOut,
    tickets::{
        query::{Said, TicketFilter},
        wire::TicketDetailOut,
    },
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
    /// A line of names, then a line a record; lists and objects are JSON inside their field.
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

#[derive(Serialize)]
struct OfCompany<'c> {
    company_account_number: Option<&'c String>,
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
        self.download(async move |codex, sink| {
            let mut rows = Rows {
                sink,
                format,
                names: Vec::new(),
            };
            codex.write_all(&scope, resource, &mut rows).await?;
            Ok(rows.sink)
        })
        .await
    }

    async fn write_all(&self, scope: &Scope, resource: &str, rows: &mut Rows) -> Result<()> {
        match resource {
            "companies" => {
                for company in companies::query::all(&self.0.db, scope).await? {
                    let mut record = json!(seen_by(&company, scope));
                    // Lists have the companies with a number only, and a text for each.
                    record["account_number"] = json!(company.fields.account_number);
                    rows.write(&record).await?;
                }
            }
            "contacts" => self.write_contacts(scope, rows).await?,
            "assets" => {
                let numbers = self.numbers(scope).await?;
                let mut page = first_page();
                loop {
                    let found = self.assets(scope, None, &page).await?;
                    for (asset, level) in &found.items {
                        let company = asset.fields.company_id.and_then(|id| numbers.get(&id));
                        let place = OfCompany {
                            company_account_number: company,
                        };
                        rows.write(&Of {
                            record: AssetOut::new(asset, level),
                            place,
                        })
                        .await?;
                    }
                    page.cursor = found.next;
                    if page.cursor.is_none() {
                        break;
                    }
                }
            }
            "locations" => {
                for company in companies::query::all(&self.0.db, scope).await? {
                    for location in self.company_locations(scope, company.id).await? {
                        let record = LocationOut::new(&location, company.compliance_level());
                        let number = company.fields.account_number.as_ref();
                        let place = OfCompany {
                            company_account_number: number,
                        };
                        rows.write(&Of { record, place }).await?;
                    }
                }
            }
            "tickets" => {
                let statuses = self.ticket_statuses().await?;
                let mut pages = self.tickets_ahead(scope.clone(), TicketFilter::default());
                while let Some(page) = pages.next().await? {
                    for Said { ticket, said } in page {
                        rows.write(&TicketDetailOut::shown(ticket, said.0, &statuses))
                            .await?;
                    }
                }
            }
            "agents" => {
                let synced = self.agents_synced_at().await?;
                for agent in self.agents(scope).await? {
                    rows.write(&AgentOut::new(&agent, synced)).await?;
                }
            }
            "psa-agents" => {
                for agent in self.psa_agents(scope, None).await? {
                    rows.write(&PsaAgentOut::from(&agent)).await?;
                }
            }
            "billing-plans" => {
                for plan in self.billing_plans(scope).await? {
                    rows.write(&BillingPlanOut::from(&plan)).await?;
                }
            }
            "feature-options" => {
                for option in self.feature_options(scope, None).await? {
                    rows.write(&FeatureOptionOut::from(&option)).await?;
                }
            }
            _ => {
                let numbers = self.numbers(scope).await?;
                for row in self.all_overrides(scope).await? {
                    let company = row.fields.company_id.and_then(|id| numbers.get(&id));
                    let place = OfCompany {
                        company_account_number: company,
                    };
                    rows.write(&Of {
                        record: OverrideOut::from(&row),
                        place,
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }

    async fn write_contacts(&self, scope: &Scope, rows: &mut Rows) -> Result<()> {
        let numbers = self.numbers(scope).await?;
        let mut page = first_page();
        loop {
            let found = self.contacts(scope, None, &page).await?;
            let ids: Vec<ContactId> = found.items.iter().map(|(contact, _)| contact.id).collect();
            let companies = crate::contacts::query::companies_of(&self.0.db, &ids).await?;
            for (contact, level) in &found.items {
                let own = companies
                    .get(&contact.id)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let place = OfCompanies {
                    company_account_numbers: own.iter().filter_map(|id| numbers.get(id)).collect(),
                };
                rows.write(&Of {
                    record: ContactOut::new(contact, level),
                    place,
                })
                .await?;
            }
            page.cursor = found.next;
            if page.cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Account numbers of the companies that the caller sees.
    async fn numbers(&self, scope: &Scope) -> Result<HashMap<CompanyId, String>> {
        let companies = self.companies(scope).await?.into_iter();
        Ok(companies
            .filter_map(|company| Some((company.id, company.fields.account_number?)))
            .collect())
    }
}

fn first_page() -> PageRequest {
    PageRequest {
        limit: Some(MAX_LIMIT),
        ..PageRequest::default()
    }
}

/// Writes records in a format.
struct Rows {
    sink: Sink,
    format: ExportFormat,
    /// Names of the table, from its first record on.
    names: Vec<String>,
}

impl Rows {
    async fn write(&mut self, record: &impl Serialize) -> Result<()> {
        match self.format {
            ExportFormat::Ndjson => {
                self.sink.json(record)?;
                self.sink.text("\n");
            }
            ExportFormat::Csv => self.line(record)?,
        }
        self.sink.flow().await
    }

    fn line(&mut self, record: &impl Serialize) -> Result<()> {
        let record = serde_json::to_value(record).unwrap_or_default();
        let Value::Object(record) = record else {
            return Ok(());
        };
        let mut lines = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Error::Sync {
            message: format!("a line could not be written: {error}"),
        };
        if self.names.is_empty() {
            self.names = record.keys().cloned().collect();
            lines.write_record(&self.names).map_err(failed)?;
        }
        let fields = self.names.iter().map(|name| match record.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        lines.write_record(fields).map_err(failed)?;
        let text = lines.into_inner().unwrap_or_default();
        self.sink.text(&String::from_utf8_lossy(&text));
        Ok(())
    }
}
