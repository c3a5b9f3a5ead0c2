//! Statement texts.

/// A statement: one text for both engines, or, with its reason beside it, one for each.
#[derive(Debug, Clone, Copy)]
pub enum Sql {
    /// The same text.
    Same(&'static str),
    /// Where the engines cannot agree.
    Per {
        /// For `SQLite`.
        sqlite: &'static str,
        /// For `PostgreSQL`.
        pg: &'static str,
    },
}

impl Sql {
    /// The text for an engine.
    pub const fn text(self, engine: super::Engine) -> &'static str {
        match engine {
            super::Engine::Sqlite => self.sqlite(),
            super::Engine::Postgres => self.pg(),
        }
    }

    pub(super) const fn sqlite(self) -> &'static str {
        match self {
            Self::Same(text) | Self::Per { sqlite: text, .. } => text,
        }
    }

    pub(super) const fn pg(self) -> &'static str {
        match self {
            Self::Same(text) | Self::Per { pg: text, .. } => text,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::Same(text)
    }
}

/// Concatenates constant texts at compile time: `const_concat!(Company::SELECT, " where id = $1")`.
macro_rules! const_concat {
    ($($part:expr),+ $(,)?) => {{
        const PARTS: &[&str] = &[$($part),+];
        const LENGTH: usize = $crate::store::sql::length(PARTS);
        const BYTES: [u8; LENGTH] = $crate::store::sql::join(PARTS);
        match ::core::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("parts are UTF-8"),
        }
    }};
}

/// The statements of a module: named constants, and `STATEMENTS` with all of them, which a test
/// prepares on both engines.
///
/// `sql! { /// Doc. FIND = [A, " where id = $1"]; }` becomes `const FIND: Sql` and one entry.
macro_rules! sql {
    ($($(#[$doc:meta])* $name:ident = $text:tt;)+) => {
        $($(#[$doc])* pub(crate) const $name: $crate::store::Sql = sql!(@text $text);)+
        /// Every statement of this module by name.
        pub(crate) const STATEMENTS: &[(&str, $crate::store::Sql)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name)),+];
    };
    (@text [$($part:expr),+ $(,)?]) => { $crate::store::Sql::Same(const_concat!($($part),+)) };
    (@text {sqlite: $sqlite:expr, pg: $pg:expr $(,)?}) => {
        $crate::store::Sql::Per { sqlite: $sqlite, pg: $pg }
    };
    (@text $text:literal) => { $crate::store::Sql::Same($text) };
}

pub(crate) const fn length(parts: &[&str]) -> usize {
    let (mut total, mut index) = (0, 0);
    while index < parts.len() {
        total += parts[index].len();
        index += 1;
    }
    total
}

pub(crate) const fn join<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut out = [0; N];
    let (mut at, mut index) = (0, 0);
    while index < parts.len() {
        let bytes = parts[index].as_bytes();
        let mut byte = 0;
        while byte < bytes.len() {
            out[at] = bytes[byte];
            at += 1;
            byte += 1;
        }
        index += 1;
    }
    out
}
