use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::*;
use crate::sim::{
    Size, World,
    clock::SimClock,
    fault::{FaultKind, When},
    http,
    world::user_id,
};

/// A client of the simulated Keycloak, and what it talks to.
struct SimClient {
    server: Keycloak,
    http: reqwest::Client,
}

const AS_CLIENT: [(&str, &str); 3] = [
    ("grant_type", "client_credentials"),
    ("client_id", CLIENT_ID),
    ("client_secret", CLIENT_SECRET),
];
const AS_ADMIN: [(&str, &str); 4] = [
    ("grant_type", "password"),
    ("client_id", "admin-cli"),
    ("username", ADMIN_USER),
    ("password", ADMIN_PASSWORD),
];

impl SimClient {
    async fn with(size: Size, options: Options) -> anyhow::Result<Self> {
        let world = SharedWorld::new(World::generate(size, 1));
        Ok(Self {
            server: Keycloak::start(world, options).await?,
            http: http(),
        })
    }

    fn ask(&self, realm: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let url = self.server.url();
        let url = format!("{url}/realms/{realm}/protocol/openid-connect/token");
        self.http.post(url).form(form)
    }

    async fn token(&self, realm: &str, form: &[(&str, &str)]) -> anyhow::Result<String> {
        let grant: Value = self.ask(realm, form).send().await?.json().await?;
        Ok(grant["access_token"].as_str().unwrap_or("none").to_owned())
    }

    async fn get(&self, token: &str, call: &str) -> anyhow::Result<Response> {
        let url = format!("{}/admin/realms/{REALM}/{call}", self.server.url());
        Ok(self.http.get(url).bearer_auth(token).send().await?)
    }

    async fn list(&self, token: &str, call: &str) -> anyhow::Result<Vec<Value>> {
        Ok(self
            .get(token, call)
            .await?
            .error_for_status()?
            .json()
            .await?)
    }
}

#[tokio::test]
async fn users_are_paged_by_a_hundred_by_default() -> anyhow::Result<()> {
    let sim = SimClient::with(Size::S, Options::default()).await?;
    let token = sim.token(REALM, &AS_CLIENT).await?;
    assert_eq!(sim.list(&token, "users").await?.len(), 100);
    assert_eq!(sim.list(&token, "users?first=100").await?.len(), 30);
    assert_eq!(sim.list(&token, "users?max=500").await?.len(), 130);
    assert!(sim.list(&token, "users?first=130").await?.is_empty());
    let count: u64 = sim.get(&token, "users/count").await?.json().await?;
    assert_eq!(count, 132, "the count has the service accounts too");
    let names = sim.list(&token, "users?max=500").await?;
    assert!(names.is_sorted_by_key(|user| user["username"].as_str().map(str::to_owned)));
    Ok(())
}

/// The brief form has no attributes.
#[tokio::test]
async fn unset_members_are_left_out() -> anyhow::Result<()> {
    let sim = SimClient::with(Size::Tiny, Options::default()).await?;
    let token = sim.token(MASTER, &AS_ADMIN).await?;
    let user = |n: usize| format!("users/{}", user_id(n));
    let kiosk: Value = sim.get(&token, &user(5)).await?.json().await?;
    for member in ["email", "firstName", "lastName"] {
        assert!(kiosk.get(member).is_none(), "{member}");
    }
    let full: Value = sim.get(&token, &user(8)).await?.json().await?;
    assert!(full["attributes"].is_object() && full["federationLink"].is_string());
    let brief = sim.list(&token, "users?briefRepresentation=true").await?;
    assert!(
        brief
            .iter()
            .all(|user| user.get("attributes").is_none() && user["enabled"].is_boolean())
    );
    let missing = sim.get(&token, "users/nobody").await?;
    assert_eq!(missing.status(), 404);
    assert_eq!(
        missing.json::<Value>().await?,
        json!({"error": "User not found"})
    );
    Ok(())
}

#[tokio::test]
async fn grants_are_refused_like_keycloak_does() -> anyhow::Result<()> {
    let sim = SimClient::with(Size::Tiny, Options::default()).await?;
    let refused = async |realm: &str, form: &[(&str, &str)]| -> anyhow::Result<(u16, String)> {
        let reply = sim.ask(realm, form).send().await?;
        let status = reply.status().as_u16();
        let body: Value = reply.json().await?;
        Ok((
            status,
            body["error"].as_str().unwrap_or_default().to_owned(),
        ))
    };
    let wrong = [AS_CLIENT[0], AS_CLIENT[1], ("client_secret", "wrong")];
    assert_eq!(
        refused(REALM, &wrong).await?,
        (401, "unauthorized_client".into())
    );
    let wrong = [AS_ADMIN[0], AS_ADMIN[1], AS_ADMIN[2], ("password", "wrong")];
    assert_eq!(
        refused(MASTER, &wrong).await?,
        (401, "invalid_grant".into())
    );
    assert_eq!(
        refused(REALM, &AS_ADMIN).await?,
        (401, "invalid_grant".into())
    );
    assert_eq!(
        refused("nowhere", &AS_ADMIN).await?,
        (404, "Realm does not exist".into())
    );
    sim.server.change(|options| options.service_account = false);
    assert_eq!(
        refused(REALM, &AS_CLIENT).await?,
        (401, "unauthorized_client".into())
    );
    for status in [401, 400] {
        sim.server
            .change(|options| options.admin_locked = Some(status));
        assert_eq!(
            refused(MASTER, &AS_ADMIN).await?,
            (status, "invalid_grant".into())
        );
    }
    sim.server.change(|options| {
        options.admin_locked = None;
        options.admin_required_action = true;
    });
    assert_eq!(
        refused(MASTER, &AS_ADMIN).await?,
        (400, "invalid_grant".into())
    );
    Ok(())
}

#[tokio::test]
async fn token_of_the_master_realm_lives_a_minute() -> anyhow::Result<()> {
    let clock = SimClock::stopped();
    let options = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let sim = SimClient::with(Size::Tiny, options).await?;
    let (admin, client) = (
        sim.token(MASTER, &AS_ADMIN).await?,
        sim.token(REALM, &AS_CLIENT).await?,
    );
    clock.advance(Duration::from_secs(61));
    let refused = sim.get(&admin, "users").await?;
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.json::<Value>().await?,
        json!({"error": "HTTP 401 Unauthorized"})
    );
    assert_eq!(sim.get(&client, "users").await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn a_missing_role_is_403_or_an_empty_list() -> anyhow::Result<()> {
    let sim = SimClient::with(Size::Tiny, Options::default()).await?;
    let token = sim.token(REALM, &AS_CLIENT).await?;
    sim.server
        .change(|options| options.client_access = Access::Query);
    assert!(sim.list(&token, "users").await?.is_empty());
    let one = format!("users/{}", user_id(1));
    assert_eq!(sim.get(&token, &one).await?.status(), 403);
    sim.server
        .change(|options| options.client_access = Access::None);
    let refused = sim.get(&token, "users").await?;
    assert_eq!(refused.status(), 403);
    assert_eq!(
        refused.json::<Value>().await?,
        json!({"error": "HTTP 403 Forbidden"})
    );
    Ok(())
}

#[tokio::test]
async fn prefix_applies_to_every_route_and_realms_are_apart() -> anyhow::Result<()> {
    let options = Options {
        prefix: "/auth",
        ..Options::default()
    };
    let sim = SimClient::with(Size::Tiny, options).await?;
    assert!(sim.server.url().ends_with("/auth"));
    let admin = sim.token(MASTER, &AS_ADMIN).await?;
    assert_eq!(sim.list(&admin, "users").await?.len(), 12);
    let call = |path: String| sim.http.get(path).bearer_auth(&admin).send();
    let base = sim.server.url().trim_end_matches("/auth").to_owned();
    let reply = call(format!("{base}/admin/realms/{REALM}/users")).await?;
    assert_eq!(reply.status(), 404);
    assert!(reply.text().await?.contains("RESTEASY003210"));
    let master = call(format!("{base}/auth/admin/realms/{MASTER}/users")).await?;
    assert_eq!(master.json::<Value>().await?, json!([]));
    let nowhere = call(format!("{base}/auth/admin/realms/nowhere/users")).await?;
    assert_eq!(
        nowhere.json::<Value>().await?,
        json!({"error": "Realm not found."})
    );
    Ok(())
}

#[tokio::test]
async fn faults_affect_lists_single_users_and_tokens() -> anyhow::Result<()> {
    let sim = SimClient::with(Size::S, Options::default()).await?;
    let token = sim.token(REALM, &AS_CLIENT).await?;
    let (list, faults) = (format!("/admin/realms/{REALM}/users"), sim.server.faults());
    faults.add(&list, When::Page(1), FaultKind::Repeat);
    assert_eq!(
        sim.list(&token, "users?first=100").await?,
        sim.list(&token, "users?first=0").await?
    );
    faults.clear();
    faults.add(&list, When::Always, FaultKind::EmptyList);
    assert!(sim.list(&token, "users").await?.is_empty());
    assert_eq!(
        sim.get(&token, &format!("users/{}", user_id(1)))
            .await?
            .status(),
        200
    );
    faults.clear();
    faults.add("/realms/", When::First(1), FaultKind::Status(503));
    assert_eq!(sim.ask(REALM, &AS_CLIENT).send().await?.status(), 503);
    assert_eq!(sim.ask(REALM, &AS_CLIENT).send().await?.status(), 200);
    Ok(())
}
