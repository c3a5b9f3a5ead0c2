//! Assets across companies.

use codex_core::assets::{audit::wire::AssetAuditOut, wire::AssetOut};

use crate::{ListOptions, Page, Result, request::Requester};

const PATH: [&str; 2] = ["api", "assets"];

/// Calls about assets.
#[derive(Debug)]
pub struct Assets<'c>(pub(crate) &'c Requester);

impl Assets<'_> {
    /// A page of assets, by host name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<AssetOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every asset that `options` let through, page after page.
    pub async fn all(&self, options: &ListOptions) -> Result<Vec<AssetOut>> {
        self.0.all(&PATH, options).await
    }

    /// One asset.
    pub async fn get(&self, id: i64) -> Result<AssetOut> {
        self.0.get(&["api", "assets", &id.to_string()], &[]).await
    }

    /// What is in an asset and on it, as the RMM's inventory found it.
    pub async fn audit(&self, id: i64) -> Result<AssetAuditOut> {
        let id = id.to_string();
        self.0.get(&["api", "assets", &id, "audit"], &[]).await
    }
}
