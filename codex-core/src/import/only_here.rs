//! What the new side has and the Flask service does not: what an import has left there, and what was written since.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{state::Import, tables::Table, verify::SAMPLES};
use crate::{
    Result,
    agents::Agent,
    assets::Asset,
    billing_plans::BillingPlan,
    companies::Company,
    contacts::Contact,
    feature_options::FeatureOption,
    locations::Location,
    overrides::Override,
    psa_agents::PsaAgent,
    records::{Resource, Tracked as _, resolve::IMPORT},
    site_links::SiteLink,
    store::Db,
    tickets::Ticket,
};

sql! {
    /// Companies of contacts, each with whether a sync or a person has made the link or changed the contact since the
    /// import.
    CONTACT_COMPANIES = "select l.contact_id, coalesce(c.account_number, ''), cast(case \
        when exists (select 1 from contact_companies s where s.contact_id = l.contact_id \
            and s.company_id = l.company_id and s.source not in ('import', 'manual')) \
        or not exists (select 1 from claims i where i.kind = 'contact' and i.record_id = l.contact_id \
            and i.source = 'import') \
        or exists (select 1 from change_log g where g.kind = 'contact' and g.record_id = l.contact_id \
            and g.id > $1 and g.actor <> 'source:import') then 1 else 0 end as bigint) \
        from contact_company l join contacts k on k.id = l.contact_id and k.deleted_at is null \
        join companies c on c.id = l.company_id and c.deleted_at is null order by l.contact_id, l.company_id";
    /// The same of users of assets.
    ASSET_CONTACTS = "select l.asset_id, l.contact_id, cast(case when l.source not in ('import', 'manual') \
        or not exists (select 1 from claims i where i.kind = 'asset' and i.record_id = l.asset_id \
            and i.source = 'import') \
        or exists (select 1 from change_log g where ((g.kind = 'asset' and g.record_id = l.asset_id) \
            or (g.kind = 'contact' and g.record_id = l.contact_id)) \
            and g.id > $1 and g.actor <> 'source:import') then 1 else 0 end as bigint) \
        from asset_contacts l join assets a on a.id = l.asset_id and a.deleted_at is null \
        join contacts k on k.id = l.contact_id and k.deleted_at is null \
        where not l.removed order by l.asset_id, l.contact_id";
    /// Jobs with their start.
    JOBS = "select id, started_at from sync_jobs order by started_at, id";
}

/// Records that one side alone has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub samples: Vec<String>,
}

impl Extra {
    fn add(&mut self, key: String) {
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(key);
        }
    }
}

/// What only the new side has of a table.
#[derive(Debug, Default)]
pub(super) struct OnlyHere {
    /// What the import wrote.
    pub left: Extra,
    /// What a sync or a person wrote since.
    pub added: Extra,
}

impl OnlyHere {
    fn add(&mut self, key: String, is_added: bool) {
        if is_added {
            self.added.add(key);
        } else {
            self.left.add(key);
        }
    }
}

/// Finds what only the new side has of a table, where `expected` is what it has of the Flask service: ids of the import's
/// claims, for links and jobs their keys.
pub(super) async fn only_here(
    db: &Db,
    import: &Import,
    table: Table,
    expected: &HashSet<String>,
) -> Result<OnlyHere> {
    match table {
        Table::Companies => records::<Company>(db, table, expected).await,
        Table::Contacts => records::<Contact>(db, table, expected).await,
        // Both tables of sites have been read then.
        Table::FirstSites => records::<SiteLink>(db, table, expected).await,
        Table::Assets => records::<Asset>(db, table, expected).await,
        Table::Locations => records::<Location>(db, table, expected).await,
        Table::Overrides => records::<Override>(db, table, expected).await,
        Table::PsaAgents => records::<PsaAgent>(db, table, expected).await,
        Table::Agents => records::<Agent>(db, table, expected).await,
        Table::Plans => records::<BillingPlan>(db, table, expected).await,
        Table::Options => records::<FeatureOption>(db, table, expected).await,
        Table::Tickets => records::<Ticket>(db, table, expected).await,
        Table::ContactCompanies => {
            let q = db.query(CONTACT_COMPANIES).bind(import.change_id);
            let rows: Vec<(i64, String, i64)> = q.all().await?;
            let links = rows.into_iter();
            Ok(sorted(
                links.map(|(contact, number, new)| (format!("{contact}/{number}"), new == 1)),
                expected,
            ))
        }
        Table::AssetContacts => {
            let q = db.query(ASSET_CONTACTS).bind(import.change_id);
            let rows: Vec<(i64, i64, i64)> = q.all().await?;
            let links = rows.into_iter();
            Ok(sorted(
                links.map(|(asset, contact, new)| (format!("{asset}/{contact}"), new == 1)),
                expected,
            ))
        }
        Table::Jobs => {
            let rows: Vec<(String, DateTime<Utc>)> = db.query(JOBS).all().await?;
            let jobs = rows.into_iter();
            Ok(sorted(
                jobs.map(|(id, started_at)| (id, started_at >= import.started_at)),
                expected,
            ))
        }
        Table::Sites | Table::Features | Table::Labels => Ok(OnlyHere::default()),
    }
}

/// Keys that are not expected, each by whether it was added since.
fn sorted(found: impl Iterator<Item = (String, bool)>, expected: &HashSet<String>) -> OnlyHere {
    let mut only = OnlyHere::default();
    for (key, is_added) in found {
        if !expected.contains(&key) {
            only.add(key, is_added);
        }
    }
    only
}

/// Live records whose claim of the import is not expected, and those without one.
async fn records<R: Resource>(
    db: &Db,
    table: Table,
    expected: &HashSet<String>,
) -> Result<OnlyHere> {
    let mut q = db.query("select r.id, c.external_id from ");
    q.push(R::Fields::TABLE)
        .push(" r left join claims c on c.record_id = r.id and c.kind = ")
        .push_bind(R::KIND)
        .push(" and c.source = ")
        .push_bind(IMPORT)
        .push(" where r.deleted_at is null order by r.id");
    let rows: Vec<(i64, Option<String>)> = q.all().await?;
    // Where ids are kept, a record has that of its row; elsewhere the row is known by its claim.
    let is_id_kept = table.kept_ids().is_some();
    let mut only = OnlyHere::default();
    for (id, claim) in rows {
        match claim {
            None => only.added.add(id.to_string()),
            Some(claim) if expected.contains(&claim) => {}
            Some(_) if is_id_kept => only.left.add(id.to_string()),
            Some(claim) => only.left.add(claim),
        }
    }
    Ok(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexpected_keys_are_left_or_added() {
        let expected = HashSet::from(["1/2".to_owned()]);
        let found = (1..=30).map(|id| (format!("{id}/2"), id > 28));
        let only = sorted(found, &expected);
        assert_eq!((only.left.count, only.added.count), (27, 2));
        assert_eq!(only.left.samples.len(), SAMPLES);
        assert_eq!(only.added.samples, ["29/2", "30/2"]);
    }
}
