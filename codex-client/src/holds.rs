//! Held deletions.

use codex_core::holds::{HoldStatus, wire::HoldOut};

use crate::{Result, request::Requester};

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
    pub async fn approve(&self, id: &str) -> Result<HoldOut> {
        self.0.post(&["sync", "holds", id, "approve"]).await
    }

    /// Keeps the records.
    pub async fn reject(&self, id: &str) -> Result<HoldOut> {
        self.0.post(&["sync", "holds", id, "reject"]).await
    }
}
