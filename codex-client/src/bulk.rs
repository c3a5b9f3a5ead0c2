//! Writing many records with one call.

use codex_core::bulk::{BulkAction, BulkOut};
use serde::Serialize;

use crate::{Creation, request::Requester};

/// Sends rows to `api/<kind>/bulk`.
pub(crate) fn write(
    requester: &Requester,
    kind: &str,
    rows: &[impl Serialize],
    action: BulkAction,
    atomic: bool,
) -> Creation<BulkOut> {
    let mode = if atomic { "atomic" } else { "partial" };
    let query = [("action", action.to_string()), ("mode", mode.to_owned())];
    requester.create_rows(&["api", kind, "bulk"], &query, rows)
}
