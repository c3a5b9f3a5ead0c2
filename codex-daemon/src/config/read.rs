//! The values of a section with their types, as the kinds of its settings say.

use std::{net::IpAddr, time::Duration};

use secrecy::SecretString;

use super::{
    BaseUrl, ConfigError, Layers, keys,
    origin::Origin,
    setting::Kind::{self, Text},
};

/// The values of a section.
#[derive(Debug, Clone, Copy)]
pub struct Values<'l> {
    layers: &'l Layers,
    section: &'static str,
}

impl Layers {
    /// The values of a section.
    pub(super) fn section(&self, section: &'static str) -> Values<'_> {
        Values {
            layers: self,
            section,
        }
    }
}

impl<'l> Values<'l> {
    /// The text of a setting; `None` when it is not set.
    pub fn get(self, key: &str) -> Option<&'l str> {
        self.layers.text(self.section, key)
    }

    /// The text of a setting; empty when it is not set.
    pub fn text(self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    /// A secret that is set to something real.
    pub fn secret(self, key: &str) -> Option<SecretString> {
        let text = self.get(key)?;
        (!is_sample(text)).then(|| text.into())
    }

    /// A boolean of `configparser`.
    pub fn boolean(self, key: &str) -> Result<bool, ConfigError> {
        self.read(key, |_, text| boolean(text))
    }

    /// The same; `None` for `auto`.
    pub fn boolean_or_auto(self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.read(key, |_, text| match text {
            "auto" => Some(None),
            _ => boolean(text).map(Some),
        })
    }

    /// A whole number within the bounds of its setting.
    pub fn number<T: TryFrom<i64>>(self, key: &str) -> Result<T, ConfigError> {
        self.read(key, within)
    }

    /// The same; `None` when it is not set.
    pub fn number_if_set<T: TryFrom<i64>>(self, key: &str) -> Result<Option<T>, ConfigError> {
        self.get(key).map(|_| self.number(key)).transpose()
    }

    /// A time, set in seconds.
    pub fn seconds(self, key: &str) -> Result<Duration, ConfigError> {
        self.number(key).map(Duration::from_secs)
    }

    /// Whole numbers, each within the bounds of their setting.
    pub fn numbers<T: TryFrom<i64>>(self, key: &str) -> Result<Vec<T>, ConfigError> {
        self.read(key, |kind, text| {
            text.split(',').map(|text| within(kind, text)).collect()
        })
    }

    /// An IP address.
    pub fn ip(self, key: &str) -> Result<IpAddr, ConfigError> {
        self.read(key, |_, text| text.parse().ok())
    }

    /// IP addresses; none when the setting is not set.
    pub fn ips(self, key: &str) -> Result<Vec<IpAddr>, ConfigError> {
        self.read(key, |_, text| {
            let each = text.split(',').map(str::trim);
            let each = each.filter(|text| !text.is_empty());
            each.map(|text| text.parse().ok()).collect()
        })
    }

    /// Origins; none when the setting is not set.
    pub fn origins(self, key: &str) -> Result<Vec<Origin>, ConfigError> {
        self.read_as(key, origins)
    }

    /// A URL.
    pub fn url(self, key: &str) -> Result<BaseUrl, ConfigError> {
        self.read_as(key, BaseUrl::read)
    }

    /// The same; `None` when it is not set.
    pub fn url_if_set(self, key: &str) -> Result<Option<BaseUrl>, ConfigError> {
        self.get(key).map(|_| self.url(key)).transpose()
    }

    /// A host name or a URL, as a URL.
    pub fn host(self, key: &str) -> Result<BaseUrl, ConfigError> {
        self.read_as(key, BaseUrl::read_host)
    }

    /// A level, by its name in Python.
    pub fn level(self, key: &str) -> Result<tracing::Level, ConfigError> {
        self.read(key, |_, text| level(text))
    }

    /// The error that a setting's value cannot be used.
    pub fn wrong(self, key: &str, message: impl Into<String>) -> ConfigError {
        self.layers.wrong(self.section, key, message.into())
    }

    /// A value that `read` understands; otherwise the kind of the setting says what is wanted.
    fn read<T>(
        self,
        key: &str,
        read: impl FnOnce(Kind, &str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let kind = keys::find(self.section, key).map_or(Text, |setting| setting.kind);
        self.read_as(key, |text| {
            read(kind, text).ok_or_else(|| format!("`{text}` is not {kind}"))
        })
    }

    /// A value, read by what says itself why it cannot be.
    fn read_as<T>(
        self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        read(self.get(key).unwrap_or_default()).map_err(|message| self.wrong(key, message))
    }
}

/// Why a text is no value of a kind; `None` when it is one.
pub(super) fn fault_of(kind: Kind, text: &str) -> Option<String> {
    let is_right = match kind {
        Kind::Url => return BaseUrl::read(text).err(),
        Kind::Host => return BaseUrl::read_host(text).err(),
        Kind::Boolean => boolean(text).is_some(),
        Kind::BooleanOrAuto => text == "auto" || boolean(text).is_some(),
        Kind::Number { .. } => kind.number(text).is_some(),
        Kind::Numbers { .. } => text.split(',').all(|one| kind.number(one.trim()).is_some()),
        Kind::Ip => text.parse::<IpAddr>().is_ok(),
        Kind::Ips => text
            .split(',')
            .map(str::trim)
            .all(|one| one.is_empty() || one.parse::<IpAddr>().is_ok()),
        Kind::Origins => return origins(text).err(),
        Kind::LogLevel => level(text).is_some(),
        Kind::Text => true,
    };
    (!is_right).then(|| format!("`{text}` is not {kind}"))
}

fn origins(text: &str) -> Result<Vec<Origin>, String> {
    let each = text.split(',').map(str::trim);
    each.filter(|one| !one.is_empty())
        .map(Origin::parse)
        .collect()
}

/// The number that a text states, if the kind allows it and its type can hold it.
fn within<T: TryFrom<i64>>(kind: Kind, text: &str) -> Option<T> {
    T::try_from(kind.number(text.trim())?).ok()
}

/// A level, by its name in Python.
fn level(text: &str) -> Option<tracing::Level> {
    match text.to_uppercase().as_str() {
        "CRITICAL" | "ERROR" => Some(tracing::Level::ERROR),
        "WARNING" | "WARN" => Some(tracing::Level::WARN),
        "INFO" => Some(tracing::Level::INFO),
        "DEBUG" => Some(tracing::Level::DEBUG),
        "TRACE" => Some(tracing::Level::TRACE),
        _ => None,
    }
}

/// The booleans of `configparser`.
fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// Samples of the documentation that people may have left as they were.
pub(super) fn is_sample(text: &str) -> bool {
    text.starts_with("YOUR_") || text.starts_with("your-domain")
}
