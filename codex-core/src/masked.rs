//! URLs without what they keep secret, for people.

use url::Url;

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
            ("sqlite:old.db", "sqlite:old.db"),
            (
                "postgresql://u@h/d?password=hunter2",
                "postgresql://u@h/d?***",
            ),
            ("user:hunter2@host", "***"),
            ("hunter2", "***"),
            ("http://user:hunter2@host:port/", "***"),
        ] {
            assert_eq!(masked_url(text), shown);
        }
        for (text, shown) in [
            ("vendor.test", "vendor.test"),
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
}
