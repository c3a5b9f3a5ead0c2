//! What one transaction of a run does, and which items may come into one.

use super::{Incoming, ItemError, relink::bring_back, twins};
use crate::{
    Result,
    changes::{Outcome, Resource, claims::Statement, door::Door, resolve::typed},
    edit::fits,
};

/// What one transaction does.
pub(super) enum Step<R: Resource> {
    Apply(Vec<Statement<R>>),
    Retire(Vec<String>),
    Refresh(Vec<i64>),
    LetGo(Vec<i64>),
    /// A device that returned under a new id.
    BringBack {
        new: i64,
        old: i64,
    },
    /// A record made by hand that turned out to be the source's.
    Adopt {
        new: i64,
        old: i64,
    },
}

impl<R: Resource> Step<R> {
    /// Does it.
    pub async fn take(&self, door: &mut Door<'_>, source: &str) -> Result<Outcome> {
        match self {
            Self::Apply(page) => door.apply::<R>(page.clone()).await,
            Self::Retire(ids) => door.retire::<R>(source, ids).await,
            Self::Refresh(ids) => door.refresh::<R>(ids).await,
            Self::LetGo(ids) => door.let_go::<R>(ids).await,
            Self::BringBack { new, old } => {
                bring_back(door.tx, *new, *old).await?;
                door.refresh::<R>(&[*old, *new]).await
            }
            Self::Adopt { new, old } => twins::adopt::<R>(door, *new, *old).await,
        }
    }

    /// Why, where the change log should say so.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::BringBack { new, old } => {
                Some(format!("the device of asset {old} returned as asset {new}"))
            }
            Self::Adopt { new, old } => Some(format!(
                "asset {old} was made by hand for the device of asset {new}: they share one serial number"
            )),
            _ => None,
        }
    }
}

/// An item whose fields are not those of its kind, or whose id no index holds, is a fault of one item, not of the
/// page.
pub(super) fn checked<R: Resource>(item: Incoming<R>) -> Result<Incoming<R>, ItemError> {
    for (what, id) in [("id", &item.external_id), ("list", &item.scope)] {
        let kept: String = id.chars().take(40).collect();
        fits(id, true).map_err(|reason| ItemError {
            item: format!("{} {kept}", R::KIND),
            reason: format!("its {what} {reason}"),
        })?;
    }
    let typed = typed::<R::Fields>(R::KIND, &item.fields);
    match typed {
        Ok(_) => Ok(item),
        Err(error) => Err(ItemError {
            item: format!("{} {}", R::KIND, item.external_id),
            reason: error.chain(),
        }),
    }
}
