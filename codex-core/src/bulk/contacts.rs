//! Rows of contacts: an id or an e-mail address says who.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::key::{self, Natural};
use crate::{
    Fault, Result,
    assets::{self, Asset},
    bulk::{
        BulkAction,
        write::{BulkRecord, Row, Stated},
    },
    companies,
    contacts::{self, Contact, ContactIn, wire},
    fold::IdentityKey,
    ids::{AssetId, CompanyId, ContactId},
    records::{Author, RecordBody as _, WriteSummary, live},
    store::Tx,
};

/// Contacts among which no address means two rows.
#[derive(Debug, Default)]
pub(crate) struct Contacts(key::Met);

const EMAIL: Natural = Natural {
    field: "email",
    column: "email_key",
    key: |text| IdentityKey::of(text).map(|key| key.to_string()),
};

/// The companies of a contact, and the assets that it uses; `None` leaves them as they are.
pub(crate) type Links = (Option<BTreeSet<CompanyId>>, Option<BTreeSet<AssetId>>);

impl BulkRecord for Contacts {
    type Record = Contact;
    type Links = Links;
    const KEY: &'static str = key::ID;

    async fn find(
        &mut self,
        tx: &mut Tx,
        action: BulkAction,
        rows: &mut [&mut Map<String, Value>],
    ) -> Result<Vec<Result<Option<i64>, Fault>>> {
        key::find::<Contact>(tx, action, rows, &mut self.0, &[EMAIL]).await
    }

    async fn read(&mut self, tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Result<Stated<Links>>>> {
        let ids = rows.iter().filter_map(|(_, id)| id.map(ContactId));
        let before = contacts::rules::fields_of(tx, ids).await?;
        let stated: Vec<_> = rows
            .into_iter()
            .map(|(body, id)| {
                let old = id.map(|id| before.get(&ContactId(id)).cloned().unwrap_or_default());
                wire::read(body, old.as_ref())
            })
            .collect();
        let sound = || stated.iter().filter_map(|row| row.as_ref().ok());
        let numbers =
            sound().flat_map(|row| row.company_account_numbers.value().into_iter().flatten());
        let held = companies::rules::holders(tx, numbers.map(String::as_str), false).await?;
        let named = sound().flat_map(|row| row.asset_ids.value().into_iter().flatten());
        let live = live::<Asset>(tx, named.copied()).await?;
        let read = |row: Result<ContactIn>| {
            let mut row = row?;
            let companies = std::mem::take(&mut row.company_account_numbers);
            let assets = std::mem::take(&mut row.asset_ids);
            let companies = companies.value();
            let companies = companies.map(|numbers| contacts::companies::named(&held, numbers));
            let assets = assets.value().map(|ids| {
                let ids: Vec<AssetId> = ids.iter().copied().map(AssetId).collect();
                assets::contacts::known(&live, &ids, "asset")
            });
            let links = (companies.transpose()?, assets.transpose()?);
            Ok((row.stated()?, links))
        };
        Ok(stated.into_iter().map(read).collect())
    }

    async fn link(
        tx: &mut Tx,
        author: &Author,
        links: HashMap<i64, Links>,
    ) -> Result<WriteSummary> {
        let (mut companies, mut assets) = (HashMap::new(), HashMap::new());
        for (id, (of_companies, of_assets)) in links {
            companies.extend(of_companies.map(|all| (ContactId(id), all)));
            assets.extend(of_assets.map(|all| (ContactId(id), all)));
        }
        let mut summary = contacts::companies::assign(tx, author, &companies).await?;
        summary.add(assets::contacts::assign_to(tx, author, &assets).await?);
        Ok(summary)
    }
}
