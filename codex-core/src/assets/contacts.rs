//! Who uses a device, as people assigned it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, json};

use super::Asset;
use crate::{
    Error, Result,
    contacts::{Contact, ContactFields},
    ids::{AssetId, ContactId},
    records::{
        Author, Change, ChangeOp, MAX_BINDS, Resource as _, Tracked as _, WriteSummary,
        bump_revision,
        change_log::{self, Entry},
        resolve::MANUAL,
    },
    scope::Scope,
    store::{Db, Tx},
};

sql! {
    /// The live contacts of an asset, by name.
    OF_ASSET = [ContactFields::SELECT, " where deleted_at is null and id in (select l.contact_id \
        from asset_contacts l where l.asset_id = $1 and not l.removed and not exists \
        (select 1 from asset_contacts r where r.asset_id = l.asset_id \
        and r.contact_id = l.contact_id and r.removed)) order by name_fold, id"];
    /// The live assets of a contact, by host name.
    OF_CONTACT = "select a.id from assets a where a.deleted_at is null and a.id in (select l.asset_id \
        from asset_contacts l where l.contact_id = $1 and not l.removed and not exists \
        (select 1 from asset_contacts r where r.asset_id = l.asset_id \
        and r.contact_id = l.contact_id and r.removed)) order by a.hostname_fold, a.id";
}

/// The ids of the assets that a contact uses, by host name.
pub(crate) async fn of_contact(db: &Db, contact: ContactId) -> Result<Vec<i64>> {
    db.query(OF_CONTACT).bind(contact).scalars().await
}

/// The contacts of an asset, by name; none when the caller may not see the asset.
pub async fn of_asset(db: &Db, scope: &Scope, asset: AssetId) -> Result<Vec<Contact>> {
    if super::query::find(db, scope, asset).await?.is_none() {
        return Ok(Vec::new());
    }
    db.query(OF_ASSET).bind(asset).all().await
}

/// The ids of a list, all of which must be live.
///
/// # Errors
/// [`Error::Invalid`] naming the one that is not.
pub(crate) fn known<Id: Copy + Ord + Into<i64>>(
    live: &BTreeSet<i64>,
    ids: &[Id],
    kind: &str,
) -> Result<BTreeSet<Id>> {
    let mut each = ids.iter().map(|id| (*id).into());
    match each.find(|id| !live.contains(id)) {
        Some(id) => Err(Error::invalid(
            format!("{kind}_ids"),
            format!("there is no {kind} {id}"),
        )),
        None => Ok(ids.iter().copied().collect()),
    }
}

/// Makes assets used by just these live contacts, in O(1) statements.
pub(crate) async fn assign(
    tx: &mut Tx,
    author: &Author,
    wanted: &HashMap<AssetId, BTreeSet<ContactId>>,
) -> Result<WriteSummary> {
    let mut summary = WriteSummary::default();
    if wanted.is_empty() {
        return Ok(summary);
    }
    let before = assigned(tx, wanted.keys().copied()).await?;
    let none = BTreeSet::new();
    let (mut changed, mut rows, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for (asset, contacts) in wanted {
        let before = before.get(asset).unwrap_or(&none);
        if before == contacts {
            continue;
        }
        changed.push(*asset);
        rows.extend(contacts.iter().map(|contact| (*asset, *contact)));
        let ids = |set: &BTreeSet<ContactId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
        let change = json!({"before": ids(before), "after": ids(contacts)});
        entries.push(Entry {
            kind: Asset::KIND,
            record_id: asset.0,
            op: ChangeOp::Update,
            changes: Map::from_iter([("contact_ids".to_owned(), change)]),
        });
    }
    if changed.is_empty() {
        return Ok(summary);
    }
    bump_revision::<Asset>(tx, author, changed.iter().map(|id| id.0)).await?;
    let mut q = tx.query("delete from asset_contacts where source = ");
    q.push_bind(MANUAL)
        .push(" and asset_id in ")
        .push_list(changed);
    q.execute().await?;
    for chunk in rows.chunks(2_000) {
        let mut q = tx.query("insert into asset_contacts (asset_id, source, contact_id, removed) ");
        q.push_rows(chunk, |row, (asset, contact)| {
            row.bind(*asset).bind(MANUAL).bind(*contact).bind(false);
        });
        q.execute().await?;
    }
    summary.changes.extend(entries.iter().map(Change::from));
    change_log::append(tx, author, &entries).await?;
    Ok(summary)
}

/// Links contacts to exactly these live assets, in O(1) statements. Other users of the assets stay.
pub(crate) async fn assign_to(
    tx: &mut Tx,
    author: &Author,
    wanted: &HashMap<ContactId, BTreeSet<AssetId>>,
) -> Result<WriteSummary> {
    if wanted.is_empty() {
        return Ok(WriteSummary::default());
    }
    let mut q = tx.query(
        "select l.asset_id, l.contact_id from asset_contacts l join assets a on a.id = l.asset_id \
         and a.deleted_at is null where l.source = ",
    );
    q.push_bind(MANUAL);
    q.push(" and l.contact_id in ")
        .push_list(wanted.keys().copied());
    let mut have: HashMap<ContactId, BTreeSet<AssetId>> = HashMap::new();
    for (asset, contact) in q.all::<(AssetId, ContactId)>().await? {
        have.entry(contact).or_default().insert(asset);
    }
    let none = BTreeSet::new();
    let differing = wanted.iter().flat_map(|(contact, assets)| {
        let have = have.get(contact).unwrap_or(&none);
        let each = have.symmetric_difference(assets);
        each.map(|asset| (*asset, *contact, assets.contains(asset)))
    });
    let differing: Vec<_> = differing.collect();
    let contacts = differing.iter().map(|(_, contact, _)| contact.0);
    bump_revision::<Contact>(tx, author, contacts).await?;
    let mut people = assigned(tx, differing.iter().map(|(asset, ..)| *asset)).await?;
    for (asset, contact, uses) in differing {
        let users = people.entry(asset).or_default();
        if uses {
            users.insert(contact);
        } else {
            users.remove(&contact);
        }
    }
    assign(tx, author, &people).await
}

/// The contacts that people assigned to assets, which nobody else assigns until this is done.
async fn assigned(
    tx: &mut Tx,
    assets: impl Iterator<Item = AssetId>,
) -> Result<HashMap<AssetId, BTreeSet<ContactId>>> {
    let assets: BTreeSet<AssetId> = assets.collect();
    let assets: Vec<AssetId> = assets.into_iter().collect();
    let mut users: HashMap<AssetId, BTreeSet<ContactId>> = HashMap::new();
    for chunk in assets.chunks(MAX_BINDS) {
        let mut q = tx.query("select id from assets where id in ");
        q.push_list(chunk.iter().copied()).push(" order by id");
        q.for_update();
        q.scalars::<AssetId>().await?;
        let mut q = tx.query("select asset_id, contact_id from asset_contacts where source = ");
        q.push_bind(MANUAL).push(" and asset_id in ");
        q.push_list(chunk.iter().copied());
        for (asset, contact) in q.all::<(AssetId, ContactId)>().await? {
            users.entry(asset).or_default().insert(contact);
        }
    }
    Ok(users)
}
