//! Writing many records with one call.

use codex_core::bulk::{BulkAction, BulkOut};
use serde::Serialize;

use crate::{Result, request::Requester};

/// Sends rows to `api/<kind>/bulk`.
pub(crate) async fn write(
    requester: &Requester,
    kind: &str,
    rows: &[impl Serialize],
    action: BulkAction,
    atomic: bool,
) -> Result<BulkOut> {
    let action = match action {
        BulkAction::Create => "create",
        BulkAction::Update => "update",
        BulkAction::Upsert => "upsert",
    };
    let mode = if atomic { "atomic" } else { "partial" };
    let query = [("action", action.to_owned()), ("mode", mode.to_owned())];
    requester
        .post_rows(&["api", kind, "bulk"], &query, rows)
        .await
}
