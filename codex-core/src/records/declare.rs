//! One declaration per kind of record: its tracked fields, their columns, their SQL.

/// Declares the fields of a kind of record, each once.
///
/// ```text
/// record! {
///     /// Doc.
///     pub struct LocationFields in "locations" {
///         /// Doc.
///         name: String = field().everyone().required().listed(),
///         /// Doc.
///         company_id: Option<CompanyId> = field().internal(),
///     }
///     derived { /// Doc. name_fold: SearchKey, }
/// }
/// ```
/// becomes a plain struct with public fields (serde, `FromRow`, `Default`) and, with the store, its
/// `Tracked` implementation: [`FieldDef`](crate::records::FieldDef)s, column list, select, bulk insert-or-update text
/// and binds, all in the order of the declaration. What stands behind `=` says who sees a field, whether people set it
/// and whether lists filter by it. `in "assets" as "a"` names the table as lists call it. `derived` fields are columns
/// computed from the others or from other records: they are stored and read, but are no part of claims, comparison or
/// change log.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $table:literal {$($fields:tt)*}
        derived {$($derived:tt)*}
    ) => {
        record! {
            $(#[$meta])*
            pub struct $name in $table as $table {$($fields)*}
            derived {$($derived)*}
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $table:literal as $alias:literal {
            $($(#[doc = $doc:literal])* $field:ident: $ty:ty = $def:expr,)*
        }
        derived { $($(#[$dmeta:meta])* $derived:ident: $dty:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "store", derive(sqlx::FromRow))]
        #[serde(default)]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $ty,)*
            $($(#[$dmeta])* #[serde(skip)] pub $derived: $dty,)*
        }

        impl $name {
            /// Its fields.
            pub const FIELDS: &'static [crate::records::FieldDef] = {
                use crate::records::field::field;
                &[$($def.named::<$ty>(
                    stringify!($field),
                    concat!($($doc,)*),
                    concat!($alias, ".", stringify!($field)),
                )),*]
            };
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
            const FIELDS: &'static [crate::records::FieldDef] = Self::FIELDS;

            fn bind(&self, row: &mut crate::store::Row<'_, '_>) {
                $(row.bind(self.$field.clone());)*
                $(row.bind(self.$derived.clone());)*
            }
        }
    };
}

/// Declares what moves with every poll of a vendor: as `record!`, kept in a table beside that of the record.
///
/// ```text
/// status! { /// Doc. pub struct AssetStatus as "s" { /// Doc. online: Option<bool> = field().everyone().listed(), } }
/// ```
/// becomes the struct, its `FIELDS` and `SELECTED`, its columns as a select names them.
macro_rules! status {
    (
        $(#[$meta:meta])*
        pub struct $name:ident as $alias:literal {
            $(#[doc = $first_doc:literal])* $first:ident: $first_ty:ty = $first_def:expr,
            $($(#[doc = $doc:literal])* $field:ident: $ty:ty = $def:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "store", derive(sqlx::FromRow))]
        pub struct $name {
            $(#[doc = $first_doc])* pub $first: $first_ty,
            $($(#[doc = $doc])* pub $field: $ty,)*
        }

        impl $name {
            /// Its fields.
            pub const FIELDS: &'static [crate::records::FieldDef] = {
                use crate::records::field::field;
                &[
                    $first_def.named::<$first_ty>(
                        stringify!($first),
                        concat!($($first_doc,)*),
                        concat!($alias, ".", stringify!($first)),
                    ),
                    $($def.named::<$ty>(
                        stringify!($field),
                        concat!($($doc,)*),
                        concat!($alias, ".", stringify!($field)),
                    )),*
                ]
            };
            /// Its columns as a select names them.
            #[cfg(feature = "store")]
            pub(crate) const SELECTED: &'static str = concat!(
                $alias, ".", stringify!($first),
                $(", ", $alias, ".", stringify!($field)),*
            );
        }
    };
}
