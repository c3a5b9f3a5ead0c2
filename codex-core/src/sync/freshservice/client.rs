//! The calls.

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::header::LINK;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

use super::NAME;
use crate::{
    clock::SharedClock,
    sync::{
        HttpSettings, RateLimitBlock, Run, UpstreamError,
        engine::{
            crawl::{Lister, Page},
            http::Upstream,
        },
    },
};

/// More pages than any account has: a million records of a kind.
const MAX_PAGES: usize = 10_000;

/// More pages than one ticket has of anything.
const MAX_PARTS: usize = 200;

/// Which account, and how to call it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base address, ending in `/api/v2`.
    pub base: Url,
    /// The key; it goes in as the user name of HTTP Basic (vendors 1.1).
    pub api_key: SecretString,
    /// Whether tickets of all workspaces are read and not of the primary one alone.
    pub all_workspaces: bool,
    /// Time-outs, waits, limits.
    pub http: HttpSettings,
}

/// The lists that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Departments,
    Requesters,
    Agents,
    /// Tickets changed since a moment: live ones, or those of a view (`deleted`, `spam`).
    Tickets(DateTime<Utc>, Option<&'static str>),
    Conversations(i64),
    TimeEntries(i64),
}

impl List {
    pub fn name(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Requesters => "requesters",
            Self::Agents => "agents",
            Self::Tickets(..) => "tickets",
            Self::Conversations(_) => "conversations",
            Self::TimeEntries(_) => "time_entries",
        }
    }

    fn path(self) -> Vec<String> {
        match self {
            Self::Conversations(ticket) | Self::TimeEntries(ticket) => {
                vec!["tickets".into(), ticket.to_string(), self.name().into()]
            }
            _ => vec![self.name().into()],
        }
    }

    /// Parameters of our own. A plain list of tickets hides what is older than 30 days (trap 1).
    /// A list without a workspace is the primary one's; 0 is all of them (trap 34).
    fn parameters(self, all_workspaces: bool) -> Vec<(&'static str, String)> {
        let Self::Tickets(since, view) = self else {
            return Vec::new();
        };
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut own = vec![
            ("updated_since", since),
            ("include", "stats,requester".to_owned()),
        ];
        own.extend(view.map(|view| ("filter", view.to_owned())));
        own.extend(all_workspaces.then(|| ("workspace_id", "0".to_owned())));
        own
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

    pub fn singular(self) -> &'static str {
        match self {
            Self::Departments => "department",
            Self::Requesters => "requester",
            Self::Agents => "agent",
            Self::Tickets(..) => "ticket",
            Self::Conversations(_) => "conversation",
            Self::TimeEntries(_) => "time_entry",
        }
    }
}

/// Freshservice as one run calls it.
#[derive(Debug)]
pub(super) struct Client {
    upstream: Upstream,
    base: Url,
    api_key: SecretString,
    all_workspaces: bool,
    /// Next pages that were followed, to notice a list that never ends.
    followed: Mutex<HashSet<Url>>,
}

impl Client {
    pub fn new(
        settings: Settings,
        rate_limit_block: RateLimitBlock,
        clock: SharedClock,
    ) -> Result<Self, UpstreamError> {
        let upstream = Upstream::new(NAME, settings.http, rate_limit_block, clock)?;
        let followed = Mutex::default();
        Ok(Self {
            upstream,
            base: settings.base,
            api_key: settings.api_key,
            all_workspaces: settings.all_workspaces,
            followed,
        })
    }

    /// A client for the calls of a run.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_run(settings: &Settings, run: &mut Run) -> Result<Arc<Self>, UpstreamError> {
        let rate_limit_block = run.rate_limit_block(NAME);
        let client = Self::new(settings.clone(), rate_limit_block, run.clock().clone())?;
        Ok(Arc::new(client))
    }

    /// The same for somebody who waits ([`Upstream::for_people`]).
    pub fn for_people(mut self) -> Self {
        self.upstream = self.upstream.for_people();
        self
    }

    /// Proves that the key works before anything is read; the route is not documented, so its absence,
    /// 404 or 400, proves nothing (vendors 1.1, 6).
    pub async fn check_login(&self) -> Result<(), UpstreamError> {
        match self.get("agents/me", self.url(&["agents", "me"])).await {
            Ok(_)
            | Err(UpstreamError::NotFound { .. } | UpstreamError::Status { code: 400, .. }) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Reads one department: unlike [`Client::check_login`] it fails where the address is no Freshservice.
    pub async fn probe(&self) -> Result<(), UpstreamError> {
        let list = List::Departments;
        let mut url = self.url(&[list.name()]);
        url.query_pairs_mut().append_pair("per_page", "1");
        let reply = self.get(list.name(), url).await?;
        let found = list.array(&reply.body).map(|_| ());
        found.ok_or_else(|| UpstreamError::malformed(NAME, list.name()))
    }

    /// One record by its id; `None` for a 404.
    pub async fn one(&self, list: List, id: &str) -> Result<Option<Value>, UpstreamError> {
        let mut url = self.url(&[list.name(), id]);
        if let List::Tickets(..) = list {
            let included = "conversations,stats,requester";
            url.query_pairs_mut().append_pair("include", included);
        }
        match self.get(list.singular(), url).await {
            Ok(reply) => match list.single(&reply.body) {
                Some(record) => Ok(Some(record.clone())),
                None => Err(UpstreamError::malformed(NAME, list.name())),
            },
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a department its account number (contract 3.4).
    pub async fn number_department(&self, id: &str, number: &str) -> Result<(), UpstreamError> {
        let url = self.url(&["departments", id]);
        // As a number where it is one: the field is numeric in most accounts.
        let number = number
            .parse::<i64>()
            .map_or_else(|_| Value::from(number), Value::from);
        let body = serde_json::json!({"custom_fields": {"account_number": number}});
        let request = |http: &reqwest::Client| {
            http.put(url.clone())
                .basic_auth(self.api_key.expose_secret(), Some("X"))
                .json(&body)
        };
        self.upstream.command("update department", request).await
    }

    /// Sets the status of a ticket; once, for by a second try somebody may have set another.
    pub async fn set_status(&self, ticket: i64, status: i64) -> Result<(), UpstreamError> {
        let url = self.url(&["tickets".to_owned(), ticket.to_string()]);
        let body = serde_json::json!({"status": status});
        let request = |http: &reqwest::Client| {
            http.put(url.clone())
                .basic_auth(self.api_key.expose_secret(), Some("X"))
                .json(&body)
        };
        let reply = self.upstream.call_once("update ticket", request).await;
        reply.map(drop)
    }

    /// Adds a private note to a ticket, once; gives its id.
    pub async fn add_note(&self, ticket: i64, html: &str) -> Result<i64, UpstreamError> {
        const RESOURCE: &str = "create note";
        let url = self.url(&["tickets".to_owned(), ticket.to_string(), "notes".to_owned()]);
        let body = serde_json::json!({"body": html, "private": true});
        let request = |http: &reqwest::Client| {
            http.post(url.clone())
                .basic_auth(self.api_key.expose_secret(), Some("X"))
                .json(&body)
        };
        let reply = self.upstream.call_once(RESOURCE, request).await?;
        let id = reply.body["conversation"]["id"].as_i64();
        id.ok_or_else(|| UpstreamError::malformed(NAME, RESOURCE))
    }

    /// The form of tickets, whose status field has the account's own words.
    pub async fn form(&self) -> Result<Value, UpstreamError> {
        let url = self.url(&["ticket_form_fields"]);
        Ok(self.get("ticket_form_fields", url).await?.body)
    }

    /// A page of the tickets that were opened from one moment to another, both included, and how many
    /// there are in all. There is no link to the next page; pages are counted (traps 2, 3).
    pub async fn opened(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        page: u32,
    ) -> Result<(Vec<Value>, u64), UpstreamError> {
        const RESOURCE: &str = "tickets/filter";
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let query = format!(
            "\"created_at:>'{}' AND created_at:<'{}'\"",
            text(from),
            text(to)
        );
        let mut url = self.url(&["tickets", "filter"]);
        url.query_pairs_mut()
            .append_pair("query", &query)
            .append_pair("page", &page.to_string());
        if self.all_workspaces {
            url.query_pairs_mut().append_pair("workspace_id", "0");
        }
        let body = self.get(RESOURCE, url).await?.body;
        let items = body["tickets"].as_array().cloned();
        let malformed = || UpstreamError::malformed(NAME, RESOURCE);
        let total = body["total"].as_u64().ok_or_else(malformed)?;
        Ok((items.ok_or_else(malformed)?, total))
    }

    /// Every item of a list that belongs to one ticket.
    pub async fn whole(&self, list: List) -> Result<Vec<Value>, UpstreamError> {
        let (mut all, mut at) = (Vec::new(), None);
        for _ in 0..MAX_PARTS {
            let page = self.page(&list, at).await?;
            all.extend(page.items);
            at = page.next;
            if at.is_none() {
                return Ok(all);
            }
        }
        Err(UpstreamError::malformed(NAME, list.name()))
    }

    fn url(&self, path: &[impl AsRef<str>]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let path = path.iter().map(AsRef::as_ref);
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn get(
        &self,
        resource: &str,
        url: Url,
    ) -> Result<crate::sync::engine::http::Reply, UpstreamError> {
        self.upstream
            .call(resource, |http| {
                http.get(url.clone())
                    .basic_auth(self.api_key.expose_secret(), Some("X"))
            })
            .await
    }

    /// The address of the next page, opaque, on our host, not followed before (vendors 1.2).
    fn next(
        &self,
        list: List,
        headers: &reqwest::header::HeaderMap,
    ) -> Result<Option<Url>, UpstreamError> {
        let Some(link) = next_link(headers) else {
            return Ok(None);
        };
        let resource = list.name().to_owned();
        let Ok(mut url) = self.base.join(&link) else {
            return Err(UpstreamError::malformed(NAME, list.name()));
        };
        // A link may have lost our parameters, and with them the bound of the list (trap 4).
        for (name, value) in list.parameters(self.all_workspaces) {
            if !url.query_pairs().any(|(known, _)| known == name) {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        if url.origin() != self.base.origin() {
            return Err(UpstreamError::ForeignLink {
                source_name: NAME,
                resource,
            });
        }
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.len() < MAX_PAGES && followed.insert(url.clone()) {
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
            let mut url = self.url(&list.path());
            url.query_pairs_mut()
                .append_pair("per_page", "100")
                .append_pair("page", "1")
                .extend_pairs(list.parameters(self.all_workspaces));
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

/// The target of `Link: <...>; rel="next"`; the address may hold commas of its own.
fn next_link(headers: &reqwest::header::HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter();
    links
        .filter_map(|link| link.to_str().ok())
        .find_map(|link| {
            link.split('<').skip(1).find_map(|part| {
                let (target, parameters) = part.split_once('>')?;
                let mut parameters = parameters.split([';', ',']).map(str::trim);
                let next = parameters.any(|text| text == "rel=\"next\"" || text == "rel=next");
                next.then(|| target.to_owned())
            })
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        clock::SystemClock,
        sync::engine::http::stub::{Stub, answer, json as good, rate_limit_block, status},
    };

    async fn client(
        reply: impl Fn(usize, &str) -> String + Send + Sync + 'static,
    ) -> (Client, Stub, TempDir) {
        let (stub, (rate_limit_block, folder)) = (Stub::new(reply).await, rate_limit_block().await);
        let http = HttpSettings {
            backoff: Duration::from_millis(1),
            ..HttpSettings::default()
        };
        let base = stub.base.join("api/v2/").unwrap();
        let api_key = SecretString::from("KEY");
        let settings = Settings {
            base,
            api_key,
            all_workspaces: false,
            http,
        };
        let client = Client::new(settings, rate_limit_block, Arc::new(SystemClock)).unwrap();
        (client, stub, folder)
    }

    fn linked(link: &str, body: &str) -> String {
        answer(200, &[&format!("link: {link}")], "application/json", body)
    }

    #[tokio::test]
    async fn next_links_are_followed_to_the_end() {
        let (client, stub, _folder) = client(|n, _| match n {
            0 => linked(
                "</api/v2/agents?filter=x&page=2>; rel=\"next\"",
                "{\"agents\": [{\"id\": 1}]}",
            ),
            _ => good("{\"agents\": [{\"id\": 2}]}"),
        })
        .await;
        let first = client.page(&List::Agents, None).await.unwrap();
        let second = client.page(&List::Agents, first.next).await.unwrap();
        assert_eq!(second.items, [json!({"id": 2})]);
        assert!(second.next.is_none());
        let requests = stub.requests.lock().unwrap();
        assert!(requests[0].starts_with("GET /api/v2/agents?per_page=100&page=1 "));
        assert!(requests[1].starts_with("GET /api/v2/agents?filter=x&page=2 "));
        // `KEY:X` in base 64 (vendors 1.1).
        assert!(requests[0].contains("Basic S0VZOlg="));
    }

    #[tokio::test]
    async fn next_link_to_another_host_is_an_error() {
        let link = "<https://other.test/api/v2/agents?page=2>; rel=\"next\"";
        let (client, stub, _folder) = client(move |_, _| linked(link, "{\"agents\": []}")).await;
        let error = client.page(&List::Agents, None).await.unwrap_err();
        assert!(matches!(error, UpstreamError::ForeignLink { .. }));
        assert_eq!(stub.count(), 1);
    }

    #[tokio::test]
    async fn repeated_page_is_a_loop() {
        let (client, _stub, _folder) =
            client(|_, _| linked("</a?page=2>; rel=\"next\"", "{\"agents\": []}")).await;
        let first = client.page(&List::Agents, None).await.unwrap();
        let error = client.page(&List::Agents, first.next).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Loop { .. }));
    }

    #[tokio::test]
    async fn endless_list_is_a_loop() {
        let (client, _stub, _folder) = client(|n, _| {
            let link = format!("</a?page={n}>; rel=\"next\"");
            linked(&link, "{\"agents\": []}")
        })
        .await;
        let first = client.page(&List::Agents, None).await.unwrap();
        let others = (1..MAX_PAGES).map(|n| client.base.join(&format!("b?page={n}")).unwrap());
        client.followed.lock().unwrap().extend(others);
        let error = client.page(&List::Agents, first.next).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Loop { .. }));
    }

    #[tokio::test]
    async fn list_without_its_array_is_malformed() {
        for body in [
            "null",
            "{}",
            "[]",
            "{\"agents\": null}",
            "{\"agents\": {}}",
            "5",
        ] {
            let (client, _stub, _folder) = client(move |_, _| good(body)).await;
            let error = client.page(&List::Agents, None).await.unwrap_err();
            assert!(matches!(error, UpstreamError::Malformed { .. }), "{body}");
        }
    }

    #[tokio::test]
    async fn missing_list_is_an_error_and_a_missing_record_none() {
        let (client, _stub, _folder) = client(|_, _| status(404)).await;
        let error = client.page(&List::Departments, None).await.unwrap_err();
        assert!(matches!(error, UpstreamError::NotFound { .. }));
        assert!(client.one(List::Departments, "1").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn record_without_its_wrapper_is_malformed() {
        for body in [
            "null",
            "{}",
            "{\"department\": null}",
            "{\"departments\": []}",
        ] {
            let (client, _stub, _folder) = client(move |_, _| good(body)).await;
            let error = client.one(List::Departments, "1").await.unwrap_err();
            assert!(matches!(error, UpstreamError::Malformed { .. }), "{body}");
        }
    }

    #[tokio::test]
    async fn ids_are_encoded_in_the_path() {
        let (client, stub, _folder) = client(|_, _| status(404)).await;
        client.one(List::Agents, "1?x=/../..#").await.unwrap();
        let requests = stub.requests.lock().unwrap();
        assert!(
            requests[0].starts_with("GET /api/v2/agents/1%3Fx="),
            "{}",
            requests[0]
        );
        assert!(requests[0].contains("%2F"), "{}", requests[0]);
    }

    #[tokio::test]
    async fn login_check_fails_only_for_a_refused_key() {
        for (code, fine) in [(404, true), (400, true), (401, false), (403, false)] {
            let (client, _stub, _folder) = client(move |_, _| status(code)).await;
            assert_eq!(client.check_login().await.is_ok(), fine, "{code}");
        }
    }

    #[test]
    fn next_link_is_found_among_others() {
        let read = |value: &str| {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert(LINK, value.parse().unwrap());
            next_link(&headers)
        };
        let two = "<https://a/x?page=1>; rel=\"prev\", <https://a/x?filter=f&page=3>; rel=\"next\"";
        assert_eq!(read(two).as_deref(), Some("https://a/x?filter=f&page=3"));
        let comma = "<https://a/x?f=1,2&page=3>; rel=\"next\"";
        assert_eq!(read(comma).as_deref(), Some("https://a/x?f=1,2&page=3"));
        assert_eq!(
            read("<https://a/2>;rel=next").as_deref(),
            Some("https://a/2")
        );
        assert_eq!(read("<https://a/1>; rel=\"prev\""), None);
    }

    #[test]
    fn both_spellings_of_the_wrapper_are_read() {
        let body = json!({"requester": [1]});
        assert_eq!(List::Requesters.array(&body).map(Vec::len), Some(1));
        let body = json!({"departments": {"id": "1"}});
        assert!(List::Departments.single(&body).is_some());
    }
}
