//! Reading options of features: for everybody but clients.

use super::{FeatureOption, FeatureOptionFields};
use crate::{
    Result,
    records::{Resource as _, Tracked},
    scope::Scope,
    store::{Db, Tx},
};

sql! {
    /// All live options.
    LIST = [FeatureOptionFields::SELECT,
        " where deleted_at is null order by feature_category, option_value"];
    /// The live options of a kind of feature.
    OF_CATEGORY = [FeatureOptionFields::SELECT,
        " where feature_category = $1 and deleted_at is null order by option_value"];
    /// The option with a value.
    HOLDER = "select id from feature_options where feature_category = $1 and option_value = $2 \
        and deleted_at is null";
    /// Every live option by its kind and value.
    NAMES = "select id, feature_category, option_value from feature_options where deleted_at is null";
    /// A live option by its row id.
    FIND = [FeatureOptionFields::SELECT, " where id = $1 and deleted_at is null"];
}

/// All options by kind and value, or those of one kind.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn list(db: &Db, scope: &Scope, category: Option<&str>) -> Result<Vec<FeatureOption>> {
    scope.require(FeatureOption::READ_BY, "reading feature options")?;
    match category {
        Some(category) => db.query(OF_CATEGORY).bind(category).all().await,
        None => db.query(LIST).all().await,
    }
}

/// The option that has a value already.
pub(crate) async fn holder(tx: &mut Tx, category: &str, value: &str) -> Result<Option<i64>> {
    tx.query(HOLDER).bind(category).bind(value).scalar().await
}

/// Every option's id, kind and value.
pub(crate) async fn names(tx: &mut Tx) -> Result<Vec<(i64, String, String)>> {
    tx.query(NAMES).all().await
}

/// A live option.
pub(crate) async fn find(db: &Db, id: i64) -> Result<Option<FeatureOption>> {
    db.query(FIND).bind(id).optional().await
}
