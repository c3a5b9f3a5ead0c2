//! Where the caller's browser thinks we are: Nexus strips `/codex` and says so in headers (consumers 3).

use std::{convert::Infallible, net::IpAddr};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use codex_core::Role;

use crate::{
    http::headers::{list, single},
    pages::Repeated,
};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

impl PeerAddress {
    /// Who calls: what a proxy on this machine says, else the other end itself. Anyone else could say
    /// anything.
    pub fn caller(self, headers: &HeaderMap) -> IpAddr {
        let named = list(headers, &FOR);
        let named = named.as_ref().and_then(|named| named.to_str().ok());
        let named = named.and_then(|named| last(named).parse().ok());
        let caller = named.filter(|_| self.0.is_loopback()).unwrap_or(self.0);
        caller.to_canonical()
    }
}

/// The prefix of our paths as the browser sees them, who reads the page, and whether it is a repeated answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    prefix: String,
    reader: Option<Role>,
    repeated: Option<Repeated>,
}

impl Forwarded {
    /// Reads the headers of one hop; what is not usable is ignored.
    pub fn of(headers: &HeaderMap) -> Self {
        let prefix = single(headers, "x-forwarded-prefix").map(last);
        let prefix = prefix.filter(|prefix| is_path(prefix));
        Self {
            prefix: prefix.unwrap_or_default().trim_end_matches('/').to_owned(),
            reader: None,
            repeated: None,
        }
    }

    /// The same for a page that somebody with a role reads: which sections it links depends on that.
    pub fn read_by(mut self, role: Role) -> Self {
        self.reader = Some(role);
        self
    }

    /// The role of whom the page is for; `None` where nobody has been recognized.
    pub fn reader(&self) -> Option<Role> {
        self.reader
    }

    /// The same for a page that may be the repeated answer of a form.
    pub(crate) fn repeating(mut self, repeated: Option<&Repeated>) -> Self {
        self.repeated = repeated.cloned();
        self
    }

    /// Whether the page is the repeated answer of a form, and where that form is.
    pub(crate) fn repeated(&self) -> Option<&Repeated> {
        self.repeated.as_ref()
    }

    /// The prefix, without a slash at its end; empty when there is none.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A link to one of our paths.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl<S: Sync> FromRequestParts<S> for Forwarded {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// Whether a proxy passed a request on.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    let mut names = headers.keys().map(HeaderName::as_str);
    names.any(|name| name.starts_with("x-forwarded-") || name == "forwarded")
}

/// The value that the nearest proxy added: proxies write theirs behind a comma, and one hop is trusted.
fn last(values: &str) -> &str {
    values.rsplit(',').next().unwrap_or_default().trim()
}

/// A path on this host. `//elsewhere` would be another host.
fn is_path(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let has_dots = || prefix.split('/').any(|part| matches!(part, "." | ".."));
    prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(plain) && !has_dots()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn forwarded(headers: &[(&'static str, &'static str)]) -> Forwarded {
        let headers = headers
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        Forwarded::of(&headers.collect())
    }

    #[test]
    fn links_carry_the_prefix() {
        let nexus = forwarded(&[("x-forwarded-prefix", "/codex")]);
        assert_eq!(nexus.link("/companies/"), "/codex/companies/");
        assert_eq!(forwarded(&[]).link("/docs/"), "/docs/");
    }

    #[test]
    fn only_a_local_proxy_names_the_caller() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_static("10.0.0.1, 192.0.2.7"),
        );
        let caller = |peer: &str| {
            PeerAddress(peer.parse().unwrap())
                .caller(&headers)
                .to_string()
        };
        assert_eq!(caller("127.0.0.1"), "192.0.2.7");
        assert_eq!(caller("::1"), "192.0.2.7");
        assert_eq!(caller("198.51.100.9"), "198.51.100.9");
        assert_eq!(caller("::ffff:198.51.100.9"), "198.51.100.9");
    }

    #[test]
    fn unsafe_prefixes_are_ignored() {
        for bad in ["//evil.example", "/a//b", "evil", "/a\"onload=", "/a?b"] {
            assert_eq!(forwarded(&[("x-forwarded-prefix", bad)]).prefix(), "");
        }
        assert_eq!(
            forwarded(&[("x-forwarded-prefix", "/a, /codex/")]).prefix(),
            "/codex"
        );
    }
}
