//! What all bulk writes share.

use codex_core::bulk::BulkAction;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// How a bulk write works.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkParams {
    /// `create`, `update` or `upsert`, which is the default.
    #[serde(default)]
    #[param(inline)]
    pub action: BulkAction,
    /// `atomic` writes all rows or none, 1,000 at most; `partial`, the default, writes each for itself, 10,000
    /// at most.
    #[serde(default)]
    #[param(inline)]
    mode: BulkMode,
    /// `true` changes nothing and returns what would change.
    #[expect(dead_code, reason = "read by `Call`")]
    #[param(ignore)]
    dry_run: Option<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BulkMode {
    Atomic,
    #[default]
    Partial,
}

impl BulkParams {
    /// Whether all rows are written or none.
    pub fn atomic(&self) -> bool {
        self.mode == BulkMode::Atomic
    }
}
