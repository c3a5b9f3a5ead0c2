//! Options of features: what can be chosen for a kind of feature in a billing plan.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
pub(crate) mod service;
pub mod wire;

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

row! {
    /// Something that can be chosen for a kind of feature.
    pub struct FeatureOption(FeatureOptionId, FeatureOptionFields) {}
}
