//! The gateway that plays Nexus: logging in, the way to Codex and back, and pages in their frame.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::{HeaderMap, Uri},
    response::{IntoResponse as _, Response as Answer},
    routing::get,
};
use codex_tests::{
    harness::{TestResult, app::TestApp},
    on_sqlite,
    sim::{
        core::Core,
        gateway::{Gateway, Options, PEOPLE},
    },
};
use futures::stream;
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

/// The contact of the simulated world whose company the client user sees.
const CLIENT: &str = "person0@client0.example";
const OWN_COMPANY: &str = "/codex/companies/100000";
const OTHER_COMPANY: &str = "/codex/companies/100001";
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
/// Far below what a test waits for.
const SILENCE: Duration = Duration::from_millis(400);

/// A browser: it follows no redirect by itself.
struct Browser {
    http: Client,
    url: String,
    cookie: String,
}

impl Browser {
    fn new(gateway: &Gateway) -> anyhow::Result<Self> {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            http,
            url: gateway.url().to_owned(),
            cookie: String::new(),
        })
    }

    /// One that is logged in.
    async fn of(gateway: &Gateway, role: &str) -> anyhow::Result<Self> {
        let mut browser = Self::new(gateway)?;
        browser.log_in(role, "").await?;
        Ok(browser)
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, format!("{}{path}", self.url));
        call.header(ACCEPT, HTML).header(COOKIE, &self.cookie)
    }

    /// Clicks a button: where it leads.
    async fn log_in(&mut self, role: &str, next: &str) -> anyhow::Result<String> {
        let form = [("role", role), ("next", next)];
        let answer = self.call(Method::POST, "/login").form(&form).send().await?;
        anyhow::ensure!(
            answer.status() == StatusCode::SEE_OTHER,
            "{}",
            answer.status()
        );
        let cookie = answer.headers()[SET_COOKIE].to_str()?;
        let pair = cookie.split(';').next().unwrap_or_default();
        pair.clone_into(&mut self.cookie);
        location(&answer)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Ok(self.call(Method::GET, path).send().await?)
    }

    /// The page at a path that answers 200.
    async fn page(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.get(path).await?;
        let status = answer.status();
        let html = answer.text().await?;
        anyhow::ensure!(status == StatusCode::OK, "{path}: {status} {html}");
        Ok(html)
    }
}

fn location(answer: &Response) -> anyhow::Result<String> {
    Ok(answer.headers()[LOCATION].to_str()?.to_owned())
}

/// The values of `href` and `action` in a text.
fn links(html: &str) -> BTreeSet<String> {
    let starts = [" href=\"", " action=\""];
    let parts = starts.iter().flat_map(|start| html.split(start).skip(1));
    let values = parts.filter_map(|part| part.split('"').next());
    values.map(str::to_owned).collect()
}

/// What is in `main`, and what is beside it.
fn main_and_panel(page: &str) -> anyhow::Result<(&str, &str)> {
    let parts = page.split_once("<main").and_then(|(before, rest)| {
        let (main, _) = rest.split_once("</main>")?;
        let (_, panel) = before.split_once("id=\"side-panel\"")?;
        Some((main, panel))
    });
    parts.ok_or_else(|| anyhow::anyhow!("no frame: {page}"))
}

async fn before(app: &TestApp) -> anyhow::Result<Gateway> {
    let options = Options {
        client_email: Some(CLIENT.to_owned()),
        ..Options::before(app.url())
    };
    Gateway::start(options, &app.core).await
}

on_sqlite! {
    async fn buttons_lead_to_what_the_roles_see(app: TestApp) -> TestResult {
        app.sync().await?;
        let gateway = before(&app).await?;
        let start = Browser::new(&gateway)?.page("/").await?;
        for person in &PEOPLE {
            assert!(start.contains(person.sees) && start.contains(&format!("value=\"{}\"", person.role)));
            let mut browser = Browser::new(&gateway)?;
            let first = browser.log_in(person.role, "").await?;
            assert_eq!(first, "/codex/");
            let page = browser.page(&first).await?;
            assert!(page.contains(person.name), "{page}");
            let list = browser.page("/codex/companies/").await?;
            assert!(list.contains(OWN_COMPANY), "{list}");
            assert_eq!(list.contains(OTHER_COMPANY), person.role != "client", "{list}");
            let edits = list.contains("/codex/companies/new");
            assert_eq!(edits, ["admin", "technician"].contains(&person.role), "{list}");
        }
        Ok(())
    }

    async fn links_and_redirects_carry_the_prefix(app: TestApp) -> TestResult {
        app.sync().await?;
        let gateway = before(&app).await?;
        let browser = Browser::of(&gateway, "admin").await?;
        for path in ["/codex", "/codex/companies/", OWN_COMPANY, "/codex/companies/nobody"] {
            let page = browser.get(path).await?.text().await?;
            let (main, panel) = main_and_panel(&page)?;
            let of_codex = links(main);
            assert!(!of_codex.is_empty(), "{main}");
            for link in of_codex {
                let starts = ["/codex/", "#", "mailto:", "tel:", "https://"];
                let is_right = starts.iter().any(|start| link.starts_with(start));
                assert!(is_right, "{path}: {link}");
            }
            assert!(links(panel).contains("/codex/settings"), "{panel}");
        }
        let answer = browser.get("/codex/companies").await?;
        assert!(answer.status().is_redirection());
        assert!(location(&answer)?.ends_with("/codex/companies/"), "{}", location(&answer)?);
        Ok(())
    }

    /// Needs the pages of all resources.
    async fn links_of_the_panel_lead_to_pages(app: TestApp) -> TestResult {
        let gateway = before(&app).await?;
        for person in &PEOPLE {
            let browser = Browser::of(&gateway, person.role).await?;
            let page = browser.page("/codex/").await?;
            let (_, panel) = main_and_panel(&page)?;
            for link in links(panel).iter().filter(|link| link.starts_with("/codex/")) {
                let answer = browser.get(link).await?;
                assert_eq!(answer.status(), StatusCode::OK, "{}: {link}", person.role);
            }
        }
        Ok(())
    }

    async fn an_expired_login_leads_to_the_login_and_back(app: TestApp) -> TestResult {
        let gateway = before(&app).await?;
        let mut browser = Browser::of(&gateway, "technician").await?;
        browser.page("/codex/").await?;
        gateway.expire_logins();
        let wanted = "/codex/companies/?q=a%20b";
        let answer = browser.get(wanted).await?;
        assert_eq!(answer.status(), StatusCode::FOUND);
        let login = location(&answer)?;
        assert_eq!(login, "/login?next=%2Fcodex%2Fcompanies%2F%3Fq%3Da%2520b");
        // Scripts that fetch are sent there too.
        let put = browser.call(Method::PUT, "/codex/api/my/settings").json(&json!({}));
        assert_eq!(put.send().await?.status(), StatusCode::FOUND);
        let page = browser.page(&login).await?;
        assert!(page.contains("value=\"/codex/companies/?q=a%20b\""), "{page}");
        assert_eq!(browser.log_in("technician", wanted).await?, wanted);
        browser.page(wanted).await?;
        assert_eq!(browser.log_in("technician", "//evil.example/").await?, "/codex/");
        Ok(())
    }

    async fn a_head_of_a_page_has_headers_alone(app: TestApp) -> TestResult {
        let gateway = before(&app).await?;
        let browser = Browser::of(&gateway, "admin").await?;
        let answer = browser.call(Method::HEAD, "/codex/").send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(answer.bytes().await?.is_empty());
        Ok(())
    }

    async fn logging_out_ends_the_session_and_shows_roles(app: TestApp) -> TestResult {
        let gateway = before(&app).await?;
        let browser = Browser::of(&gateway, "billing").await?;
        assert!(browser.page("/").await?.contains("logged in as José Núñez"));
        let answer = browser.get("/logout").await?;
        assert_eq!((answer.status(), location(&answer)?.as_str()), (StatusCode::FOUND, "/"));
        assert_eq!(browser.get("/codex/").await?.status(), StatusCode::FOUND);
        assert!(!browser.page("/").await?.contains("logged in as"));
        Ok(())
    }

    async fn a_stored_theme_shows_on_the_next_page(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/agents"]).await?;
        let gateway = before(&app).await?;
        let browser = Browser::of(&gateway, "admin").await?;
        let page = browser.page("/codex/").await?;
        assert!(page.contains(r#"<html data-theme="light" data-color-theme="purple""#), "{page}");
        let theme = json!({"theme_preference": "dark"});
        let put = browser.call(Method::PUT, "/codex/api/my/settings").json(&theme);
        assert_eq!(put.send().await?.status(), StatusCode::OK);
        let page = browser.page("/codex/").await?;
        assert!(page.contains(r#"data-theme="dark""#), "{page}");
        Ok(())
    }
}

/// A module that says what it was asked, and one that takes its time.
async fn module(next: Arc<Notify>) -> anyhow::Result<String> {
    let events = move || {
        let next = next.clone();
        async move { events(next) }
    };
    let router = Router::new()
        .route("/events", get(events))
        .route("/slow", get(std::future::pending::<&str>))
        .fallback(|uri: Uri, headers: HeaderMap| async move { echo(&uri, &headers) });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// One event at once, the second when the test says so, and then silence.
fn events(next: Arc<Notify>) -> Answer {
    let parts = stream::unfold(0, move |sent| {
        let next = next.clone();
        async move {
            match sent {
                0 => {}
                1 => next.notified().await,
                _ => std::future::pending().await,
            }
            let event = Bytes::from(format!("data: {sent}\n\n"));
            Some((Ok::<_, Infallible>(event), sent + 1))
        }
    });
    let kind = [(CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(parts)).into_response()
}

fn echo(uri: &Uri, headers: &HeaderMap) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = json!({
        "uri": uri.to_string(),
        "bearer": text("authorization"),
        "for": text("x-forwarded-for"),
        "proto": text("x-forwarded-proto"),
        "host": text("x-forwarded-host"),
        "prefix": text("x-forwarded-prefix"),
        "cookie": text("cookie"),
        "kept": text("if-none-match"),
    });
    let cookies = [
        ("set-cookie", "session=codex"),
        ("etag", "\"1\""),
        ("x-correlation-id", "a"),
    ];
    (cookies, Json(body)).into_response()
}

/// A gateway before a module that is not Codex.
async fn before_module(core: &Core, next: Arc<Notify>) -> anyhow::Result<Gateway> {
    let options = Options {
        silence: SILENCE,
        ..Options::before(module(next).await?)
    };
    Gateway::start(options, core).await
}

#[tokio::test]
async fn requests_arrive_with_the_headers_of_nexus() -> TestResult {
    let core = Core::start().await?;
    let gateway = before_module(&core, Arc::default()).await?;
    let browser = Browser::of(&gateway, "technician").await?;
    let call = browser
        .call(Method::GET, "/codex/a%2Fb/?x=1&y=&x=2")
        .header("authorization", "Bearer forged")
        .header("x-forwarded-prefix", "/evil")
        .header("if-none-match", "\"1\"");
    let answer = call.send().await?;
    let headers = answer.headers().clone();
    let seen: Value = answer.json().await?;
    assert_eq!(seen["uri"], "/a/b/?x=1&y=");
    assert_eq!(
        (&seen["for"], &seen["proto"]),
        (&json!("127.0.0.1"), &json!("http"))
    );
    assert_eq!(seen["host"], gateway.url().trim_start_matches("http://"));
    assert_eq!(
        (&seen["prefix"], &seen["kept"]),
        (&json!("/codex"), &json!("\"1\""))
    );
    assert!(seen["cookie"].as_str().unwrap().contains("session="));
    let bearer = seen["bearer"].as_str().unwrap();
    assert!(bearer.starts_with("Bearer ey"), "{bearer}");
    assert_eq!(headers["etag"], "\"1\"");
    assert_ne!(headers["x-correlation-id"], "a");
    // The login survives a module that sets a cookie of the same name.
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
    assert_eq!((cookies.len(), cookies[0].to_str()?), (2, "session=codex"));
    assert!(cookies[1].to_str()?.starts_with(&browser.cookie));
    Ok(())
}

#[tokio::test]
async fn methods_that_nexus_lacks_do_not_reach_a_module() -> TestResult {
    let core = Core::start().await?;
    let gateway = before_module(&core, Arc::default()).await?;
    let browser = Browser::of(&gateway, "admin").await?;
    for (method, path, status) in [
        (Method::PATCH, "/codex/a", 500),
        (Method::OPTIONS, "/codex/a", 200),
        (Method::GET, "/helm/a", 404),
        (Method::GET, "/codexx", 404),
    ] {
        let answer = browser.call(method.clone(), path).send().await?;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert!(!answer.headers().contains_key("etag"), "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn event_streams_pass_at_once_until_they_are_silent() -> TestResult {
    let (core, next) = (Core::start().await?, Arc::new(Notify::new()));
    let gateway = before_module(&core, next.clone()).await?;
    let browser = Browser::of(&gateway, "admin").await?;
    let mut stream = browser.get("/codex/events").await?;
    assert_eq!(stream.headers()[CONTENT_TYPE], "text/event-stream");
    assert_eq!(stream.chunk().await?.as_deref(), Some(&b"data: 0\n\n"[..]));
    // Only now the module sends more: nothing waited for the end.
    next.notify_one();
    assert_eq!(stream.chunk().await?.as_deref(), Some(&b"data: 1\n\n"[..]));
    assert!(stream.chunk().await.is_err(), "silence ends the stream");
    Ok(())
}

#[tokio::test]
async fn answers_that_do_not_come_in_time_are_502() -> TestResult {
    let core = Core::start().await?;
    let gateway = before_module(&core, Arc::default()).await?;
    let browser = Browser::of(&gateway, "admin").await?;
    let answer = browser.get("/codex/slow").await?;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(answer.text().await?, "Service temporarily unavailable");
    Ok(())
}
