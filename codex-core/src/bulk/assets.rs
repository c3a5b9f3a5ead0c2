//! Rows of assets: an id, a device uid or a serial number says which.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::key::{self, Natural};
use crate::{
    Error, Fault, Result,
    assets::{self, Asset, AssetIn, identifiers},
    bulk::{
        BulkAction,
        write::{BulkRecord, Row, Stated, intent},
    },
    companies::{self, COMPANY_ID, COMPANY_NUMBER},
    contacts::Contact,
    ids::{AssetId, ContactId},
    records::{Author, RecordBody as _, Resource as _, WriteSummary, live},
    store::Tx,
};

const DEVICE_UID: &str = "device_uid";
const SERIAL: &str = "serial_number";

/// Assets among which no device means two rows.
#[derive(Debug, Default)]
pub(crate) struct Assets(key::Met);

const NATURALS: [Natural; 2] = [
    Natural {
        field: DEVICE_UID,
        column: DEVICE_UID,
        key: |text| Some(text.trim().to_owned()).filter(|uid| !uid.is_empty()),
    },
    Natural {
        field: SERIAL,
        column: "serial_key",
        key: |text| identifiers::serial_key(text).map(|key| key.to_string()),
    },
];

impl BulkRecord for Assets {
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
        let claimed: Vec<Option<String>> = rows.iter().map(|body| claimed_by(body)).collect();
        let found = key::find::<Asset>(tx, action, rows, &mut self.0, &NATURALS).await?;
        same_company(tx, &claimed, found).await
    }

    async fn read(
        &mut self,
        tx: &mut Tx,
        rows: Vec<Row>,
    ) -> Result<Vec<Result<Stated<Self::Links>>>> {
        let stated: Vec<_> = rows
            .into_iter()
            .map(|(body, id)| (AssetIn::read(body, intent(id)), id))
            .collect();
        let sound = || stated.iter().filter_map(|(row, _)| row.as_ref().ok());
        let uids = sound().filter_map(uid);
        let mut holders = holders(tx, uids.collect()).await?;
        let numbers = sound().filter_map(|row| row.company_account_number.value());
        let held = companies::rules::holders(tx, numbers.map(String::as_str), false).await?;
        let named = sound().flat_map(|row| row.contact_ids.value().into_iter().flatten());
        let live = live::<Contact>(tx, named.copied()).await?;
        let read = |(row, id): (Result<AssetIn>, Option<i64>)| {
            let mut row = row?;
            if let Some(uid) = uid(&row) {
                let is_new = !holders.contains_key(uid);
                let holder = *holders.entry(uid.to_owned()).or_insert(id);
                if !is_new && (id.is_none() || holder != id) {
                    let holder = holder.map_or("another row".into(), |id| format!("asset {id}"));
                    let message = format!("{holder} has the device uid {uid} already");
                    return Err(Error::conflict(message));
                }
            }
            let company = std::mem::take(&mut row.company_account_number);
            let people = std::mem::take(&mut row.contact_ids);
            let mut fields = row.stated()?;
            if !company.is_absent() {
                let id = company.value().map(|number| {
                    let message = || format!("there is no company {number}");
                    let unknown = || Error::invalid(COMPANY_NUMBER, message());
                    held.get(number).ok_or_else(unknown)
                });
                fields.insert(COMPANY_ID.into(), json!(id.transpose()?));
            }
            let people = people.value().map(|ids| {
                let ids: Vec<ContactId> = ids.iter().copied().map(ContactId).collect();
                assets::contacts::known(&live, &ids, "contact")
            });
            Ok((fields, people.transpose()?))
        };
        Ok(stated.into_iter().map(read).collect())
    }

    async fn link(
        tx: &mut Tx,
        author: &Author,
        links: HashMap<i64, Self::Links>,
    ) -> Result<WriteSummary> {
        let people = links
            .into_iter()
            .filter_map(|(id, people)| Some((AssetId(id), people?)));
        assets::contacts::assign(tx, author, &people.collect()).await
    }
}

/// The company of a row that names its device by nothing but a serial number.
fn claimed_by(body: &Map<String, Value>) -> Option<String> {
    let is_stated = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    let by_serial = !is_stated(key::ID) && !is_stated(DEVICE_UID) && is_stated(SERIAL);
    let company = body.get(COMPANY_NUMBER)?.as_str()?;
    by_serial.then(|| company.to_owned())
}

/// Refuses rows whose serial number is that of another company's device: a serial number alone moves none.
async fn same_company(
    tx: &mut Tx,
    claimed: &[Option<String>],
    found: Vec<Result<Option<i64>, Fault>>,
) -> Result<Vec<Result<Option<i64>, Fault>>> {
    let rows = claimed.iter().zip(&found);
    let meant = rows.filter(|(company, _)| company.is_some());
    let meant: Vec<i64> = meant
        .filter_map(|(_, found)| found.as_ref().ok().copied().flatten())
        .collect();
    if meant.is_empty() {
        return Ok(found);
    }
    let numbers = claimed.iter().flatten().map(String::as_str);
    let held = companies::rules::holders(tx, numbers, false).await?;
    let mut q =
        tx.query("select id, company_id from assets where company_id is not null and id in ");
    q.push_list(meant);
    let owners: HashMap<i64, i64> = q.all::<(i64, i64)>().await?.into_iter().collect();
    let checked = claimed.iter().zip(found).map(|(company, found)| {
        let (Some(company), Ok(Some(id))) = (company, &found) else {
            return found;
        };
        match (owners.get(id), held.get(company)) {
            (Some(owner), Some(holder)) if owner != holder => {
                let detail = format!("belongs to asset {id} of another company: say which by `id`");
                Err(Fault::at(SERIAL, detail))
            }
            _ => found,
        }
    });
    Ok(checked.collect())
}

fn uid(row: &AssetIn) -> Option<&str> {
    row.device_uid.value().map(String::as_str)
}

/// The live assets that have device uids; `None` would be another row.
async fn holders(tx: &mut Tx, uids: Vec<&str>) -> Result<HashMap<String, Option<i64>>> {
    if uids.is_empty() {
        return Ok(HashMap::new());
    }
    // Two at once would both find nobody.
    tx.advisory_lock(Asset::KIND).await?;
    let mut q =
        tx.query("select device_uid, id from assets where deleted_at is null and device_uid in ");
    q.push_list(uids).push(" order by id");
    Ok(q.all::<(String, Option<i64>)>()
        .await?
        .into_iter()
        .collect())
}
