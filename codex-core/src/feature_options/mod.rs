//! Options of features: what can be chosen for a kind of feature in a billing plan.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
pub(crate) mod service;
pub mod wire;

use chrono::{DateTime, Utc};

use crate::ids::FeatureOptionId;

record! {
    // Contract 2.7.
    /// What is tracked about an option.
    pub struct FeatureOptionFields in "feature_options" {
        /// Kind of feature, such as `antivirus`.
        require feature_category: String = field().indexed(),
        /// What can be chosen.
        require option_value: String = field().indexed(),
        /// What it is called on pages; `None` means like the value.
        edit display_name: Option<String> = field(),
        /// Free text.
        edit description: Option<String> = field(),
    }
    derived {
    }
}

/// Something that can be chosen for a kind of feature.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct FeatureOption {
    /// Row id.
    pub id: FeatureOptionId,
    /// Tracked fields.
    #[cfg_attr(feature = "store", sqlx(flatten))]
    pub fields: FeatureOptionFields,
    /// When the record was made here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
}
