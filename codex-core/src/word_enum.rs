//! Enums whose variants are words in the database, in JSON and in addresses.

/// Declares such an enum: `words! { /// Doc. pub enum State { /// Doc. Open = "open", } }`. Each word is its variant
/// in snake case.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$attribute:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[cfg_attr(
            feature = "store",
            derive(sqlx::Type),
            sqlx(type_name = "text", rename_all = "snake_case")
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$attribute])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    words! {
        /// A state.
        pub enum State {
            /// It begins.
            Open = "open",
            /// It has ended.
            LongOver = "long_over",
        }
    }

    #[test]
    fn words_are_those_of_json() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            let read: State = serde_json::from_value(state.name().into()).unwrap();
            assert_eq!(read, state);
        }
    }
}
