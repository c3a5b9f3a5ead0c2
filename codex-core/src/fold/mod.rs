//! Two keys for one text: [`SearchKey`] finds and sorts, [`IdentityKey`] tells whether two texts name the same thing.
//!
//! They are types of their own so that neither can be used for the other: a search forgives, an identity must not.
//! Both are computed here and stored, because `lower()` knows ASCII only on `SQLite` and follows the server's locale
//! on `PostgreSQL`.

mod identity;
mod search;
#[cfg(feature = "store")]
mod words;

pub use identity::IdentityKey;
pub use search::SearchKey;
#[cfg(feature = "store")]
pub(crate) use words::words;

/// What both keys have: the text, and the column that stores it.
macro_rules! key {
    ($name:ident) => {
        impl $name {
            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether nothing is left of the text.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
use key;
