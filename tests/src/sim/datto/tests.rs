use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::*;
use crate::sim::{
    World,
    clock::SimClock,
    http,
    world::{DELETED_DEVICES, Size, device_uid},
};

/// A client of the simulated Datto, and what it talks to.
pub(in crate::sim) struct SimClient {
    pub world: SharedWorld,
    pub server: Datto,
    http: reqwest::Client,
    token: String,
}

impl SimClient {
    pub async fn with(world: World, options: Options) -> anyhow::Result<Self> {
        let world = SharedWorld::new(world);
        let server = Datto::start(world.clone(), options).await?;
        let http = http();
        let grant = ask_for_token(&http, &server, API_KEY).send().await?;
        let grant: Value = grant.json().await?;
        let token = grant["access_token"].as_str().unwrap().to_owned();
        Ok(Self {
            world,
            server,
            http,
            token,
        })
    }

    pub async fn get(&self, call: &str) -> anyhow::Result<Response> {
        self.follow(&format!("{}/api/v2/{call}", self.server.url()))
            .await
    }

    async fn follow(&self, url: &str) -> anyhow::Result<Response> {
        Ok(self.http.get(url).bearer_auth(&self.token).send().await?)
    }

    pub async fn body(&self, call: &str) -> anyhow::Result<Value> {
        let reply = self.get(call).await?;
        anyhow::ensure!(reply.status() == 200, "{call}: {}", reply.status());
        Ok(reply.json().await?)
    }
}

fn ask_for_token(http: &reqwest::Client, server: &Datto, key: &str) -> RequestBuilder {
    let form = [
        ("grant_type", "password"),
        ("username", key),
        ("password", API_SECRET),
    ];
    http.post(format!("{}/auth/oauth/token", server.url()))
        .basic_auth("public-client", Some("public"))
        .form(&form)
}

fn length(body: &Value, array: &str) -> Option<usize> {
    body[array].as_array().map(Vec::len)
}

#[tokio::test]
async fn pages_count_from_zero_and_end_with_a_null_link() -> anyhow::Result<()> {
    let sim = SimClient::with(World::tiny(), Options::default()).await?;
    let first = sim.body("account/devices?max=5").await?;
    let details = &first["pageDetails"];
    assert_eq!(
        (&details["count"], &details["totalCount"]),
        (&json!(5), &json!(12))
    );
    assert!(details["prevPageUrl"].is_null());
    let next = details["nextPageUrl"].as_str().unwrap();
    assert!(next.starts_with(sim.server.url()), "{next}");
    let second: Value = sim.follow(next).await?.json().await?;
    assert_eq!(second["devices"][0]["uid"], device_uid(5));
    assert!(
        second["pageDetails"]["prevPageUrl"]
            .as_str()
            .unwrap()
            .contains("page=0")
    );
    let last = sim.body("account/devices?max=5&page=2").await?;
    assert_eq!(length(&last, "devices"), Some(2));
    assert!(last["pageDetails"]["nextPageUrl"].is_null());
    let beyond = sim.body("account/devices?page=9").await?;
    assert_eq!(length(&beyond, "devices"), Some(0));
    assert_eq!(sim.get("account/devices?page=x").await?.status(), 400);
    Ok(())
}

#[tokio::test]
async fn a_page_holds_250_at_most() -> anyhow::Result<()> {
    let sim = SimClient::with(World::generate(Size::S, 1), Options::default()).await?;
    let page = sim.body("account/devices?max=1000").await?;
    assert_eq!(length(&page, "devices"), Some(250));
    assert_eq!(sim.body("system/pagination").await?, json!({"max": 250}));
    Ok(())
}

#[tokio::test]
async fn variables_fill_a_second_page() -> anyhow::Result<()> {
    let sim = SimClient::with(World::generate(Size::S, 1), Options::default()).await?;
    let uid = {
        let world = sim.world.lock();
        let many = world.sites.iter().find(|s| s.variables.len() > 250);
        many.unwrap().uid.clone()
    };
    let first = sim.body(&format!("site/{uid}/variables")).await?;
    let named = |body: &Value| {
        let list = body["variables"].as_array().unwrap().clone();
        list.iter().any(|v| v["name"] == "AccountNumber")
    };
    assert!(!named(&first));
    assert!(named(
        &sim.body(&format!("site/{uid}/variables?page=1")).await?
    ));
    Ok(())
}

#[tokio::test]
async fn site_counts_its_devices_and_is_not_wrapped() -> anyhow::Result<()> {
    let sim = SimClient::with(World::tiny(), Options::default()).await?;
    let uid = sim.world.lock().sites[0].uid.clone();
    let site = sim.body(&format!("site/{uid}")).await?;
    let there = sim.body(&format!("site/{uid}/devices")).await?;
    let status = &site["devicesStatus"];
    assert_eq!(
        status["numberOfDevices"],
        there["pageDetails"]["totalCount"]
    );
    let online = there["devices"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["online"] == true);
    assert_eq!(status["numberOfOnlineDevices"], online.count());
    let listed = sim.body("account/sites").await?;
    assert_eq!(listed["sites"][0], site);
    sim.world.lock().sites[0].claimed_count = Some(99);
    let site = sim.body(&format!("site/{uid}")).await?;
    assert_eq!(site["devicesStatus"]["numberOfDevices"], 99);
    Ok(())
}

#[tokio::test]
async fn moved_device_has_its_new_site() -> anyhow::Result<()> {
    let sim = SimClient::with(World::tiny(), Options::default()).await?;
    let (uid, to, name) = {
        let mut world = sim.world.lock();
        let (to, name) = (
            world.sites[2].uid.clone(),
            world.sites[2].body["name"].clone(),
        );
        world.move_device(&device_uid(0), &to).unwrap();
        (device_uid(0), to, name)
    };
    let device = sim.body(&format!("device/{uid}")).await?;
    assert_eq!(
        (&device["siteUid"], &device["siteName"]),
        (&json!(to), &name)
    );
    let there = sim.body(&format!("site/{to}/devices")).await?;
    assert!(there["devices"].as_array().unwrap().contains(&device));
    sim.world.lock().delete_device(&uid).unwrap();
    let deleted = sim.body(&format!("site/{DELETED_DEVICES}/devices")).await?;
    assert_eq!(deleted["devices"][0]["deleted"], true);
    Ok(())
}

#[tokio::test]
async fn filters_match_parts_and_links_may_drop_them() -> anyhow::Result<()> {
    for drop_them in [false, true] {
        let options = Options {
            links_drop_filters: drop_them,
            ..Options::default()
        };
        let sim = SimClient::with(World::tiny(), options).await?;
        let found = sim.body("account/devices?hostname=pc-0000&max=3").await?;
        assert_eq!(found["pageDetails"]["totalCount"], 10);
        let next = found["pageDetails"]["nextPageUrl"].as_str().unwrap();
        assert_eq!(next.contains("hostname"), !drop_them, "{next}");
        assert_eq!(sim.get("account/devices?filterId=7").await?.status(), 404);
    }
    Ok(())
}

/// A new token does not end the old one.
#[tokio::test]
async fn tokens_end_by_age_or_revocation() -> anyhow::Result<()> {
    let clock = SimClock::stopped();
    let options = Options {
        clock: clock.clone(),
        bad_credentials: 401,
        ..Options::default()
    };
    let mut sim = SimClient::with(World::tiny(), options).await?;
    let bad = ask_for_token(&sim.http, &sim.server, "wrong")
        .send()
        .await?;
    assert_eq!(bad.status(), 401);
    assert_eq!(bad.json::<Value>().await?["error"], "invalid_grant");
    let grant = ask_for_token(&sim.http, &sim.server, API_KEY)
        .send()
        .await?;
    let grant: Value = grant.json().await?;
    assert_eq!(grant["expires_in"], 360_000);
    assert_eq!(sim.get("account").await?.status(), 200, "the older token");
    clock.advance(Duration::from_secs(360_000));
    let expired = sim.get("account").await?;
    assert_eq!(expired.status(), 401);
    assert_eq!(expired.json::<Value>().await?["path"], "/v2/account");
    let grant: Value = ask_for_token(&sim.http, &sim.server, API_KEY)
        .send()
        .await?
        .json()
        .await?;
    sim.token = grant["access_token"].as_str().unwrap().to_owned();
    assert_eq!(sim.get("account").await?.status(), 200);
    sim.server.revoke_token();
    assert_eq!(sim.get("account").await?.status(), 401);
    let status = sim
        .http
        .get(format!("{}/api/v2/system/status", sim.server.url()));
    assert_eq!(status.send().await?.status(), 200, "needs no token");
    Ok(())
}

#[tokio::test]
async fn too_many_calls_are_limited_then_blocked() -> anyhow::Result<()> {
    let clock = SimClock::stopped();
    let options = Options {
        clock: clock.clone(),
        read_limit: 10,
        slow_down: Duration::from_millis(1),
        block_after: 3,
        retry_after: true,
        rate_429_body: BodyForm::Json,
        ..Options::default()
    };
    let sim = SimClient::with(World::tiny(), options).await?;
    for _ in 0..9 {
        assert_eq!(sim.get("account").await?.status(), 200);
    }
    let rate = sim.body("system/request_rate").await?;
    assert_eq!(
        (&rate["accountCount"], &rate["accountRateLimit"]),
        (&json!(10), &json!(10))
    );
    for _ in 0..3 {
        let limited = sim.get("account").await?;
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()["retry-after"], "60");
        assert_eq!(limited.json::<Value>().await?["status"], 429);
    }
    clock.advance(Duration::from_secs(120));
    assert_eq!(
        sim.get("account").await?.status(),
        200,
        "who waits is let in"
    );
    for _ in 0..12 {
        sim.get("account").await?;
    }
    let blocked = sim.get("account").await?;
    assert_eq!(blocked.status(), 403);
    assert!(blocked.text().await?.starts_with("<html>"));
    let token = ask_for_token(&sim.http, &sim.server, API_KEY)
        .send()
        .await?;
    assert_eq!(token.status(), 403, "all calls fail");
    clock.advance(Duration::from_secs(301));
    assert_eq!(sim.get("account").await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn the_last_tenth_of_the_limit_is_slow() -> anyhow::Result<()> {
    let options = Options {
        read_limit: 10,
        slow_down: Duration::from_millis(200),
        clock: SimClock::stopped(),
        ..Options::default()
    };
    let sim = SimClient::with(World::tiny(), options).await?;
    for _ in 0..9 {
        sim.get("system/pagination").await?;
    }
    let started = std::time::Instant::now();
    sim.get("system/pagination").await?;
    assert!(started.elapsed() >= Duration::from_millis(200));
    Ok(())
}

#[tokio::test]
async fn fields_and_times_are_spelled_as_configured() -> anyhow::Result<()> {
    let device = format!("device/{}", device_uid(0));
    let with = async |udf, times| -> anyhow::Result<Value> {
        let options = Options {
            udf,
            times,
            ..Options::default()
        };
        let sim = SimClient::with(World::tiny(), options).await?;
        sim.body(&device).await
    };
    let usual = with(Udf::Udf30, Times::Millis).await?;
    assert_eq!(usual["udf"].as_object().map(serde_json::Map::len), Some(30));
    assert_eq!(usual["creationDate"], 1_700_000_000_000_i64);
    assert_eq!(usual["lastAuditDate"], -62_135_596_800_000_i64);
    let newer = with(Udf::Udf300, Times::Seconds).await?;
    assert_eq!(
        newer["udf"].as_object().map(serde_json::Map::len),
        Some(300)
    );
    assert_eq!(newer["creationDate"], 1_700_000_000);
    let documented = with(Udf::Absent, Times::Iso).await?;
    assert!(documented.get("udf").is_none());
    assert_eq!(documented["creationDate"], "2023-11-14T22:13:20.000Z");
    assert_eq!(documented["lastAuditDate"], "0001-01-01T00:00:00.000Z");
    Ok(())
}

#[tokio::test]
async fn account_list_may_lack_a_third_of_the_devices() -> anyhow::Result<()> {
    let options = Options {
        account_list_lacks_third: true,
        ..Options::default()
    };
    let sim = SimClient::with(World::tiny(), options).await?;
    let listed = sim.body("account/devices").await?;
    assert_eq!(listed["pageDetails"]["totalCount"], 8);
    let sites: Vec<String> = sim
        .world
        .lock()
        .sites
        .iter()
        .map(|s| s.uid.clone())
        .collect();
    let mut all = 0;
    for uid in sites {
        let there = sim.body(&format!("site/{uid}/devices")).await?;
        all += length(&there, "devices").unwrap();
    }
    assert_eq!(all, 12);
    Ok(())
}

#[tokio::test]
async fn unknown_objects_are_404_in_the_vendor_format() -> anyhow::Result<()> {
    let sim = SimClient::with(World::tiny(), Options::default()).await?;
    for call in [
        "site/none",
        "site/none/devices",
        "site/none/variables",
        "device/none",
        "nothing",
    ] {
        let reply = sim.get(call).await?;
        assert_eq!(reply.status(), 404, "{call}");
        let body: Value = reply.json().await?;
        assert_eq!(body["error"], "Not Found");
        assert_eq!(body["path"], format!("/v2/{call}"));
    }
    Ok(())
}
