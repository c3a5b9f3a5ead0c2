//! One declaration per field. Lists, bodies, claims, exports and the API description read it.

use chrono::{DateTime, Utc};

use crate::{
    Scope,
    fold::{IdentityKey, SearchKey},
    ids::CompanyId,
    json_columns::{Dict, List},
    list::ColumnType,
    money::Money,
};

/// Who may see a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who may see the record, clients among them.
    Everyone,
    /// Everybody but clients.
    Staff,
    /// Nobody. For row ids of ours, which API and pages replace by public ids.
    Internal,
}

/// How a list filters and sorts by a field.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Its name in parameters; `None` is the field's own name.
    pub name: Option<&'static str>,
    /// The expression that it compares and sorts by; `None` is the field's own column.
    pub key: Option<&'static str>,
    /// Whether every record has a value: an index can be followed then.
    pub always: bool,
}

/// A field of a kind of record. `record!` makes one for each field; name, column and type come from the declaration.
#[derive(Debug, Clone, Copy)]
pub struct FieldDef {
    /// Its name: of the column, in JSON, in filters, in claims.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Its column in SQL; a record's table is `r` in every list.
    pub sql: &'static str,
    /// What it holds.
    pub column_type: ColumnType,
    /// Whether it may be unknown.
    pub nullable: bool,
    /// Who may see it.
    pub audience: Audience,
    /// Whether people may set it.
    pub editable: bool,
    /// Whether a new record needs it.
    pub required: bool,
    /// Whether an index holds its text, which limits its length.
    pub indexed: bool,
    /// Whether lists filter and sort by it, and how.
    pub listed: Option<Listed>,
    /// Whether it has few values, so that lists count them.
    pub faceted: bool,
}

/// The default for a field: staff see it, nobody sets it, and no list filters by it.
pub(crate) const fn field() -> FieldDef {
    FieldDef {
        name: "",
        doc: "",
        sql: "",
        column_type: ColumnType::Json,
        nullable: true,
        audience: Audience::Staff,
        editable: false,
        required: false,
        indexed: false,
        listed: None,
        faceted: false,
    }
}

impl FieldDef {
    /// Clients see it too.
    pub(crate) const fn everyone(self) -> Self {
        Self {
            audience: Audience::Everyone,
            ..self
        }
    }

    /// Nobody sees it.
    pub(crate) const fn internal(self) -> Self {
        Self {
            audience: Audience::Internal,
            ..self
        }
    }

    /// People may set it.
    pub(crate) const fn editable(self) -> Self {
        Self {
            editable: true,
            ..self
        }
    }

    /// People may set it, and a new record needs it.
    pub(crate) const fn required(self) -> Self {
        Self {
            required: true,
            ..self.editable()
        }
    }

    /// An index holds its text.
    pub(crate) const fn indexed(self) -> Self {
        Self {
            indexed: true,
            ..self
        }
    }

    /// Lists filter and sort by it.
    pub(crate) const fn listed(self) -> Self {
        Self {
            listed: Some(Listed {
                name: None,
                key: None,
                always: false,
            }),
            ..self
        }
    }

    /// Lists filter and sort by it, and count its values.
    pub(crate) const fn faceted(self) -> Self {
        Self {
            faceted: true,
            ..self.listed()
        }
    }

    /// Lists filter and sort by it under this name, which answers use.
    pub(crate) const fn listed_as(self, name: &'static str) -> Self {
        Self {
            listed: Some(Listed {
                name: Some(name),
                key: None,
                always: false,
            }),
            ..self
        }
    }

    /// Lists compare and sort by this folded column instead.
    pub(crate) const fn folded(self, key: &'static str) -> Self {
        Self {
            column_type: ColumnType::Folded,
            listed: Some(Listed {
                name: None,
                key: Some(key),
                always: false,
            }),
            ..self
        }
    }

    /// Every record has it.
    pub(crate) const fn always(self) -> Self {
        let listed = match self.listed {
            Some(listed) => Some(Listed {
                always: true,
                ..listed
            }),
            None => None,
        };
        Self { listed, ..self }
    }

    /// It is a hardware address: lists compare its digits.
    pub(crate) const fn mac(self) -> Self {
        Self {
            column_type: ColumnType::Mac,
            ..self
        }
    }

    /// Sets what follows from the declaration of a field: its name, doc comment, column and type.
    pub(crate) const fn named<T: FieldType>(
        self,
        name: &'static str,
        doc: &'static str,
        sql: &'static str,
    ) -> Self {
        let column_type = match self.column_type {
            ColumnType::Json => T::COLUMN,
            chosen => chosen,
        };
        Self {
            name,
            doc: doc.trim_ascii(),
            sql,
            column_type,
            nullable: T::NULLABLE,
            ..self
        }
    }

    /// It as a column of a list, if lists filter by it.
    #[cfg(feature = "store")]
    pub(crate) fn column(&self) -> Option<crate::list::Column> {
        let listed = self.listed?;
        Some(crate::list::Column {
            name: listed.name.unwrap_or(self.name),
            sql: listed.key.unwrap_or(self.sql),
            kind: self.column_type,
            always: listed.always,
            staff: self.audience != Audience::Everyone,
            faceted: self.faceted,
            spelled: listed.key.map(|_| self.sql),
            several: None,
        })
    }

    /// Whether a caller may see it. Nothing else decides about the visibility of a field.
    pub fn is_visible_to(&self, scope: &Scope) -> bool {
        match self.audience {
            Audience::Everyone => true,
            Audience::Staff => scope.companies().is_none(),
            Audience::Internal => false,
        }
    }
}

/// What a Rust type is as a column.
pub(crate) trait FieldType {
    /// What it holds.
    const COLUMN: ColumnType;
    /// Whether it may be unknown.
    const NULLABLE: bool = false;
}

impl<T: FieldType> FieldType for Option<T> {
    const COLUMN: ColumnType = T::COLUMN;
    const NULLABLE: bool = true;
}

macro_rules! field_types {
    ($($column:ident: $($ty:ty),+;)+) => {
        $($(impl FieldType for $ty {
            const COLUMN: ColumnType = ColumnType::$column;
        })+)+
    };
}

field_types! {
    Text: String, IdentityKey;
    Folded: SearchKey;
    Int: i64, CompanyId;
    Bool: bool;
    Time: DateTime<Utc>;
    // Amounts are stored as whole numbers of ten-thousandths.
    Json: Dict, Money;
}

impl<T> FieldType for List<T> {
    const COLUMN: ColumnType = ColumnType::Json;
}
