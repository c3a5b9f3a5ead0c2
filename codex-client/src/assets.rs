//! Assets across companies.

use codex_core::{
    assets::{
        audit::wire::AssetAuditOut,
        wire::{AssetBulkIn, AssetIn, AssetOut},
    },
    bulk::{BulkAction, BulkOut},
};

use crate::{ListOptions, Page, Result, bulk, request::Requester};

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

    /// Makes an asset.
    pub async fn create(&self, asset: &AssetIn) -> Result<AssetOut> {
        self.0.post_json(&PATH, asset).await
    }

    /// Corrects an asset by hand; gives it as it is now. What is stated wins over every source.
    pub async fn update(&self, id: i64, edit: &AssetIn) -> Result<AssetOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit).await
    }

    /// Makes and corrects many assets, by id; with [`BulkAction::Upsert`] a row without one means what
    /// alone has its device uid or serial number. With
    /// `atomic` all rows are written or none.
    pub async fn bulk_write(
        &self,
        rows: &[AssetBulkIn],
        action: BulkAction,
        atomic: bool,
    ) -> Result<BulkOut> {
        bulk::write(self.0, PATH[1], rows, action, atomic).await
    }

    /// Deletes an asset: no sync brings it back, [`crate::Deleted::restore`] does.
    pub async fn delete(&self, id: i64) -> Result<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()]).await
    }
}
