//! What holds for assets: whose they are, and what is written beside them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Map;

use super::{Asset, AssetFields, AssetStatus, dependents, identifiers};
use crate::{
    Access, RecordKind, Result,
    companies::COMPANY_ID,
    fold::SearchKey,
    ids::CompanyId,
    mac,
    records::{
        ChangeOp, Draft, Resource, SearchDef, SourceRecord, WrittenPage,
        change_log::{self, Entry},
        match_manual_records_by, reserve_ids, search_index,
    },
    store::{Sql, Tx},
    tags,
};

impl Resource for Asset {
    const RECORD_KIND: RecordKind = RecordKind::Asset;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[
        super::audit::query::STATEMENTS,
        super::contacts::STATEMENTS,
        super::dependents::STATEMENTS,
        super::query::STATEMENTS,
        super::secrets::STATEMENTS,
    ];
    const READ_BY: Access = Access::Everyone;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("assets");
    const UNIQUE: &'static [&'static str] = &["device_uid"];
    type Fields = AssetFields;
    type Status = AssetStatus;

    fn search_text(fields: &AssetFields) -> String {
        search_index::text([
            fields.hostname.as_deref(),
            fields.description.as_deref(),
            fields.site_name.as_deref(),
            fields.serial_number.as_deref(),
            fields.mac_address.as_deref(),
            fields.mac_address.as_deref().and_then(mac::bare).as_deref(),
            fields.int_ip_address.as_deref(),
        ])
    }

    fn keys(fields: &mut AssetFields) {
        fields.hostname_fold = fields
            .hostname
            .as_deref()
            .map(SearchKey::new)
            .unwrap_or_default();
        let serial = fields.serial_number.as_deref();
        fields.serial_key = serial.and_then(identifiers::serial_key);
        let address = fields.mac_address.as_deref();
        fields.mac_key = address.and_then(identifiers::mac_key);
    }

    /// By the uid and the device's ids in its links, then by the host name in the company of its site.
    async fn import_keys(
        tx: &mut Tx,
        _source: &'static str,
        new: &[&SourceRecord<Self>],
    ) -> Result<HashMap<String, Vec<String>>> {
        let text = |item: &SourceRecord<Self>, field: &str| -> Option<String> {
            Some(item.fields.get(field)?.as_str()?.to_owned())
        };
        let sites: BTreeSet<String> = new
            .iter()
            .filter_map(|item| text(item, "site_uid"))
            .collect();
        let companies = companies_of_sites(tx, sites).await?;
        let keys = new.iter().map(|item| {
            let mut keys = identifiers::device_keys([
                Some(item.external_id.clone()),
                text(item, "portal_url"),
                text(item, "web_remote_url"),
            ]);
            let company = text(item, "site_uid").and_then(|site| companies.get(&site).copied()?);
            let host = text(item, "hostname");
            if let (Some(company), Some(host)) = (company, host) {
                keys.extend(identifiers::host_key(company, &host));
            }
            (item.external_id.clone(), keys)
        });
        Ok(keys.collect())
    }

    async fn match_manual_records(
        tx: &mut Tx,
        _source: &'static str,
        new: &[&SourceRecord<Self>],
        issues: &mut Vec<String>,
    ) -> Result<HashMap<String, i64>> {
        let columns = ("select r.id, r.device_uid from assets r", "r.device_uid");
        match_manual_records_by(tx, new, "device_uid", columns, false, issues).await
    }

    async fn move_dependents(tx: &mut Tx, from: i64, to: i64) -> Result<()> {
        tags::links::copy_tags(tx, Self::KIND, from, to).await?;
        dependents::move_dependents(tx, from, to).await
    }

    /// The company is the one of the device's site, unless a person said otherwise. An imported device has the company
    /// that it had until its site has one.
    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        _issues: &mut Vec<String>,
    ) -> Result<()> {
        let sites: BTreeSet<String> = drafts
            .iter()
            .filter_map(|draft| draft.fields.site_uid.clone())
            .collect();
        let links = companies_of_sites(tx, sites).await?;
        for draft in drafts
            .iter_mut()
            .filter(|draft| !draft.is_manual(COMPANY_ID))
        {
            let site = draft.fields.site_uid.as_deref();
            let company = site.and_then(|uid| links.get(uid).copied().flatten());
            draft.fields.company_id = company.or(draft.fields.company_id);
        }
        Ok(())
    }

    async fn after_write(tx: &mut Tx, page: &WrittenPage<'_, Self>) -> Result<()> {
        write_status(tx, page).await?;
        write_secrets(tx, page).await
    }
}

/// The companies of sites by uid; a site without one is there with none.
async fn companies_of_sites(
    tx: &mut Tx,
    sites: BTreeSet<String>,
) -> Result<HashMap<String, Option<CompanyId>>> {
    if sites.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = tx.query(
        "select site_uid, company_id from site_links where deleted_at is null and site_uid in ",
    );
    q.push_list(sites);
    let links = q.all::<(String, Option<CompanyId>)>().await?;
    Ok(links.into_iter().collect())
}

/// Writes the status of every item of the page, in one statement that skips what did not move.
async fn write_status(tx: &mut Tx, page: &WrittenPage<'_, Asset>) -> Result<()> {
    let moved: Vec<(i64, &AssetStatus)> = page
        .items
        .iter()
        .filter_map(|(id, item)| item.status.as_ref().map(|status| (*id, status)))
        .collect();
    if moved.is_empty() {
        return Ok(());
    }
    let mut q = tx.query(
        "insert into asset_status (asset_id, online, last_seen, last_reboot, last_audit_date, \
         last_logged_in_user, ext_ip_address, patch_status, patches_installed, \
         patches_approved_pending, patches_not_approved, reboot_required) ",
    );
    // Two devices can stand for one record (a uid that came back).
    q.push_upsert_rows(
        moved,
        |(id, _)| *id,
        |row, (id, status)| {
            row.bind(id)
                .bind(status.online)
                .bind(status.last_seen)
                .bind(status.last_reboot);
            row.bind(status.last_audit_date)
                .bind_text(status.last_logged_in_user.as_deref());
            row.bind_text(status.ext_ip_address.as_deref())
                .bind_text(status.patch_status.as_deref());
            row.bind(status.patches_installed)
                .bind(status.patches_approved_pending);
            row.bind(status.patches_not_approved)
                .bind(status.reboot_required);
        },
    );
    q.push(
        " on conflict (asset_id) do update set online = excluded.online, \
         last_seen = excluded.last_seen, last_reboot = excluded.last_reboot, \
         last_audit_date = excluded.last_audit_date, \
         last_logged_in_user = excluded.last_logged_in_user, \
         ext_ip_address = excluded.ext_ip_address, patch_status = excluded.patch_status, \
         patches_installed = excluded.patches_installed, \
         patches_approved_pending = excluded.patches_approved_pending, \
         patches_not_approved = excluded.patches_not_approved, \
         reboot_required = excluded.reboot_required \
         where (asset_status.online, asset_status.last_seen, asset_status.last_reboot, \
         asset_status.last_audit_date, asset_status.last_logged_in_user, asset_status.ext_ip_address, \
         asset_status.patch_status, asset_status.patches_installed, \
         asset_status.patches_approved_pending, asset_status.patches_not_approved, \
         asset_status.reboot_required) is distinct from \
         (excluded.online, excluded.last_seen, excluded.last_reboot, excluded.last_audit_date, \
         excluded.last_logged_in_user, excluded.ext_ip_address, excluded.patch_status, \
         excluded.patches_installed, excluded.patches_approved_pending, \
         excluded.patches_not_approved, excluded.reboot_required)",
    );
    q.execute().await?;
    Ok(())
}

/// Writes secret values that differ; the log says that they changed and nothing else.
async fn write_secrets(tx: &mut Tx, page: &WrittenPage<'_, Asset>) -> Result<()> {
    let stated: HashMap<(i64, &str), Option<&str>> = page
        .items
        .iter()
        .flat_map(|(id, item)| {
            item.secrets
                .iter()
                .map(|(name, value)| ((*id, name.as_str()), value.as_deref()))
        })
        .collect();
    if stated.is_empty() {
        return Ok(());
    }
    let owners: BTreeSet<i64> = stated.keys().map(|(id, _)| *id).collect();
    let mut q = tx.query("select asset_id, name, value from asset_secrets where asset_id in ");
    q.push_list(owners);
    let present = q.all::<(i64, String, String)>().await?;
    let present: HashMap<(i64, &str), &str> = present
        .iter()
        .map(|(id, name, value)| ((*id, name.as_str()), value.as_str()))
        .collect();
    let mut differ: Vec<_> = stated
        .into_iter()
        .filter(|(key, value)| present.get(key).copied() != *value)
        .collect();
    differ.sort_unstable_by_key(|(key, _)| *key);

    let (set, cleared): (Vec<_>, Vec<_>) = differ.iter().partition(|(_, value)| value.is_some());
    if !cleared.is_empty() {
        let mut q = tx.query("delete from asset_secrets where (asset_id, name) in (");
        q.push_rows(cleared, |row, ((id, name), _)| {
            row.bind(id).bind(name);
        });
        q.push(")");
        q.execute().await?;
    }
    if !set.is_empty() {
        let mut q = tx.query("insert into asset_secrets (asset_id, name, value) ");
        q.push_upsert_rows(
            set,
            |(key, _)| *key,
            |row, ((id, name), value)| {
                row.bind(id).bind(name).bind_text(value);
            },
        );
        q.push(" on conflict (asset_id, name) do update set value = excluded.value");
        q.execute().await?;
    }
    // A new device's secrets came with it; the create entry is enough.
    let new: BTreeSet<i64> = page
        .written
        .iter()
        .filter(|draft| draft.before.is_none())
        .map(|draft| draft.id)
        .collect();
    let entries: Vec<Entry> = differ
        .iter()
        .filter(|((id, _), _)| !new.contains(id))
        .map(|((id, name), _)| Entry {
            kind: Asset::KIND,
            record_id: *id,
            op: ChangeOp::Update,
            changes: Map::from_iter([((*name).to_owned(), "changed".into())]),
        })
        .collect();
    change_log::append(tx, page.author, &entries).await
}
