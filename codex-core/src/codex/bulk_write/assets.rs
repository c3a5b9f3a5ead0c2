//! Rows of assets: an id, a device uid or a serial number says which.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Row, Rows, Stated,
    key::{self, Natural},
};
use crate::{
    Error, Fault, Result,
    assets::{self, Asset, wire},
    bulk::BulkAction,
    changes::{Author, Outcome, Resource as _, live},
    companies,
    contacts::Contact,
    ids::{AssetId, ContactId},
    store::Tx,
};

const DEVICE_UID: &str = "device_uid";

/// Assets among which no device means two rows.
#[derive(Debug, Default)]
pub(crate) struct Assets(key::Met);

const fn exact(name: &'static str) -> Natural {
    Natural {
        field: name,
        column: name,
        folded: false,
    }
}

impl Rows for Assets {
    type Record = Asset;
    /// The people who use it; `None` leaves them as they are.
    type Links = Option<BTreeSet<ContactId>>;
    const KEY: &'static str = key::ID;
    const UNIQUE: &'static str = DEVICE_UID;

    async fn find(
        &mut self,
        tx: &mut Tx,
        action: BulkAction,
        rows: &mut [&mut Map<String, Value>],
    ) -> Result<Vec<Result<Option<i64>, Fault>>> {
        const NATURALS: [Natural; 2] = [exact(DEVICE_UID), exact("serial_number")];
        key::find::<Asset>(tx, action, rows, &mut self.0, &NATURALS).await
    }

    async fn read(
        &mut self,
        tx: &mut Tx,
        rows: Vec<Row>,
    ) -> Result<Vec<Result<Stated<Self::Links>>>> {
        let stated: Vec<_> = rows
            .into_iter()
            .map(|(body, id)| (wire::stated(body, id.is_none()), id))
            .collect();
        let sound = || stated.iter().filter_map(|(row, _)| row.as_ref().ok());
        let uids = sound().filter_map(|row| uid(&row.fields));
        let mut holders = holders(tx, uids.collect()).await?;
        let numbers = sound().filter_map(|row| row.company.as_ref()?.as_deref());
        let held = companies::rules::holders(tx, numbers, false).await?;
        let named = sound().flat_map(|row| row.contacts.iter().flatten());
        let live = live::<Contact>(tx, named.map(|id| id.0)).await?;
        let read = |(row, id): (Result<wire::Stated>, Option<i64>)| {
            let mut row = row?;
            if let Some(uid) = uid(&row.fields) {
                let is_new = !holders.contains_key(uid);
                let holder = *holders.entry(uid.to_owned()).or_insert(id);
                if !is_new && (id.is_none() || holder != id) {
                    let holder = holder.map_or("another row".into(), |id| format!("asset {id}"));
                    let message = format!("{holder} has the device uid {uid} already");
                    return Err(Error::conflict(message));
                }
            }
            if let Some(number) = row.company {
                let id = number.as_deref().map(|number| {
                    let message = || format!("there is no company {number}");
                    let unknown = || Error::invalid("company_account_number", message());
                    held.get(number).ok_or_else(unknown)
                });
                row.fields
                    .insert("company_id".into(), json!(id.transpose()?));
            }
            let people = row.contacts.as_deref();
            let people = people.map(|ids| assets::contacts::known(&live, ids, "contact"));
            Ok((row.fields, people.transpose()?))
        };
        Ok(stated.into_iter().map(read).collect())
    }

    async fn link(
        tx: &mut Tx,
        author: &Author,
        links: HashMap<i64, Self::Links>,
    ) -> Result<Outcome> {
        let people = links
            .into_iter()
            .filter_map(|(id, people)| Some((AssetId(id), people?)));
        assets::contacts::assign(tx, author, &people.collect()).await
    }
}

fn uid(fields: &Map<String, Value>) -> Option<&str> {
    fields.get(DEVICE_UID)?.as_str()
}

/// The live assets that have device uids; `None` would be another row.
async fn holders(tx: &mut Tx, uids: Vec<&str>) -> Result<HashMap<String, Option<i64>>> {
    if uids.is_empty() {
        return Ok(HashMap::new());
    }
    // Two at once would both find nobody.
    tx.take_turn(Asset::KIND).await?;
    let mut q =
        tx.query("select device_uid, id from assets where deleted_at is null and device_uid in ");
    q.push_list(uids).push(" order by id");
    Ok(q.all::<(String, Option<i64>)>()
        .await?
        .into_iter()
        .collect())
}
