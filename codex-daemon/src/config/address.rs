//! URLs among the settings: read, and shown without what they keep secret.

use std::{fmt, ops::Deref};

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

/// A URL without its password, its parameters and its fragment, which may hold one too. `***` for what is no
/// URL: it may be a password by itself.
pub fn masked_url(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return "***".to_owned();
    };
    if url.cannot_be_a_base() {
        return "***".to_owned();
    }
    let (password, query) = (url.password().is_some(), url.query().is_some());
    if !password && !query && url.fragment().is_none() {
        return text.to_owned();
    }
    if password && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    url.set_query(query.then_some("***"));
    url.set_fragment(None);
    url.into()
}

/// A host name or a URL, masked like [`masked_url`].
pub fn masked_host(text: &str) -> String {
    if text.contains("://") {
        return masked_url(text);
    }
    let masked = masked_url(&format!("https://{text}"));
    masked.trim_start_matches("https://").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_hidden() {
        for (text, shown) in [
            ("http://user:hunter2@host:1/x", "http://user:***@host:1/x"),
            ("https://:hunter2@host/", "https://:***@host/"),
            (
                "postgresql://u:hunter2@h/d?sslpassword=hunter2",
                "postgresql://u:***@h/d?***",
            ),
            ("http://host/#hunter2", "http://host/"),
            ("http://localhost:5000", "http://localhost:5000"),
            ("sqlite://instance/codex.db", "sqlite://instance/codex.db"),
            ("user:hunter2@host", "***"),
            ("hunter2", "***"),
            ("http://user:hunter2@host:port/", "***"),
        ] {
            assert_eq!(masked_url(text), shown);
        }
        for (text, shown) in [
            ("acme.freshservice.com", "acme.freshservice.com"),
            ("127.0.0.1:99", "127.0.0.1:99"),
            ("user:hunter2@acme.test", "user:***@acme.test/"),
            (
                "http://user:hunter2@acme.test/",
                "http://user:***@acme.test/",
            ),
        ] {
            assert_eq!(masked_host(text), shown);
        }
    }

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
