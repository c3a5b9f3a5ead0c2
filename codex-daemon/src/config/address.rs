//! URLs among the settings.

use std::{fmt, ops::Deref};

use codex_core::masked::{masked_host, masked_url};
use url::Url;

/// An http(s) URL whose path ends in `/`, so that paths can be joined to it.
///
/// It may hold a user's password: neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a setting that may also be a host name.
    ///
    /// # Errors
    /// As [`BaseUrl::read`].
    pub fn read_host(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            Self::read(text)
        } else {
            Self::read(&format!("https://{text}"))
        }
    }

    /// Reads a setting.
    ///
    /// # Errors
    /// Why the text is no such URL, with its password hidden.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| format!("`{}` is not an http:// or https:// URL", masked_host(text)))?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// A relative path below it.
    pub fn at(&self, path: &str) -> Self {
        // Joining one to a base that ends in `/` cannot fail, but says so by type.
        self.0.join(path).map_or_else(|_| self.clone(), Self)
    }

    /// Its scheme and host, with the port where that is not the usual one.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The URL itself, for a call.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl Deref for BaseUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked_url(self.0.as_str()))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&masked_url(self.0.as_str()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_url_output_has_no_password() {
        let url = BaseUrl::read("http://user:hunter2@host/auth").unwrap();
        assert_eq!(url.path(), "/auth/");
        assert_eq!(url.password(), Some("hunter2"));
        assert!(!format!("{url} {url:?}").contains("hunter2"));
        let error = BaseUrl::read("ftp://user:hunter2@host").unwrap_err();
        assert_eq!(
            error,
            "`ftp://user:***@host/` is not an http:// or https:// URL"
        );
    }
}
