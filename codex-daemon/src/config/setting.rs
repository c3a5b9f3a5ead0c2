//! What declares a setting: its place, its values, its default, its text, and how much of it may be shown.

use std::fmt;

use codex_core::masked::masked_host;

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// As it is.
    Plain,
    /// Not at all.
    Secret,
    /// A host name or URL; a password in it is hidden.
    Address,
    /// A database's URL. Any other text is hidden whole: it may be a password.
    Connection,
}

/// Which values a setting takes. `Display` says what is wanted, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The booleans of `configparser`.
    Boolean,
    /// The same, or `auto`.
    BooleanOrAuto,
    /// A whole number.
    Number {
        /// What the number is, such as `a number of seconds`.
        what: &'static str,
        /// The smallest one.
        min: i64,
        /// The largest one: each number has a bound, so that nothing overflows later.
        max: i64,
    },
    /// Whole numbers, separated by commas.
    Numbers {
        /// The smallest one.
        min: i64,
        /// The largest one.
        max: i64,
    },
    /// An IP address.
    Ip,
    /// IP addresses, separated by commas.
    Ips,
    /// Origins of web pages, separated by commas.
    Origins,
    /// An http:// or https:// URL.
    Url,
    /// A host name, or such a URL.
    Host,
    /// A level of the log.
    LogLevel,
    /// Any text; the code that uses it checks it.
    Text,
}

/// A percentage.
pub const PERCENT: Kind = number("a percentage", 0, 100);

/// A number of something, within bounds.
pub const fn number(what: &'static str, min: i64, max: i64) -> Kind {
    Kind::Number { what, min, max }
}

/// A number of seconds, within bounds.
pub const fn seconds(min: i64, max: i64) -> Kind {
    number("a number of seconds", min, max)
}

impl Kind {
    /// The number that a text states, if it is within the bounds.
    pub fn number(self, text: &str) -> Option<i64> {
        let (Self::Number { min, max, .. } | Self::Numbers { min, max }) = self else {
            return None;
        };
        let number: i64 = text.parse().ok()?;
        (min..=max).contains(&number).then_some(number)
    }

    /// Whether the default of a setting does not show which values it takes.
    pub fn needs_words(self) -> bool {
        matches!(
            self,
            Self::BooleanOrAuto | Self::Number { .. } | Self::Numbers { .. } | Self::LogLevel
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::BooleanOrAuto => f.write_str("true, false or auto"),
            Self::Number { what, min, max } => write!(f, "{what} from {min} to {max}"),
            Self::Numbers { min, max } => {
                write!(
                    f,
                    "a list of numbers from {min} to {max}, separated by commas"
                )
            }
            Self::Ip => f.write_str("an IP address"),
            Self::Ips => f.write_str("a list of IP addresses, separated by commas"),
            Self::Origins => {
                f.write_str("`*`, or a list of origins such as https://intranet.example")
            }
            Self::Url => f.write_str("an http:// or https:// URL"),
            Self::Host => f.write_str("a host name, or an http:// or https:// URL"),
            Self::LogLevel => f.write_str("one of ERROR, WARNING, INFO, DEBUG"),
            Self::Text => f.write_str("a text"),
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Section of `codex.conf`.
    pub section: &'static str,
    /// Key in the section.
    pub name: &'static str,
    /// Older keys of the section that mean the same (contract 4.1). The newer one wins.
    pub older: &'static [&'static str],
    /// An environment variable of its own (contract 4.2), besides `CODEX_<SECTION>_<KEY>`.
    pub env: Option<&'static str>,
    /// Its values.
    pub kind: Kind,
    /// Its value when nothing else is set; an empty text is no value.
    pub default: &'static str,
    /// The lines of its text, as they stand in the table: each begins with a blank.
    pub doc: &'static [&'static str],
    /// How it is shown.
    pub secrecy: Secrecy,
    /// Whether a change waits for the next start of the daemon.
    pub needs_restart: bool,
}

impl Setting {
    /// A setting that may be shown: a URL without its password, everything else as it is.
    pub const fn new(
        section: &'static str,
        name: &'static str,
        default: &'static str,
        kind: Kind,
        doc: &'static [&'static str],
    ) -> Self {
        let secrecy = match kind {
            Kind::Url | Kind::Host => Secrecy::Address,
            _ => Secrecy::Plain,
        };
        Self {
            section,
            name,
            older: &[],
            env: None,
            kind,
            default,
            doc,
            secrecy,
            needs_restart: false,
        }
    }

    /// The same with an environment variable of its own.
    pub const fn env(self, env: &'static str) -> Self {
        Self {
            env: Some(env),
            ..self
        }
    }

    /// The same with older keys.
    pub const fn older(self, older: &'static [&'static str]) -> Self {
        Self { older, ..self }
    }

    /// The same, not shown.
    pub const fn secret(self) -> Self {
        Self {
            secrecy: Secrecy::Secret,
            ..self
        }
    }

    /// The same, shown as the URL of a database.
    pub const fn connection(self) -> Self {
        Self {
            secrecy: Secrecy::Connection,
            ..self
        }
    }

    /// The same, read at the start of the daemon only.
    pub const fn restart(self) -> Self {
        Self {
            needs_restart: true,
            ..self
        }
    }

    /// Its own key and older ones.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.older.iter().copied())
    }

    /// Whether a value must not be shown: it is a secret, or an address with a password.
    pub fn hides(&self, text: &str) -> bool {
        match self.secrecy {
            Secrecy::Plain => false,
            Secrecy::Secret | Secrecy::Connection => true,
            Secrecy::Address => masked_host(text) != text,
        }
    }

    /// `section_key`, as variables have it.
    pub fn underscored(&self) -> String {
        format!("{}_{}", self.section, self.name)
    }

    /// The variable that every setting has.
    pub fn generic_env(&self) -> String {
        format!("CODEX_{}", self.underscored()).to_uppercase()
    }
}

/// A section of `codex.conf`.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// The lines of its text, each with a blank at its beginning.
    pub about: &'static [&'static str],
    /// Its settings. A section without any has keys that are not fixed, such as `kind.field`.
    pub settings: &'static [Setting],
}

impl Section {
    /// Whether its keys are not fixed.
    pub const fn is_open(&self) -> bool {
        self.settings.is_empty()
    }
}

/// Declares a section. `port = "5010", number("a port number", 0, 65_535);` below a doc comment becomes a [`Setting`]
/// with that default, those values and that text; what follows, such as `.secret()`, is called on it.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $constant:ident = $section:literal {
            $(
                $(#[doc = $doc:literal])*
                $name:ident = $default:literal, $kind:expr $(, $method:ident($($argument:expr),*))*;
            )*
        }
    ) => {
        pub const $constant: $crate::config::setting::Section = $crate::config::setting::Section {
            name: $section,
            about: &[$($about),*],
            settings: &[$(
                $crate::config::setting::Setting::new($section, stringify!($name), $default, $kind, &[$($doc),*])
                    $(.$method($($argument),*))*
            ),*],
        };
    };
}

pub(super) use section;
