//! Assets across companies.

use codex_core::{
    assets::{
        audit::wire::AssetAuditOut,
        wire::{AssetBulkIn, AssetIn, AssetOut},
    },
    bulk::{BulkAction, BulkOut},
};

use futures::TryStreamExt as _;
use serde::de::DeserializeOwned;

use crate::{
    Creation, Edit, ListOptions, Page, Reading, Records, Result, bulk, request::Requester,
};

const PATH: [&str; 2] = ["api", "assets"];

/// Calls about assets.
#[derive(Debug)]
pub struct Assets<'c>(pub(crate) &'c Requester);

impl Assets<'_> {
    /// A page of assets, by host name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<AssetOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every asset that `options` let through, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<AssetOut> {
        self.0.records(&PATH, options)
    }

    /// [`Assets::stream`] to its end, held in memory.
    pub async fn all(&self, options: &ListOptions) -> Result<Vec<AssetOut>> {
        self.stream(options).try_collect().await
    }

    /// As [`Assets::stream`], but only these keys of each record, tracked fields among them: as a type of
    /// one's own, or as [`serde_json::Map`]. `company_account_number`, which [`AssetOut`] lacks, names the
    /// company of an asset.
    pub fn select<T: DeserializeOwned + Send + 'static>(
        &self,
        fields: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        self.0.chosen(&PATH, fields, options)
    }

    /// One asset.
    pub fn get(&self, id: i64) -> Reading<AssetOut> {
        self.0.read(&["api", "assets", &id.to_string()])
    }

    /// The hardware and software of an asset, from the RMM's inventory.
    pub async fn audit(&self, id: i64) -> Result<AssetAuditOut> {
        let id = id.to_string();
        self.0.get(&["api", "assets", &id, "audit"], &[]).await
    }

    /// Creates an asset.
    pub fn create(&self, asset: &AssetIn) -> Creation<AssetOut> {
        self.0.create(&PATH, asset)
    }

    /// Updates an asset; returns it as it is now. Fields that are sent become manual values and win over every source
    /// until released.
    pub fn update(&self, id: i64, edit: &AssetIn) -> Edit<AssetOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit)
    }

    /// Creates or updates many assets, by id. With [`BulkAction::Upsert`] a row without an id updates the only asset
    /// with its device uid or serial number. With `atomic` all rows are written or none.
    pub fn bulk_write(
        &self,
        rows: &[AssetBulkIn],
        action: BulkAction,
        atomic: bool,
    ) -> Creation<BulkOut> {
        bulk::write(self.0, PATH[1], rows, action, atomic)
    }

    /// Deletes an asset. No sync brings it back; [`crate::Deleted::restore`] does.
    pub fn delete(&self, id: i64) -> Edit<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()])
    }
}
