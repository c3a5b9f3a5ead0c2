//! What rows refer to. It is read once, before the first table, so that orphaned rows can be recognized.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono_tz::Tz;

use super::{source::Source, tables::Table};
use crate::{
    Result,
    billing_plans::term,
    companies::rules::number_key,
    store::snapshot::Key,
    sync::{DEFAULT_PSA, DEFAULT_RMM},
    tickets::status::Statuses,
};

/// Values that several rows share, with the number of the row that counts.
pub(super) type Repeated = HashMap<String, i64>;

/// What rows refer to, and what several of them share.
#[derive(Debug)]
pub(super) struct Facts {
    /// The zone of the old server's clock.
    pub zone: Option<Tz>,
    /// The PSA of rows that name none.
    pub psa: &'static str,
    /// The RMM of rows that name none.
    pub rmm: &'static str,
    /// What statuses are called.
    pub statuses: Statuses,
    /// Names of the user-defined fields that are secret.
    pub secret: Vec<String>,
    /// The import's id of each company, by account number.
    pub companies: HashMap<String, String>,
    /// How the account number of each company is spelled, blanks included; of several the first counts.
    pub spelled: HashMap<String, String>,
    /// Companies of ours by account number.
    pub rows: HashMap<String, i64>,
    pub contacts: HashSet<i64>,
    pub assets: HashSet<i64>,
    /// The PSA's ids of contacts that several rows have.
    pub contact_ids: Repeated,
    /// Company and host name that several assets have.
    pub hosts: Repeated,
    pub tickets: Repeated,
    pub overrides: Repeated,
    pub psa_agents: Repeated,
    pub options: Repeated,
    pub sites: Repeated,
    pub first_sites: Repeated,
    /// Sites that the second generation's table has.
    pub known_sites: HashSet<String>,
    /// Plans that are imported, by id.
    pub plans: HashSet<i64>,
    /// All plans.
    pub all_plans: HashSet<i64>,
    /// What plans contain, by id.
    pub features: HashMap<i64, BTreeMap<String, String>>,
}

/// An account number as it is compared.
pub(super) fn number(text: &str) -> String {
    text.trim().to_owned()
}

impl Facts {
    /// Reads them.
    pub async fn load(
        source: &mut Source,
        zone: Option<Tz>,
        statuses: Statuses,
        secret: Vec<String>,
    ) -> Result<Self> {
        let mut facts = Self {
            zone,
            psa: DEFAULT_PSA,
            rmm: DEFAULT_RMM,
            statuses,
            secret,
            companies: HashMap::new(),
            spelled: HashMap::new(),
            rows: HashMap::new(),
            contacts: ids(source, "contacts").await?,
            assets: ids(source, "assets").await?,
            contact_ids: Repeated::new(),
            hosts: Repeated::new(),
            tickets: Repeated::new(),
            overrides: Repeated::new(),
            psa_agents: Repeated::new(),
            options: Repeated::new(),
            sites: Repeated::new(),
            first_sites: Repeated::new(),
            known_sites: HashSet::new(),
            plans: HashSet::new(),
            all_plans: HashSet::new(),
            features: HashMap::new(),
        };
        facts.load_companies(source).await?;
        facts.load_repeated(source).await?;
        facts.load_plans(source).await?;
        let uids = source
            .distinct("rmm_site_links", &[&["rmm_site_uid"]])
            .await?;
        facts.known_sites = uids.into_iter().flatten().flatten().collect();
        Ok(facts)
    }

    /// The import's id of each company: the PSA's where it has one of its own, else its number.
    async fn load_companies(&mut self, source: &mut Source) -> Result<()> {
        let table = Table::Companies.reading(&source.layout);
        let mut taken = HashSet::new();
        let mut after: Option<Vec<Key>> = None;
        loop {
            let rows = source.page(&table, after.as_deref()).await?;
            for row in &rows {
                let raw = row.get("account_number").unwrap_or_default();
                let own = number(raw);
                if self.companies.contains_key(&own) {
                    continue;
                }
                let id = row.get("external_id").map(|id| id.trim().to_owned());
                let id = id.filter(|id| id.parse::<i64>().is_ok() && taken.insert(id.clone()));
                let id = id.unwrap_or_else(|| number_key(&own));
                self.spelled.insert(own.clone(), raw.to_owned());
                self.companies.insert(own, id);
            }
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
        }
        Ok(())
    }

    async fn load_repeated(&mut self, source: &mut Source) -> Result<()> {
        let of = |rows: Vec<(String, i64)>| rows.into_iter().collect::<Repeated>();
        // The first generation's column is the requester's id wherever it is there.
        let requester: &[&str] = if source.layout.has("contacts", "freshservice_id") {
            &["freshservice_id"]
        } else {
            &["external_id"]
        };
        self.contact_ids = of(source.repeated("contacts", &[requester], "id").await?);
        let host: &[&[&str]] = &[&["company_account_number"], &["hostname"]];
        self.hosts = of(source.repeated("assets", host, "id").await?);
        let key = if source.layout.has("ticket_details", "ticket_id") {
            "ticket_id"
        } else {
            "id"
        };
        let ticket: &[&[&str]] = &[&["external_id", "ticket_id"]];
        self.tickets = of(source.repeated("ticket_details", ticket, key).await?);
        let agreed: &[&[&str]] = &[&["company_account_number"], &["feature_key"]];
        self.overrides = of(source
            .repeated("company_feature_overrides", agreed, "id")
            .await?);
        let agent: &[&[&str]] = &[&["external_source"], &["external_id"]];
        self.psa_agents = of(source.repeated("psa_agents", agent, "id").await?);
        let option: &[&[&str]] = &[&["feature_category", "feature_type"], &["option_value"]];
        self.options = of(source.repeated("feature_options", option, "id").await?);
        let site: &[&[&str]] = &[&["rmm_site_uid"]];
        self.sites = of(source.repeated("rmm_site_links", site, "id").await?);
        let site: &[&[&str]] = &[&["datto_site_uid"]];
        self.first_sites = of(source.repeated("datto_site_links", site, "id").await?);
        Ok(())
    }

    /// Of plans that differ in the spelling of their term only, the one with the usual spelling counts: modules ask for
    /// it by that.
    async fn load_plans(&mut self, source: &mut Source) -> Result<()> {
        let table = Table::Plans.reading(&source.layout);
        let mut chosen: HashMap<(String, String), (bool, i64)> = HashMap::new();
        let mut after: Option<Vec<Key>> = None;
        loop {
            let rows = source.page(&table, after.as_deref()).await?;
            for row in &rows {
                let Some(Key::Int(id)) = row.key.first() else {
                    continue;
                };
                self.all_plans.insert(*id);
                let name = row.get("plan_name").unwrap_or_default().trim().to_owned();
                let spelled = row.get("term_length").unwrap_or_default();
                let is_usual = term(spelled) == spelled;
                let other = chosen
                    .entry((name, term(spelled)))
                    .or_insert((is_usual, *id));
                if is_usual && !other.0 {
                    *other = (true, *id);
                }
            }
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
        }
        self.plans = chosen.into_values().map(|(_, id)| id).collect();
        let table = Table::Features.reading(&source.layout);
        let mut after: Option<Vec<Key>> = None;
        loop {
            let rows = source.page(&table, after.as_deref()).await?;
            for row in &rows {
                let plan = row.get("plan_id").and_then(|id| id.trim().parse().ok());
                if let (Some(plan), Some(kind), Some(value)) =
                    (plan, row.get("feature_type"), row.get("feature_value"))
                {
                    let features = self.features.entry(plan).or_default();
                    features.insert(kind.to_owned(), value.to_owned());
                }
            }
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
        }
        Ok(())
    }

    /// The import's id of the company with a number; `None` when there is none.
    pub fn company(&self, number: &str) -> Option<&str> {
        self.companies.get(number.trim()).map(String::as_str)
    }

    /// The company of ours with a number.
    pub fn row(&self, number: &str) -> Option<i64> {
        self.rows.get(number.trim()).copied()
    }
}

async fn ids(source: &mut Source, table: &'static str) -> Result<HashSet<i64>> {
    let rows = source.distinct(table, &[&["id"]]).await?;
    let ids = rows.into_iter().flatten().flatten();
    Ok(ids.filter_map(|id| id.parse().ok()).collect())
}
