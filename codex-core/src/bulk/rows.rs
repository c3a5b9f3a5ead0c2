//! The rows of one call.

use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;

/// Rows of a kind of record, each `R` as it is sent: of structs, or of JSON that was not read yet. A row that does not
/// fit fails alone, so that rows are read one by one where they are written.
#[derive(Debug, Clone)]
pub struct BulkRows<R> {
    pub(crate) rows: Vec<Value>,
    row: PhantomData<fn() -> R>,
}

impl<R> From<Vec<Value>> for BulkRows<R> {
    fn from(rows: Vec<Value>) -> Self {
        Self {
            rows,
            row: PhantomData,
        }
    }
}

impl<R: Serialize> From<&[R]> for BulkRows<R> {
    fn from(rows: &[R]) -> Self {
        // A struct with names as keys is always JSON.
        let json = |row: &R| serde_json::to_value(row).unwrap_or_default();
        rows.iter().map(json).collect::<Vec<Value>>().into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assets::wire::{AssetBulkIn, AssetIn};

    #[test]
    fn row_of_a_struct_is_what_callers_send() {
        let row = AssetBulkIn {
            id: Some(7),
            asset: AssetIn {
                hostname: "pc".into(),
                ..AssetIn::default()
            },
        };
        let rows = BulkRows::from(&[row][..]);
        assert_eq!(rows.rows, [json!({"id": 7, "hostname": "pc"})]);
    }
}
