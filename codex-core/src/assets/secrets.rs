//! Secret fields of assets: which there are, and the read that is logged.

use serde_json::Map;

use super::Asset;
use crate::{
    Result,
    ids::AssetId,
    records::{
        Author, ChangeOp, Resource as _,
        change_log::{self, Entry},
    },
    store::{Db, Tx},
};

/// What the log says of a secret that was read.
const REVEALED: &str = "revealed";

sql! {
    /// Names of the secret fields of a live asset that have a value.
    NAMES = "select s.name from asset_secrets s join assets a on a.id = s.asset_id \
        where s.asset_id = $1 and a.deleted_at is null order by s.name";
    /// The value of one of them.
    VALUE = "select s.value from asset_secrets s join assets a on a.id = s.asset_id \
        where s.asset_id = $1 and s.name = $2 and a.deleted_at is null";
}

/// Which secret fields an asset has.
pub(crate) async fn names(db: &Db, asset: AssetId) -> Result<Vec<String>> {
    db.query(NAMES).bind(asset).scalars().await
}

/// The value of a secret field; logs that it was read.
pub(crate) async fn reveal(
    tx: &mut Tx,
    author: &Author,
    asset: AssetId,
    name: &str,
) -> Result<Option<String>> {
    let value: Option<String> = tx.query(VALUE).bind(asset).bind(name).scalar().await?;
    if value.is_some() {
        let entry = Entry {
            kind: Asset::KIND,
            record_id: asset.0,
            op: ChangeOp::Update,
            changes: Map::from_iter([(name.to_owned(), REVEALED.into())]),
        };
        change_log::append(tx, author, &[entry]).await?;
    }
    Ok(value)
}
