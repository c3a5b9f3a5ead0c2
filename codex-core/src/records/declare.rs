//! One declaration per kind of record: its tracked fields, their columns, their SQL.

/// Declares the tracked fields of a kind of record.
///
/// ```text
/// record! {
///     /// Doc.
///     pub struct LocationFields in "locations" { /// Doc. name: String, }
///     derived { /// Doc. company_id: Option<CompanyId>, }
/// }
/// ```
/// becomes a plain struct with public fields (serde, `FromRow`, `Default`) and, with the store, its
/// `Tracked` implementation: column list, select, bulk insert-or-update text and binds, all in
/// the order of the declaration. `derived` fields are columns computed from the others or from other
/// records: they are stored and read, but are no part of claims, comparison or change log.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $table:literal {
            $($(#[$fmeta:meta])* $field:ident: $ty:ty,)*
        }
        derived { $($(#[$dmeta:meta])* $derived:ident: $dty:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "store", derive(sqlx::FromRow))]
        #[serde(default)]
        pub struct $name {
            $($(#[$fmeta])* pub $field: $ty,)*
            $($(#[$dmeta])* #[serde(skip)] pub $derived: $dty,)*
        }

        #[cfg(feature = "store")]
        impl crate::records::Tracked for $name {
            const TABLE: &'static str = $table;
            const SELECT: &'static str = concat!(
                "select id, created_at, updated_at, deleted_at",
                $(", ", stringify!($field),)* $(", ", stringify!($derived),)* " from ", $table
            );
            const INSERT: &'static str = concat!(
                "insert into ", $table, " (id, created_at, updated_at, deleted_at",
                $(", ", stringify!($field),)* $(", ", stringify!($derived),)* ") "
            );
            const ON_CONFLICT: &'static str = concat!(
                " on conflict (id) do update set updated_at = excluded.updated_at, deleted_at = excluded.deleted_at"
                $(, ", ", stringify!($field), " = excluded.", stringify!($field))*
                $(, ", ", stringify!($derived), " = excluded.", stringify!($derived))*
            );
            const COLUMNS: usize = [$(stringify!($field),)* $(stringify!($derived),)*].len() + 4;
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            fn bind(&self, row: &mut crate::store::Row<'_, '_>) {
                $(row.bind(self.$field.clone());)*
                $(row.bind(self.$derived.clone());)*
            }
        }
    };
}
