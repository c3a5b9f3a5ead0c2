//! Facets: how many records of a list have each value of a column that has few of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many records have one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// How many records have it.
    #[schema(example = 410)]
    pub count: i64,
    /// The value as a filter takes it; null for records of which it is unknown. A text is found by `__exact`, and what
    /// is unknown by `__isnull=true`.
    #[schema(example = "Server")]
    pub value: Option<String>,
}

/// The most frequent values of a column, among the records that the filters leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetOut {
    /// Name of the column.
    #[schema(example = "hardware_type")]
    pub column: String,
    /// How many records have none of these values.
    #[schema(example = 0)]
    pub others: i64,
    /// At most ten values, the most frequent first.
    pub values: Vec<FacetValue>,
}
