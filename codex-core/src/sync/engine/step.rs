//! What one transaction of a run does, and which items may come into one.

use super::matching::{self, Merge};
use crate::{
    Result,
    records::{
        ItemError, Resource, SourceRecord, WriteSummary, claims::Statement, patch::fits,
        resolve::typed, writer::RecordWriter,
    },
};

/// What one transaction does.
pub(crate) enum Step<R: Resource> {
    Apply(Vec<Statement<R>>),
    Retire(Vec<String>),
    Refresh(Vec<i64>),
    ReleaseRecords(Vec<i64>),
    /// Two records that are one.
    Merge(Merge),
}

impl<R: Resource> Step<R> {
    /// Does it.
    pub async fn take(&self, writer: &mut RecordWriter<'_>, source: &str) -> Result<WriteSummary> {
        match self {
            Self::Apply(page) => writer.apply::<R>(page.clone()).await,
            Self::Retire(ids) => writer.retire::<R>(source, ids).await,
            Self::Refresh(ids) => writer.refresh::<R>(ids).await,
            Self::ReleaseRecords(ids) => writer.release_records::<R>(ids).await,
            Self::Merge(merge) => matching::merge::<R>(writer, merge).await,
        }
    }

    /// Why, where the change log should say so.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Merge(merge) => Some(merge.why.clone()),
            _ => None,
        }
    }
}

/// An item whose fields are not those of its kind, or whose id no index holds, is a fault of one item, not of the
/// page.
pub(crate) fn checked<R: Resource>(item: SourceRecord<R>) -> Result<SourceRecord<R>, ItemError> {
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
