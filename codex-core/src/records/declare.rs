//! One declaration per kind of record: its tracked fields, their columns, their SQL.

/// Declares the fields of a kind of record, each once.
///
/// ```text
/// record! {
///     /// Doc.
///     pub struct LocationFields in "locations" {
///         /// Doc.
///         require name: String = field().everyone().listed(),
///         /// Doc.
///         edit address: Option<String> = field().everyone().listed(),
///         /// Doc.
///         company_id: Option<CompanyId> = field().internal(),
///     }
///     derived { /// Doc. name_fold: SearchKey, }
///     /// Doc.
///     body LocationIn { /// Doc. tags: Vec<String>, }
/// }
/// ```
/// becomes a plain struct with public fields (serde, `FromRow`, `Default`) and, with the store, its
/// `Tracked` implementation: [`FieldDef`](crate::records::FieldDef)s, column list, select, bulk insert-or-update text
/// and binds, all in the order of the declaration. People set the fields that are marked `edit`, and `require` where a
/// new record needs the field. The definition after `=` says who sees a field and whether lists filter by it.
/// `in "assets" as "a"` names the table as lists call it. `derived` fields are columns computed from the others or from
/// other records: they are stored and read, but are no part of claims, comparison or change log.
///
/// `body` names the struct that callers send: a [`Patch`](crate::records::Patch) for each marked field and for each
/// key in the braces, which are keys that are no tracked field. A key has the type of its value, and so has a field:
/// its own type without the `Option`. Attributes `#[schema(...)]` behind the doc comment of a marked field describe
/// the field in the body.
macro_rules! record {
    (@fields $head:tt $fields:tt $body:tt $(#[$($attr:tt)*])* edit $($rest:tt)*) => {
        record! { @editable editable $head $fields $body [$(#[$($attr)*])*] $($rest)* }
    };
    (@fields $head:tt $fields:tt $body:tt $(#[$($attr:tt)*])* require $($rest:tt)*) => {
        record! { @editable required $head $fields $body [$(#[$($attr)*])*] $($rest)* }
    };
    (
        @editable $flag:ident $head:tt [$($fields:tt)*] [$($body:tt)*] $attrs:tt
        $field:ident: Option<$value:ident> = $def:expr, $($rest:tt)*
    ) => {
        record! {
            @fields $head
            [$($fields)* {$attrs $field: Option<$value> = $def, $flag}]
            [$($body)* {$attrs $field: $value}]
            $($rest)*
        }
    };
    (
        @editable $flag:ident $head:tt [$($fields:tt)*] [$($body:tt)*] $attrs:tt
        $field:ident: List<$item:ident> = $def:expr, $($rest:tt)*
    ) => {
        record! {
            @fields $head
            [$($fields)* {$attrs $field: List<$item> = $def, $flag}]
            [$($body)* {$attrs $field: Vec<$item>}]
            $($rest)*
        }
    };
    (
        @editable $flag:ident $head:tt [$($fields:tt)*] [$($body:tt)*] $attrs:tt
        $field:ident: $value:ident = $def:expr, $($rest:tt)*
    ) => {
        record! {
            @fields $head
            [$($fields)* {$attrs $field: $value = $def, $flag}]
            [$($body)* {$attrs $field: $value}]
            $($rest)*
        }
    };
    (
        @fields $head:tt [$($fields:tt)*] $body:tt
        $(#[$($attr:tt)*])* $field:ident: $ty:ty = $def:expr, $($rest:tt)*
    ) => {
        record! {
            @fields $head [$($fields)* {[$(#[$($attr)*])*] $field: $ty = $def,}] $body $($rest)*
        }
    };
    (
        @fields
        [
            $(#[$meta:meta])*
            $name:ident in $table:literal as $alias:literal
            {$($(#[$dmeta:meta])* $derived:ident: $dty:ty,)*}
            $more:tt
        ]
        [$({
            [$(#[doc = $doc:literal])* $(#[schema $schema:tt])*]
            $field:ident: $ty:ty = $def:expr, $($flag:ident)?
        })*]
        $body:tt
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
                &[$($def$(.$flag())?.named::<$ty>(
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

        record! { @body $body $more }
    };
    (@body $body:tt []) => {};
    (
        @body
        [$({[$($attrs:tt)*] $field:ident: $($ty:tt)+})*]
        [
            $(#[$($meta:tt)*])*
            body $name:ident {$($(#[$($kmeta:tt)*])* $key:ident: $kty:ty,)*}
        ]
    ) => {
        $(#[$($meta)*])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(default)]
        pub struct $name {
            $(
                $($attrs)*
                #[serde(skip_serializing_if = "crate::records::Patch::is_absent")]
                #[schema(value_type = Option<$($ty)+>)]
                pub $field: crate::records::Patch<$($ty)+>,
            )*
            $(
                $(#[$($kmeta)*])*
                #[serde(skip_serializing_if = "crate::records::Patch::is_absent")]
                #[schema(value_type = Option<$kty>)]
                pub $key: crate::records::Patch<$kty>,
            )*
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $table:literal {$($fields:tt)*}
        derived {$($derived:tt)*}
        $($body:tt)*
    ) => {
        record! {
            $(#[$meta])*
            pub struct $name in $table as $table {$($fields)*}
            derived {$($derived)*}
            $($body)*
        }
    };
    (
        $(#[$meta:meta])*
        pub struct $name:ident in $table:literal as $alias:literal {$($fields:tt)*}
        derived {$($derived:tt)*}
        $($body:tt)*
    ) => {
        record! {
            @fields
            [$(#[$meta])* $name in $table as $alias {$($derived)*} [$($body)*]]
            [] [] $($fields)*
        }
    };
}

/// Declares the volatile fields of a kind of record: as `record!`, stored in a table beside that of the record.
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

/// Declares the row of a kind of record: its id, its tracked fields, when it changed, and further members.
///
/// ```text
/// row! { /// Doc. pub struct Location(LocationId, LocationFields) { /// Doc. pub company: Option<String>, } }
/// ```
macro_rules! row {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($id:ty, $fields:ty) {
            $($(#[$attribute:meta])* pub $member:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[cfg_attr(feature = "store", derive(sqlx::FromRow))]
        pub struct $name {
            /// Row id.
            pub id: $id,
            /// Tracked fields.
            #[cfg_attr(feature = "store", sqlx(flatten))]
            pub fields: $fields,
            /// When the record was created here.
            pub created_at: chrono::DateTime<chrono::Utc>,
            /// When a tracked field last changed.
            pub updated_at: chrono::DateTime<chrono::Utc>,
            /// When the record was deleted, if it was.
            pub deleted_at: Option<chrono::DateTime<chrono::Utc>>,
            $($(#[$attribute])* pub $member: $type,)*
        }
    };
}
