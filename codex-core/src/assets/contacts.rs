//! Who uses a device, as people assigned it.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::Asset;
use crate::{
    Error, Result,
    changes::{
        Author, Change, Outcome, Resource as _, Tracked as _,
        log::{self, Entry, Op},
        resolve::MANUAL,
    },
    contacts::{Contact, ContactFields},
    ids::{AssetId, ContactId},
    scope::Scope,
    store::{Db, Tx},
};

sql! {
    /// The live contacts of an asset, by name.
    OF_ASSET = [ContactFields::SELECT, " where deleted_at is null and id in (select l.contact_id \
        from asset_contacts l where l.asset_id = $1 and not l.removed and not exists \
        (select 1 from asset_contacts r where r.asset_id = l.asset_id \
        and r.contact_id = l.contact_id and r.removed)) order by name_fold, id"];
    /// The contacts that people assigned to an asset.
    ASSIGNED = "select contact_id from asset_contacts where asset_id = $1 and source = $2";
    /// The live assets that people assigned to a contact.
    OF_CONTACT = "select l.asset_id from asset_contacts l join assets a on a.id = l.asset_id \
        and a.deleted_at is null where l.contact_id = $1 and l.source = $2";
    /// Whether the asset is live; read before it is changed.
    LIVE = "select count(*) from assets where id = $1 and deleted_at is null";
    /// Takes back what people assigned.
    CLEAR = "delete from asset_contacts where asset_id = $1 and source = $2";
}

/// The contacts of an asset, by name; none when the caller may not see the asset.
pub async fn of_asset(db: &Db, scope: &Scope, asset: AssetId) -> Result<Vec<Contact>> {
    if super::query::find(db, scope, asset).await?.is_none() {
        return Ok(Vec::new());
    }
    db.query(OF_ASSET).bind(asset).all().await
}

/// Makes `contacts` the people who use an asset; `None` when there is no such live asset.
///
/// # Errors
/// [`Error::Invalid`] naming a contact that is not there; nothing is changed then.
pub(crate) async fn assign(
    tx: &mut Tx,
    author: &Author,
    asset: AssetId,
    contacts: &BTreeSet<ContactId>,
) -> Result<Option<Outcome>> {
    if tx.query(LIVE).bind(asset).scalar::<i64>().await? != Some(1) {
        return Ok(None);
    }
    let before = tx
        .query(ASSIGNED)
        .bind(asset)
        .bind(MANUAL)
        .scalars()
        .await?;
    let before: BTreeSet<ContactId> = before.into_iter().collect();
    if before == *contacts {
        return Ok(Some(Outcome::default()));
    }
    let mut q = tx.query("select id from contacts where deleted_at is null and id in ");
    q.push_list(contacts.iter().copied());
    let known: BTreeSet<ContactId> = q.scalars().await?.into_iter().collect();
    if let Some(unknown) = contacts.difference(&known).next() {
        return Err(Error::invalid(
            "contact_ids",
            format!("there is no contact {}", unknown.0),
        ));
    }
    tx.query(CLEAR).bind(asset).bind(MANUAL).execute().await?;
    if !contacts.is_empty() {
        let mut q = tx.query("insert into asset_contacts (asset_id, source, contact_id, removed) ");
        q.push_rows(contacts, |row, contact| {
            row.bind(asset).bind(MANUAL).bind(*contact).bind(false);
        });
        q.execute().await?;
    }
    let ids = |set: &BTreeSet<ContactId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
    let change = json!({"before": ids(&before), "after": ids(contacts)});
    let entry = Entry {
        kind: Asset::KIND,
        record_id: asset.0,
        op: Op::Update,
        changes: Map::from_iter([("contact_ids".to_owned(), change)]),
    };
    let outcome = Outcome {
        changes: vec![Change::from(&entry)],
        ..Outcome::default()
    };
    log::append(tx, author, &[entry]).await?;
    Ok(Some(outcome))
}

/// Makes a contact use just these assets, beside whoever else uses them.
///
/// # Errors
/// [`Error::Invalid`] naming an asset that is not there.
pub(crate) async fn assign_to(
    tx: &mut Tx,
    author: &Author,
    contact: ContactId,
    wanted: &BTreeSet<AssetId>,
) -> Result<Outcome> {
    let have: Vec<AssetId> = tx
        .query(OF_CONTACT)
        .bind(contact)
        .bind(MANUAL)
        .scalars()
        .await?;
    let have: BTreeSet<AssetId> = have.into_iter().collect();
    let mut outcome = Outcome::default();
    for asset in have.symmetric_difference(wanted) {
        let people = tx
            .query(ASSIGNED)
            .bind(*asset)
            .bind(MANUAL)
            .scalars()
            .await?;
        let mut people: BTreeSet<ContactId> = people.into_iter().collect();
        if wanted.contains(asset) {
            people.insert(contact);
        } else {
            people.remove(&contact);
        }
        let unknown = || Error::invalid("asset_ids", format!("there is no asset {}", asset.0));
        outcome.add(
            assign(tx, author, *asset, &people)
                .await?
                .ok_or_else(unknown)?,
        );
    }
    Ok(outcome)
}
