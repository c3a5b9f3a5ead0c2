//! The calls.

use std::collections::HashSet;

use reqwest::header::LINK;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use url::Url;

use super::NAME;
use crate::{
    clock::SharedClock,
    sync::{
        Gate, HttpSettings, UpstreamError,
        crawl::{Lister, Page},
        http::Upstream,
    },
};

/// Which account, and how to call it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base address, ending in `/api/v2`.
    pub base: Url,
    /// The key; it goes in as the user name of HTTP Basic (upstreams 1.1).
    pub api_key: SecretString,
    /// Time-outs, waits, limits.
    pub http: HttpSettings,
}

/// The lists that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Departments,
    Requesters,
    Agents,
}

impl List {
    pub fn name(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Requesters => "requesters",
            Self::Agents => "agents",
        }
    }

    /// The member that holds the array: the MSP edition's sample calls it `requester` (trap 35).
    fn array(self, body: &Value) -> Option<&Vec<Value>> {
        let singular = self.singular();
        [self.name(), singular]
            .iter()
            .find_map(|key| body.get(key)?.as_array())
    }

    /// The member that holds a single record: the MSP edition wraps it in the plural (trap 35).
    fn single(self, body: &Value) -> Option<&Value> {
        let found = [self.singular(), self.name()]
            .iter()
            .find_map(|key| body.get(key));
        found.filter(|record| record.is_object())
    }

    fn singular(self) -> &'static str {
        match self {
            Self::Departments => "department",
            Self::Requesters => "requester",
            Self::Agents => "agent",
        }
    }
}

/// Freshservice as one run calls it.
#[derive(Debug)]
pub(super) struct Client {
    upstream: Upstream,
    base: Url,
    api_key: SecretString,
    /// Next pages that were followed, to notice a list that never ends.
    followed: Mutex<HashSet<Url>>,
}

impl Client {
    pub fn new(settings: Settings, gate: Gate, clock: SharedClock) -> Result<Self, UpstreamError> {
        let upstream = Upstream::new(NAME, settings.http, gate, clock)?;
        let followed = Mutex::default();
        Ok(Self {
            upstream,
            base: settings.base,
            api_key: settings.api_key,
            followed,
        })
    }

    /// Proves that the key works before anything is read; the route is not documented, so its absence
    /// proves nothing (upstreams 1.1).
    pub async fn check_login(&self) -> Result<(), UpstreamError> {
        match self.get("agents/me", self.url("agents/me")).await {
            Ok(_) | Err(UpstreamError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One record by its id; `None` for a 404.
    pub async fn one(&self, list: List, id: &str) -> Result<Option<Value>, UpstreamError> {
        let resource = format!("{}/{id}", list.name());
        match self.get(list.name(), self.url(&resource)).await {
            Ok(reply) => match list.single(&reply.body) {
                Some(record) => Ok(Some(record.clone())),
                None => Err(UpstreamError::malformed(NAME, list.name())),
            },
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    async fn get(
        &self,
        resource: &str,
        url: Url,
    ) -> Result<crate::sync::http::Reply, UpstreamError> {
        self.upstream
            .call(resource, |http| {
                http.get(url.clone())
                    .basic_auth(self.api_key.expose_secret(), Some("X"))
            })
            .await
    }

    /// The address of the next page, opaque, on our host, not followed before (upstreams 1.2).
    fn next(
        &self,
        list: List,
        headers: &reqwest::header::HeaderMap,
    ) -> Result<Option<Url>, UpstreamError> {
        let Some(link) = next_link(headers) else {
            return Ok(None);
        };
        let resource = list.name().to_owned();
        let Ok(url) = self.base.join(&link) else {
            return Err(UpstreamError::malformed(NAME, list.name()));
        };
        if url.origin() != self.base.origin() {
            return Err(UpstreamError::ForeignLink {
                source_name: NAME,
                resource,
            });
        }
        let new = self
            .followed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(url.clone());
        if new {
            Ok(Some(url))
        } else {
            Err(UpstreamError::Loop {
                source_name: NAME,
                resource,
            })
        }
    }
}

impl Lister for Client {
    type List = List;
    type Next = Url;

    async fn page(&self, list: &List, at: Option<Url>) -> Result<Page<Url>, UpstreamError> {
        let url = at.clone().unwrap_or_else(|| {
            let mut url = self.url(list.name());
            url.query_pairs_mut()
                .append_pair("per_page", "100")
                .append_pair("page", "1");
            url
        });
        let reply = self.get(list.name(), url).await?;
        let Some(items) = list.array(&reply.body) else {
            return Err(UpstreamError::malformed(NAME, list.name()));
        };
        // A first page that is read again may point to a second that was followed already.
        if at.is_none() {
            self.followed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
        let next = self.next(*list, &reply.headers)?;
        Ok(Page {
            items: items.clone(),
            next,
            total: None,
        })
    }

    fn calls(&self) -> u64 {
        self.upstream.calls()
    }
}

/// The target of `Link: <...>; rel="next"`.
fn next_link(headers: &reqwest::header::HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|link| link.to_str().ok())
        .flat_map(|link| link.split(','))
        .find_map(|part| {
            let (target, rest) = part.trim().strip_prefix('<')?.split_once('>')?;
            rest.contains("rel=\"next\"").then(|| target.to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let mut headers = reqwest::header::HeaderMap::new();
        let value =
            "<https://a/x?page=1>; rel=\"prev\", <https://a/x?filter=f&page=3>; rel=\"next\"";
        headers.insert(LINK, value.parse().unwrap());
        assert_eq!(
            next_link(&headers).as_deref(),
            Some("https://a/x?filter=f&page=3")
        );
    }

    #[test]
    fn both_spellings_of_the_wrapper_are_read() {
        let body = serde_json::json!({"requester": [1]});
        assert_eq!(List::Requesters.array(&body).map(Vec::len), Some(1));
        let body = serde_json::json!({"departments": {"id": "1"}});
        assert!(List::Departments.single(&body).is_some());
    }
}
