//! Record ids: one type per kind, so that a contact's id cannot be passed for an asset's.

/// Declares a newtype over the `bigint` key of one kind of record.
///
/// `id!(/// doc CompanyId)` becomes `pub struct CompanyId(pub i64)` with `Display`, serde and, with the
/// store, sqlx.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[cfg_attr(feature = "store", derive(sqlx::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// A company's row id: ours, never reused, never changed.
    CompanyId;
    /// A contact's row id; Ledger stores it (contract 1.4).
    ContactId;
    /// An asset's row id; Ledger stores it (contract 1.4).
    AssetId;
    /// A location's row id.
    LocationId;
    /// The row id of a link between an RMM site and a company.
    SiteLinkId;
    /// A ticket's row id; never shown: modules use its number.
    TicketId;
    /// A PSA agent's row id.
    PsaAgentId;
    /// An agent's row id.
    AgentId;
    /// A billing plan's row id.
    BillingPlanId;
    /// The row id of an option of a feature.
    FeatureOptionId;
    /// The row id of an override.
    OverrideId;
    /// A tag's row id.
    TagId;
    /// A view's row id.
    ViewId;
}
