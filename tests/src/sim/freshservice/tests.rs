use std::time::Duration;

use reqwest::{Response, header::ACCEPT};
use serde_json::Value;

use super::*;
use crate::sim::{
    World,
    clock::SimClock,
    http,
    world::{department_id, requester_id},
};

/// A client of the simulated Freshservice, and what it talks to.
struct SimClient {
    world: SharedWorld,
    server: Freshservice,
    http: reqwest::Client,
}

impl SimClient {
    async fn with(options: Options) -> anyhow::Result<Self> {
        let world = SharedWorld::new(World::tiny());
        let server = Freshservice::start(world.clone(), options).await?;
        Ok(Self {
            world,
            server,
            http: http(),
        })
    }

    async fn get(&self, call: &str) -> anyhow::Result<Response> {
        self.follow(&format!("{}/api/v2/{call}", self.server.url()))
            .await
    }

    async fn follow(&self, url: &str) -> anyhow::Result<Response> {
        // Any password does (vendors 1.1).
        let request = self.http.get(url).basic_auth(API_KEY, Some("dummy"));
        Ok(request.send().await?)
    }

    async fn body(&self, call: &str) -> anyhow::Result<Value> {
        let reply = self.get(call).await?;
        anyhow::ensure!(reply.status() == 200, "{call}: {}", reply.status());
        Ok(reply.json().await?)
    }
}

fn header(reply: &Response, name: &str) -> Option<String> {
    let value = reply.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

fn next(reply: &Response) -> Option<String> {
    let link = header(reply, "link")?;
    let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(target.to_owned())
}

#[tokio::test]
async fn pages_are_linked_and_the_last_has_no_link() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let mut seen = Vec::new();
    let mut url = format!("{}/api/v2/requesters?per_page=5", sim.server.url());
    let mut sizes = Vec::new();
    loop {
        let reply = sim.follow(&url).await?;
        let following = next(&reply);
        let body: Value = reply.json().await?;
        let items = body["requesters"].as_array().unwrap().clone();
        sizes.push(items.len());
        seen.extend(items);
        let Some(following) = following else { break };
        url = following;
    }
    assert_eq!(sizes, [5, 5, 2]);
    let names: Vec<_> = seen.iter().map(|r| r["first_name"].as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let beyond = sim.get("requesters?page=9").await?;
    assert_eq!(next(&beyond), None);
    assert_eq!(beyond.text().await?, r#"{"requesters":[]}"#);
    // A list that ends with a full page has no link either.
    assert_eq!(next(&sim.get("requesters?per_page=12").await?), None);
    Ok(())
}

#[tokio::test]
async fn a_next_link_keeps_the_filter() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let reply = sim.get("agents?active=true&per_page=1").await?;
    let link = next(&reply).unwrap();
    assert!(
        link.contains("active=true") && link.contains("page=2"),
        "{link}"
    );
    let second: Value = sim.follow(&link).await?.json().await?;
    assert_eq!(second["agents"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn invalid_parameters_are_errors() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    for (call, field) in [
        ("departments?per_page=101", "per_page"),
        ("departments?per_page=x", "per_page"),
        ("departments?page=0", "page"),
        ("departments?colour=red", "colour"),
    ] {
        let reply = sim.get(call).await?;
        assert_eq!(reply.status(), 400, "{call}");
        let body: Value = reply.json().await?;
        assert_eq!(body["errors"][0]["field"], field, "{call}");
    }
    Ok(())
}

#[tokio::test]
async fn wrong_key_and_wrong_format_are_refused() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let url = format!("{}/api/v2/departments", sim.server.url());
    let without = sim.http.get(&url).send().await?;
    assert_eq!(without.status(), 401);
    let wrong = sim.http.get(&url).basic_auth("other", Some("X"));
    let wrong = wrong.send().await?;
    assert_eq!(wrong.status(), 401);
    assert_eq!(wrong.json::<Value>().await?["code"], "invalid_credentials");
    let key = sim.http.get(&url).basic_auth(API_KEY, Some("X"));
    let html = key.header(ACCEPT, "text/html").send().await?;
    assert_eq!(html.status(), 406);
    let post = sim.http.post(&url).basic_auth(API_KEY, Some("X"));
    assert_eq!(post.send().await?.status(), 405);
    assert_eq!(sim.get("spaceships").await?.status(), 404);
    assert_eq!(sim.get("departments/1").await?.status(), 404);
    Ok(())
}

#[tokio::test]
async fn limits_are_in_headers_and_end_in_429() -> anyhow::Result<()> {
    let clock = SimClock::stopped();
    let options = Options {
        plan: AccountPlan::Custom { all: 10, list: 3 },
        clock: clock.clone(),
        rate_429_body: BodyForm::Html,
        ..Options::default()
    };
    let sim = SimClient::with(options).await?;
    for left in ["2", "1", "0"] {
        let reply = sim.get("requesters").await?;
        assert_eq!(header(&reply, "x-ratelimit-total").as_deref(), Some("3"));
        assert_eq!(
            header(&reply, "x-ratelimit-remaining").as_deref(),
            Some(left)
        );
        assert_eq!(
            header(&reply, "x-ratelimit-used-currentrequest").as_deref(),
            Some("1")
        );
        assert_eq!(header(&reply, "retry-after"), None);
    }
    clock.advance(Duration::from_millis(14_500));
    let limited = sim.get("requesters").await?;
    assert_eq!(limited.status(), 429);
    assert_eq!(header(&limited, "retry-after").as_deref(), Some("46"));
    assert!(limited.text().await?.starts_with("<html>"));
    let other = sim.get("departments").await?;
    assert_eq!(header(&other, "x-ratelimit-total").as_deref(), Some("10"));
    assert_eq!(
        header(&other, "x-ratelimit-remaining").as_deref(),
        Some("5")
    );
    clock.advance(Duration::from_secs(46));
    assert_eq!(sim.get("requesters").await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn invalid_calls_and_included_records_cost_credits() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    sim.get("departments?page=0").await?;
    let reply = sim.get("departments?include=a,b").await?;
    assert_eq!(
        header(&reply, "x-ratelimit-used-currentrequest").as_deref(),
        Some("5")
    );
    assert_eq!(
        header(&reply, "x-ratelimit-remaining").as_deref(),
        Some("494")
    );
    let one = format!("departments/{}?include=a", department_id(0));
    let reply = sim.get(&one).await?;
    assert_eq!(
        header(&reply, "x-ratelimit-used-currentrequest").as_deref(),
        Some("2")
    );
    Ok(())
}

#[tokio::test]
async fn world_changes_show_at_once() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let call = "departments";
    assert_eq!(sim.body(call).await?, sim.body(call).await?);
    sim.world.lock().departments[0]["name"] = "Renamed".into();
    assert_eq!(sim.body(call).await?["departments"][0]["name"], "Renamed");
    let one = format!("departments/{}", department_id(0));
    assert_eq!(sim.body(&one).await?["department"]["name"], "Renamed");
    Ok(())
}

#[tokio::test]
async fn a_rename_moves_a_requester_to_another_page() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let first = sim.body("requesters?per_page=6").await?["requesters"][0]["id"].clone();
    let id = first.as_i64().unwrap();
    sim.world.lock().requester_mut(id).unwrap()["first_name"] = "Zzz".into();
    let page = sim.body("requesters?per_page=6&page=2").await?;
    assert_eq!(page["requesters"][5]["id"], first);
    Ok(())
}

#[tokio::test]
async fn agents_are_requesters_only_on_request() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    sim.world.lock().requesters[4]["is_agent"] = true.into();
    let count = |body: Value| body["requesters"].as_array().map(Vec::len);
    assert_eq!(count(sim.body("requesters").await?), Some(11));
    assert_eq!(
        count(sim.body("requesters?include_agents=true").await?),
        Some(12)
    );
    let one = sim.body("requesters?email=PERSON1@client1.example").await?;
    assert_eq!(count(one), Some(1));
    Ok(())
}

#[tokio::test]
async fn msp_edition_has_its_own_spelling() -> anyhow::Result<()> {
    let options = Options {
        msp_mode: true,
        ..Options::default()
    };
    let sim = SimClient::with(options).await?;
    sim.world.lock().departments[2]["workspace_id"] = 5.into();
    let list = sim.body("departments").await?;
    let listed = list["departments"].as_array().unwrap();
    assert_eq!(
        listed.len(),
        2,
        "other clients' departments are listed only when asked for"
    );
    assert_eq!(listed[0]["id"], department_id(0).to_string());
    assert!(listed[0].get("domains").is_none());
    let other = sim.body("departments?workspace_id=5").await?;
    assert_eq!(other["departments"].as_array().map(Vec::len), Some(1));
    let one = sim
        .body(&format!("departments/{}", department_id(0)))
        .await?;
    assert!(one["departments"].is_object());
    let requesters = sim.body("requesters").await?;
    assert!(requesters["requester"][0]["belongs_to_workspace_ids"].is_array());
    let one = sim.body(&format!("requesters/{}", requester_id(0))).await?;
    assert_eq!(one["requester"]["id"], requester_id(0));
    Ok(())
}

#[tokio::test]
async fn options_change_what_they_name() -> anyhow::Result<()> {
    let options = Options {
        workspace_keys: true,
        custom_fields_null: true,
        agents_me: false,
        body_404: BodyForm::Json,
        body_401: BodyForm::Empty,
        headers_show_account: true,
        ..Options::default()
    };
    let sim = SimClient::with(options).await?;
    assert_eq!(
        sim.body("departments").await?["departments"][0]["workspace_id"],
        2
    );
    assert!(sim.body("requesters").await?["requesters"][0]["custom_fields"].is_null());
    let me = sim.get("agents/me").await?;
    assert_eq!(me.status(), 404);
    assert_eq!(
        header(&me, "content-type").as_deref(),
        Some("application/json; charset=utf-8")
    );
    let agents = sim.get("agents").await?;
    assert_eq!(header(&agents, "x-ratelimit-total").as_deref(), Some("500"));
    let url = format!("{}/api/v2/agents", sim.server.url());
    assert_eq!(sim.http.get(url).send().await?.text().await?, "");
    Ok(())
}

#[tokio::test]
async fn calls_are_counted_by_resource() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    sim.get("departments").await?;
    sim.get("requesters/5").await?;
    sim.get("requesters").await?;
    assert_eq!(sim.server.calls(""), 3);
    assert_eq!(sim.server.calls("requesters"), 2);
    assert_eq!(sim.server.calls("requesters/5"), 1);
    sim.server.reset_calls();
    assert_eq!(sim.server.calls(""), 0);
    Ok(())
}

#[tokio::test]
async fn dropped_simulator_stops_listening() -> anyhow::Result<()> {
    let sim = SimClient::with(Options::default()).await?;
    let url = format!("{}/api/v2/departments", sim.server.url());
    sim.get("departments").await?.text().await?;
    drop(sim.server);
    for _ in 0..100 {
        if sim.http.get(&url).send().await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("it still answers");
}
