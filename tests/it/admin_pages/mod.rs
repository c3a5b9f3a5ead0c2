//! Pages of administrators, of agents, and of secrets, as a browser opens them.

mod agents;
mod clearing;
mod overview;
mod secrets;
mod settings;

use std::collections::BTreeMap;

use codex_tests::harness::app::TestApp;
use reqwest::{
    Method, RequestBuilder, Response,
    header::{ACCEPT, LOCATION},
};

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// What a form sends.
type Members = BTreeMap<String, String>;

/// A person with one session.
struct Browser<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Browser<'a> {
    fn new(app: &'a TestApp, level: &str) -> anyhow::Result<Self> {
        let token = app.core.key.user(level, &format!("{level}@msp.example"))?;
        Ok(Self { app, token })
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.app.call(method, path).header(ACCEPT, HTML);
        call.bearer_auth(&self.token)
    }

    async fn open(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let answer = self.call(Method::GET, path).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The document at a path that answers 200.
    async fn page(&self, path: &str) -> anyhow::Result<String> {
        let (status, html) = self.open(path).await?;
        anyhow::ensure!(status == 200, "{path}: {status} {html}");
        Ok(html)
    }

    async fn send(&self, path: &str, members: &Members) -> anyhow::Result<Response> {
        Ok(self.call(Method::POST, path).form(members).send().await?)
    }

    /// Where a form leads that is accepted.
    async fn done(&self, path: &str, members: &Members) -> anyhow::Result<String> {
        let answer = self.send(path, members).await?;
        let status = answer.status();
        anyhow::ensure!(
            status.is_redirection(),
            "{path}: {status} {}",
            answer.text().await?
        );
        Ok(answer.headers()[LOCATION].to_str()?.to_owned())
    }

    /// The status and the page of a form that is refused.
    async fn refused(&self, path: &str, members: &Members) -> anyhow::Result<(u16, String)> {
        let answer = self.send(path, members).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Members of a form with a token of this session.
    async fn members(&self, own: &[(&str, &str)]) -> anyhow::Result<Members> {
        let mut members = form(&self.page("/companies/new").await?);
        members.retain(|name, _| name == "csrf_token");
        let own = own.iter();
        members.extend(own.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        Ok(members)
    }
}

/// The value of an attribute of a tag, as it was before it was escaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let signs = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    let text = rest.split('"').next()?.to_owned();
    Some(
        signs
            .iter()
            .fold(text, |text, (code, sign)| text.replace(code, sign)),
    )
}

/// What the inputs of a page send when nobody touches them; boxes that are not ticked send nothing.
fn form(html: &str) -> Members {
    let mut members = Members::new();
    for part in html.split("<input").skip(1) {
        let tag = part.split('>').next().unwrap_or_default();
        if tag.contains("type=\"checkbox\"") && !tag.contains(" checked") {
            continue;
        }
        let pair = attribute(tag, "name").zip(attribute(tag, "value"));
        members.extend(pair);
    }
    for part in html.split("<select").skip(1) {
        let options = part.split("</select>").next().unwrap_or_default();
        let chosen = options
            .split("<option")
            .find(|one| one.contains(" selected>"));
        let chosen = chosen.and_then(|option| attribute(option, "value"));
        members.extend(attribute(part, "name").zip(chosen));
    }
    for part in html.split("<textarea").skip(1) {
        let text = part.split_once('>').map_or("", |(_, text)| text);
        let text = text.split("</textarea>").next().unwrap_or_default();
        let text = text.strip_prefix('\n').unwrap_or(text).to_owned();
        members.extend(attribute(part, "name").map(|name| (name, text)));
    }
    members
}
