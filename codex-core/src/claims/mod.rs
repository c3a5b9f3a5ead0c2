//! What each source states about a record and which source wins, for people who ask why it says what it says.

#[cfg(feature = "store")]
pub(crate) mod changes;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
mod service;
#[cfg(feature = "store")]
pub(crate) mod view;
pub mod wire;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The resources whose fields come from claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimedResource {
    /// By Keycloak id.
    Agents,
    /// By id.
    Assets,
    /// By id.
    BillingPlans,
    /// By account number.
    Companies,
    /// By id.
    Contacts,
    /// By id.
    Locations,
    /// By number.
    Tickets,
}

impl ClaimedResource {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Agents,
        Self::Assets,
        Self::BillingPlans,
        Self::Companies,
        Self::Contacts,
        Self::Locations,
        Self::Tickets,
    ];

    /// The name in paths of the API, and that of one record's kind.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Agents => ("agents", "agent"),
            Self::Assets => ("assets", "asset"),
            Self::BillingPlans => ("billing-plans", "billing_plan"),
            Self::Companies => ("companies", "company"),
            Self::Contacts => ("contacts", "contact"),
            Self::Locations => ("locations", "location"),
            Self::Tickets => ("tickets", "ticket"),
        }
    }

    /// The name in paths of the API.
    pub fn path(self) -> &'static str {
        self.names().0
    }

    /// The name of one record's kind.
    pub fn kind(self) -> &'static str {
        self.names().1
    }
}

impl FromStr for ClaimedResource {
    type Err = String;

    /// Reads a path's name or a kind's, such as `companies` or `company`.
    fn from_str(text: &str) -> Result<Self, String> {
        let is = |resource: &Self| {
            resource.path() == text || resource.kind().replace('_', "-") == text.replace('_', "-")
        };
        Self::ALL.into_iter().find(is).ok_or_else(|| {
            let all = Self::ALL.map(Self::path).join(", ");
            format!("`{text}` is none of {all}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_parse_from_path_and_kind() {
        for resource in ClaimedResource::ALL {
            assert_eq!(resource.path().parse(), Ok(resource));
            assert_eq!(resource.kind().parse(), Ok(resource));
            let json = serde_json::to_value(resource).unwrap();
            assert_eq!(json, resource.path());
        }
        assert!(
            "planets"
                .parse::<ClaimedResource>()
                .unwrap_err()
                .contains("contacts")
        );
    }
}
