//! JSON in one column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A short list kept as JSON in a single column (domains, e-mail addresses, ids).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

impl<T: Serialize> List<T> {
    /// The list as JSON inside a string, as today's modules expect it; `None` when empty
    /// (contract 1.2.B).
    pub fn to_wire(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| serde_json::to_string(&self.0).unwrap_or_default())
    }
}

/// Texts by name, kept as one JSON object with its keys in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dict(pub BTreeMap<String, String>);

#[cfg(feature = "store")]
mod columns {
    use std::collections::BTreeMap;

    use serde::{Serialize, de::DeserializeOwned};
    use sqlx::{Database, Decode, Encode, Type, encode::IsNull, error::BoxDynError, types::Json};

    use super::{Dict, List};

    /// Stores `$outer` as `Json<$inner>`: type, encode and decode for every engine.
    macro_rules! as_json {
        ($outer:ty, $inner:ty, [$($generic:ident)?]) => {
            impl<DB: Database, $($generic)?> Type<DB> for $outer
            where
                Json<$inner>: Type<DB>,
            {
                fn type_info() -> DB::TypeInfo {
                    <Json<$inner> as Type<DB>>::type_info()
                }

                fn compatible(ty: &DB::TypeInfo) -> bool {
                    <Json<$inner> as Type<DB>>::compatible(ty)
                }
            }

            impl<'q, DB: Database, $($generic: Serialize)?> Encode<'q, DB> for $outer
            where
                for<'a> Json<&'a $inner>: Encode<'q, DB>,
            {
                fn encode_by_ref(&self, buf: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                    Json(&self.0).encode_by_ref(buf)
                }
            }

            impl<'r, DB: Database, $($generic: DeserializeOwned)?> Decode<'r, DB> for $outer
            where
                Json<$inner>: Decode<'r, DB>,
            {
                fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                    Json::<$inner>::decode(value).map(|Json(inner)| Self(inner))
                }
            }
        };
    }

    as_json!(List<T>, Vec<T>, [T]);
    as_json!(Dict, BTreeMap<String, String>, []);
}
