//! Origins of pages, as browsers send them.

use axum::http::HeaderValue;
use url::Url;

/// An origin such as `https://intranet.example`, or every origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Every origin, `*`.
    Any,
    /// One, in the spelling of the header `Origin`.
    One(HeaderValue),
}

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let wrong = || {
            format!(
                "`{text}` is not an origin; write `*`, or scheme and host such as https://intranet.example"
            )
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let has_more =
            !matches!(url.path(), "" | "/") || url.query().is_some() || !url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || has_more {
            return Err(wrong());
        }
        let origin = url.origin().ascii_serialization();
        let origin = HeaderValue::from_str(&origin).map_err(|_| wrong())?;
        Ok(Self::One(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_spelled_as_browsers_send_them() {
        for (text, origin) in [
            ("https://Intranet.example/", "https://intranet.example"),
            ("https://tools.example:8443", "https://tools.example:8443"),
            ("http://a.example:80", "http://a.example"),
        ] {
            assert_eq!(
                Origin::parse(text),
                Ok(Origin::One(HeaderValue::from_static(origin))),
                "{text}"
            );
        }
        assert_eq!(Origin::parse("*"), Ok(Origin::Any));
    }

    #[test]
    fn what_is_no_origin_is_an_error() {
        for text in [
            "",
            "intranet.example",
            "ftp://a.example",
            "https://a.example/path",
            "https://u@a.example",
            "null",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
