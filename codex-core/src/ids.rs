//! Record ids: one type per kind, so that a contact's id cannot be passed for an asset's. An id is the row id: ours, never
//! reused, never changed. Ledger stores those of contacts and assets (contract 1.4). A ticket's is never shown: modules
//! use its number.

/// Declares a newtype over the `bigint` key of each kind of record, with `Display`, serde and, with the store, sqlx.
macro_rules! declare_ids {
    (
        []
        $($variant:ident $name:literal $id:ident in $module:ident $(, claims of $claimed:ident $path:literal)?
        $(, tagged as $tagged:ident)?;)+
    ) => {$(
        #[doc = concat!("The row id of a `", $name, "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[cfg_attr(feature = "store", derive(sqlx::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $id(pub i64);

        impl From<$id> for i64 {
            fn from(id: $id) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}
each_kind!(declare_ids []);
