//! Held deletions.

use codex_core::holds::{HoldStatus, wire::HoldOut};

use crate::{Result, Start, request::Requester};

/// Calls about held deletions.
#[derive(Debug)]
pub struct Holds<'c>(pub(crate) &'c Requester);

impl Holds<'_> {
    /// The newest held deletions; those of one state when it is named.
    pub async fn list(&self, status: Option<HoldStatus>) -> Result<Vec<HoldOut>> {
        let status = status.map(|status| format!("{status:?}").to_lowercase());
        let query: Vec<_> = status.map(|word| ("status", word)).into_iter().collect();
        self.0.get(&["sync", "holds"], &query).await
    }

    /// Deletes the records that it keeps.
    pub fn approve(&self, id: &str) -> Start<HoldOut> {
        self.0.start(&["sync", "holds", id, "approve"])
    }

    /// Keeps the records.
    pub fn reject(&self, id: &str) -> Start<HoldOut> {
        self.0.start(&["sync", "holds", id, "reject"])
    }
}
