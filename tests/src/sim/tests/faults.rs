//! Each fault does what it says, over the wire.

use reqwest::Response;
use serde_json::Value;

use super::*;
use crate::sim::fault::{FaultKind, When};

/// A client of both vendors.
struct Both {
    all: Simulators,
    http: reqwest::Client,
    token: String,
}

impl Both {
    async fn start() -> anyhow::Result<Self> {
        let all = start_all(Size::Tiny).await?;
        let (http, form) = (
            http(),
            [
                ("grant_type", "password"),
                ("username", datto::API_KEY),
                ("password", datto::API_SECRET),
            ],
        );
        let grant = http
            .post(format!("{}/auth/oauth/token", all.datto.url()))
            .basic_auth("public-client", Some("public"))
            .form(&form);
        let grant: Value = grant.send().await?.json().await?;
        let token = grant["access_token"].as_str().unwrap().to_owned();
        Ok(Self { all, http, token })
    }

    async fn requesters(&self, page: usize) -> reqwest::Result<Response> {
        let base = self.all.freshservice.url();
        let url = format!("{base}/api/v2/requesters?per_page=5&page={page}");
        let call = self.http.get(url);
        call.basic_auth(freshservice::API_KEY, Some("X"))
            .send()
            .await
    }

    async fn devices(&self, page: usize) -> reqwest::Result<Response> {
        let base = self.all.datto.url();
        let url = format!("{base}/api/v2/account/devices?max=5&page={page}");
        self.http.get(url).bearer_auth(&self.token).send().await
    }

    fn spoil(&self, when: When, kind: &FaultKind) {
        self.all.freshservice.faults().clear();
        self.all.datto.faults().clear();
        let freshservice = self.all.freshservice.faults();
        freshservice.add("/api/v2/requesters", when, kind.clone());
        let datto = self.all.datto.faults();
        datto.add("/api/v2/account/devices", when, kind.clone());
    }

    /// The items of a vendor's page.
    async fn items(&self) -> anyhow::Result<[Vec<Value>; 2]> {
        let requesters: Value = self.requesters(2).await?.json().await?;
        let devices: Value = self.devices(1).await?.json().await?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        Ok([list(&requesters["requesters"]), list(&devices["devices"])])
    }
}

fn link(reply: &Response) -> Option<&str> {
    reply.headers().get("link")?.to_str().ok()
}

#[tokio::test]
async fn answer_faults_take_effect() -> anyhow::Result<()> {
    let both = Both::start().await?;
    both.spoil(When::Always, &FaultKind::Status(500));
    assert_eq!(both.requesters(1).await?.status(), 500);
    assert_eq!(
        both.devices(0).await?.json::<Value>().await?["error"],
        "Internal Server Error"
    );

    for after in [Some("1521"), Some("Wed, 21 Oct 2026 07:28:00 GMT"), None] {
        both.spoil(
            When::Always,
            &FaultKind::RateLimited(after.map(str::to_owned)),
        );
        for reply in [both.requesters(1).await?, both.devices(0).await?] {
            assert_eq!(reply.status(), 429);
            let given = reply.headers().get("retry-after");
            assert_eq!(given.and_then(|value| value.to_str().ok()), after);
        }
    }

    both.spoil(When::Always, &FaultKind::Html);
    for reply in [both.requesters(1).await?, both.devices(0).await?] {
        assert_eq!(reply.status(), 200);
        assert!(reply.text().await?.starts_with("<html>"));
    }

    both.spoil(When::Always, &FaultKind::NullBody);
    assert_eq!(both.requesters(1).await?.text().await?, "null");
    both.spoil(When::Always, &FaultKind::NoEnvelope);
    assert_eq!(both.devices(0).await?.text().await?, r#"{"items":[]}"#);
    Ok(())
}

#[tokio::test]
async fn connection_faults_take_effect() -> anyhow::Result<()> {
    let both = Both::start().await?;
    let whole = both.devices(0).await?.text().await?;
    both.spoil(When::Always, &FaultKind::HalfBody);
    let half = both.devices(0).await?.text().await?;
    assert!(whole.starts_with(&half) && half.len() == whole.len() / 2);
    assert!(serde_json::from_str::<Value>(&half).is_err());

    both.spoil(When::Always, &FaultKind::CutOff);
    let cut = both.devices(0).await?;
    assert_eq!(cut.content_length(), Some(whole.len() as u64));
    assert!(cut.text().await.is_err(), "the connection broke");

    both.spoil(When::Always, &FaultKind::DropConnection);
    assert!(both.devices(0).await.is_err());
    assert!(both.requesters(1).await.is_err());

    both.spoil(When::Always, &FaultKind::Hang(Duration::from_millis(150)));
    let started = Instant::now();
    assert_eq!(both.devices(0).await?.status(), 200);
    assert!(started.elapsed() >= Duration::from_millis(150));
    Ok(())
}

#[tokio::test]
async fn item_faults_take_effect() -> anyhow::Result<()> {
    let both = Both::start().await?;
    let right = both.items().await?;

    both.spoil(When::Always, &FaultKind::EmptyList);
    assert_eq!(both.items().await?, [Vec::<Value>::new(), Vec::new()]);
    let details: Value = both.devices(0).await?.json().await?;
    assert_eq!(details["pageDetails"]["totalCount"], 0);
    assert!(link(&both.requesters(1).await?).is_none());

    for (kind, place) in [(FaultKind::NullItem, 0), (FaultKind::NullItemAt(3), 3)] {
        both.spoil(When::Always, &kind);
        for (items, right) in both.items().await?.iter().zip(&right) {
            let nulls: Vec<usize> = (0..items.len()).filter(|n| items[*n].is_null()).collect();
            assert_eq!((nulls, items.len()), (vec![place], right.len()));
        }
    }

    both.spoil(When::Always, &FaultKind::MalformedItem);
    for (items, right) in both.items().await?.iter().zip(&right) {
        assert!(items[0]["id"].is_string() && items[0]["uid"].is_number());
        assert_eq!(items[1..], right[1..]);
    }

    both.spoil(When::Always, &FaultKind::Truncated);
    for (items, right) in both.items().await?.iter().zip(&right) {
        assert_eq!(items[..], right[..3]);
    }
    assert!(link(&both.requesters(1).await?).is_none());
    Ok(())
}

#[tokio::test]
async fn paging_faults_take_effect() -> anyhow::Result<()> {
    let both = Both::start().await?;
    let firsts = (
        both.requesters(1).await?.json::<Value>().await?,
        both.devices(0).await?.json::<Value>().await?,
    );
    both.spoil(When::Always, &FaultKind::Repeat);
    let again = both.requesters(2).await?;
    assert!(link(&again).is_some_and(|link| link.contains("page=3")));
    assert_eq!(again.json::<Value>().await?, firsts.0);
    let again: Value = both.devices(1).await?.json().await?;
    assert_eq!(again["devices"], firsts.1["devices"]);
    let next = again["pageDetails"]["nextPageUrl"].as_str();
    assert!(next.is_some_and(|next| next.contains("page=2")));

    both.spoil(When::Always, &FaultKind::ForeignLink);
    assert!(link(&both.requesters(1).await?).is_some_and(|l| l.contains("elsewhere.invalid")));
    let foreign: Value = both.devices(0).await?.json().await?;
    let next = foreign["pageDetails"]["nextPageUrl"].as_str();
    assert!(next.is_some_and(|next| next.contains("elsewhere.invalid")));

    both.spoil(When::Always, &FaultKind::SelfLink);
    assert!(link(&both.requesters(2).await?).is_some_and(|link| link.contains("page=2")));
    let own: Value = both.devices(1).await?.json().await?;
    let next = own["pageDetails"]["nextPageUrl"].as_str();
    assert!(next.is_some_and(|next| next.contains("page=1")));

    both.spoil(When::Always, &FaultKind::MissingPageDetails);
    let body: Value = both.devices(0).await?.json().await?;
    assert!(body.get("pageDetails").is_none() && body["devices"].is_array());
    Ok(())
}

#[tokio::test]
async fn faults_take_effect_when_they_should() -> anyhow::Result<()> {
    let both = Both::start().await?;
    let statuses = async |pages: &[usize]| -> anyhow::Result<Vec<u16>> {
        let mut all = Vec::new();
        for page in pages {
            all.push(both.requesters(*page).await?.status().as_u16());
        }
        Ok(all)
    };
    let bad = FaultKind::Status(502);
    both.spoil(When::First(2), &bad);
    assert_eq!(statuses(&[1, 1, 1]).await?, [502, 502, 200]);
    both.spoil(When::Nth(2), &bad);
    assert_eq!(statuses(&[1, 1, 1]).await?, [200, 502, 200]);
    both.spoil(When::Page(2), &bad);
    assert_eq!(statuses(&[1, 2, 3, 2]).await?, [200, 502, 200, 502]);
    both.all.freshservice.faults().clear();
    assert_eq!(statuses(&[2]).await?, [200]);
    Ok(())
}

#[tokio::test]
async fn faults_affect_single_records_and_tokens() -> anyhow::Result<()> {
    let both = Both::start().await?;
    let datto = &both.all.datto;
    datto
        .faults()
        .add("/auth", When::First(1), FaultKind::Status(503));
    let call = || both.http.post(format!("{}/auth/oauth/token", datto.url()));
    let form = [("grant_type", "password")];
    assert_eq!(call().form(&form).send().await?.status(), 503);
    assert_eq!(call().form(&form).send().await?.status(), 401);
    let uid = world::device_uid(1);
    let path = format!("/api/v2/device/{uid}");
    datto
        .faults()
        .add(&path, When::Always, FaultKind::Status(403));
    let url = format!("{}{path}", datto.url());
    let reply = both.http.get(url).bearer_auth(&both.token).send().await?;
    assert_eq!(reply.status(), 403);
    assert_eq!(both.devices(0).await?.status(), 200);
    Ok(())
}
