//! Assets across companies.

use codex_core::assets::wire::AssetOut;

use crate::{ListOptions, Page, Result, page, request::Requester};

/// Calls about assets.
#[derive(Debug)]
pub struct Assets<'c>(pub(crate) &'c Requester);

impl Assets<'_> {
    /// A page of assets, by host name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<AssetOut>> {
        let answer = self.0.get(&["api", "assets"], &options.query()).await?;
        Ok(Page {
            next: page::next(&answer.headers),
            items: answer.body,
        })
    }

    /// One asset.
    pub async fn get(&self, id: i64) -> Result<AssetOut> {
        Ok(self
            .0
            .get(&["api", "assets", &id.to_string()], &[])
            .await?
            .body)
    }
}
