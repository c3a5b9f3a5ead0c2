use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use chrono::{DateTime, TimeZone as _, Utc};
use codex_core::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{
    Authenticator, Caller, CallerKind, Refusal,
    local::{self, LocalIssuer},
    testing::{Core, service, token, user},
};
use crate::{
    config::{Auth, Config, Sources},
    http::forwarded::PeerAddress,
};

const MINUTE: i64 = 60;

fn now() -> DateTime<Utc> {
    Utc.timestamp_opt(2_000_000_000, 0).unwrap()
}

fn settings(core: &Core) -> Auth {
    let sources = Sources::new("/nonexistent").set("core.url", core.url());
    Config::load(&sources).unwrap().auth
}

fn authenticator(core: &Core) -> Authenticator {
    Authenticator::new(&settings(core)).unwrap()
}

async fn with_header(auth: &Authenticator, header: &str) -> Result<Caller, Refusal> {
    let value = HeaderValue::from_str(header).unwrap();
    auth.caller(&HeaderMap::from_iter([(AUTHORIZATION, value)]), None, now())
        .await
}

async fn ask(auth: &Authenticator, token: &str) -> Result<Caller, Refusal> {
    with_header(auth, &format!("Bearer {token}")).await
}

async fn refused(claims: Value) -> Refusal {
    let core = Core::start().await;
    ask(&authenticator(&core), &token("k0", 0, &claims))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn user_token_yields_role_and_names() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let caller = ask(&auth, &token("k0", 0, &user(&json!({}))))
        .await
        .unwrap();
    assert_eq!(caller.kind, CallerKind::User(Role::Admin));
    assert_eq!(caller.sub, "u-1");
    assert_eq!(caller.email.as_deref(), Some("a@x.example"));
    assert_eq!(caller.preferred_username.as_deref(), Some("ann"));
}

#[tokio::test]
async fn unknown_permission_level_is_client() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    for level in [json!(null), json!("root"), json!("service")] {
        let claims = user(&json!({"permission_level": level}));
        let caller = ask(&auth, &token("k0", 0, &claims)).await.unwrap();
        assert_eq!(caller.kind, CallerKind::User(Role::Client), "{level}");
    }
}

#[tokio::test]
async fn service_token_yields_the_service_name() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let caller = ask(&auth, &token("k0", 0, &service(&json!({}))))
        .await
        .unwrap();
    assert_eq!(caller.kind, CallerKind::Service("beacon".into()));
    assert_eq!(caller.actor(), "service:beacon");
}

#[tokio::test]
async fn token_for_another_service_is_taken_or_refused() {
    let core = Core::start().await;
    let token = token("k0", 0, &service(&json!({"target_service": "helm"})));
    let auth = authenticator(&core);
    assert!(ask(&auth, &token).await.is_ok());
    let strict = Authenticator::new(&Auth {
        check_target_service: true,
        ..settings(&core)
    });
    assert_eq!(ask(&strict.unwrap(), &token).await, Err(Refusal::Target));
}

#[tokio::test]
async fn missing_tokens_and_other_schemes_are_refused() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let good = token("k0", 0, &user(&json!({})));
    assert_eq!(
        auth.caller(&HeaderMap::new(), None, now()).await,
        Err(Refusal::Missing)
    );
    for header in [
        format!("bearer {good}"),
        format!("Basic {good}"),
        "Bearer ".into(),
        good,
    ] {
        assert_eq!(
            with_header(&auth, &header).await,
            Err(Refusal::Missing),
            "{header}"
        );
    }
    assert_eq!(ask(&auth, "not.a.token").await, Err(Refusal::Malformed));
    assert_eq!(core.asked(), 0, "nonsense must not reach Core");
}

#[tokio::test]
async fn expiry_has_no_leeway_even_for_cached_tokens() {
    let at = now().timestamp();
    assert_eq!(refused(user(&json!({"exp": at}))).await, Refusal::Expired);
    assert_eq!(
        refused(user(&json!({"exp": null}))).await,
        Refusal::Malformed
    );
    assert_eq!(
        refused(user(&json!({"nbf": at + MINUTE}))).await,
        Refusal::NotYetValid
    );

    let core = Core::start().await;
    let auth = authenticator(&core);
    // Python writes a float when it is given one.
    let short = token("k0", 0, &user(&json!({"exp": 2_000_000_000.5})));
    assert!(ask(&auth, &short).await.is_ok());
    let value = HeaderValue::from_str(&format!("Bearer {short}")).unwrap();
    let later = now() + chrono::Duration::seconds(1);
    let again = auth
        .caller(&HeaderMap::from_iter([(AUTHORIZATION, value)]), None, later)
        .await;
    assert_eq!(again, Err(Refusal::Expired));
}

#[tokio::test]
async fn other_issuers_and_audiences_are_refused() {
    assert_eq!(
        refused(user(&json!({"iss": "hivematrix.core"}))).await,
        Refusal::Issuer
    );
    assert!(matches!(
        refused(user(&json!({"iss": null}))).await,
        Refusal::Issuer | Refusal::Malformed
    ));
    assert_eq!(
        refused(user(&json!({"aud": "ledger"}))).await,
        Refusal::Audience
    );
}

#[tokio::test]
async fn other_algorithms_are_refused() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    for algorithm in [Algorithm::HS256, Algorithm::RS512] {
        let mut header = Header::new(algorithm);
        header.kid = Some("k0".into());
        let key = match algorithm {
            Algorithm::HS256 => &EncodingKey::from_secret(b"k"),
            _ => &super::testing::KEYS[0],
        };
        let token = jsonwebtoken::encode(&header, &user(&json!({})), key).unwrap();
        assert_eq!(ask(&auth, &token).await, Err(Refusal::Algorithm));
    }
}

#[tokio::test]
async fn unsigned_tokens_are_refused() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let good = token("k0", 0, &user(&json!({})));
    let claims = good.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT","kid":"k0"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiazAifQ.{claims}.");
    assert!(ask(&auth, &none).await.is_err());
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    assert!(ask(&auth, &format!("{unsigned}.")).await.is_err());
}

#[tokio::test]
async fn keys_not_published_by_core_are_refused() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let claims = user(&json!({}));
    assert_eq!(
        ask(&auth, &token("k1", 1, &claims)).await,
        Err(Refusal::UnknownKey)
    );
    // The id of a known key on a token that another key signed.
    assert_eq!(
        ask(&auth, &token("k0", 1, &claims)).await,
        Err(Refusal::Signature)
    );
}

#[tokio::test]
async fn new_key_is_fetched_at_its_first_use() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let claims = user(&json!({}));
    assert!(ask(&auth, &token("k0", 0, &claims)).await.is_ok());
    core.serve_keys(&[("k1", 1)]);
    assert!(ask(&auth, &token("k1", 1, &claims)).await.is_ok());
    assert_eq!(core.asked(), 2);
}

#[tokio::test]
async fn unknown_key_ids_share_one_fetch() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let claims = user(&json!({}));
    let tokens: Vec<_> = (0..20)
        .map(|n| token(&format!("x{n}"), 1, &claims))
        .collect();
    let asked = tokens.iter().map(|token| ask(&auth, token));
    for answer in futures_all(asked).await {
        assert_eq!(answer, Err(Refusal::UnknownKey));
    }
    assert!(core.asked() <= 2, "asked {} times", core.asked());
}

#[tokio::test]
async fn concurrent_first_requests_fetch_the_keys_once() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let tokens: Vec<_> = (0..20)
        .map(|n| token("k0", 0, &user(&json!({"sub": n.to_string()}))))
        .collect();
    for answer in futures_all(tokens.iter().map(|token| ask(&auth, token))).await {
        assert!(answer.is_ok());
    }
    assert_eq!(core.asked(), 1);
}

#[tokio::test]
async fn known_keys_work_while_core_is_down() {
    let core = Core::start().await;
    let auth = Authenticator::new(&Auth {
        jwks_cache: Duration::ZERO,
        ..settings(&core)
    });
    let auth = auth.unwrap();
    assert!(ask(&auth, &token("k0", 0, &user(&json!({})))).await.is_ok());
    core.fail();
    for n in 0..3 {
        let other = token("k0", 0, &user(&json!({"sub": n.to_string()})));
        assert!(ask(&auth, &other).await.is_ok());
    }
}

#[tokio::test]
async fn silent_core_delays_one_request_only() {
    let core = Core::start().await;
    let auth = Authenticator::new(&Auth {
        jwks_cache: Duration::ZERO,
        jwks_cooldown: Duration::ZERO,
        ..settings(&core)
    });
    let auth = auth.unwrap();
    let token = token("k0", 0, &user(&json!({})));
    assert!(ask(&auth, &token).await.is_ok());
    core.fall_silent();
    assert!(ask(&auth, &token).await.is_ok(), "the first one waits");
    let begun = std::time::Instant::now();
    for _ in 0..3 {
        assert!(ask(&auth, &token).await.is_ok());
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn core_down_at_the_start_does_not_refuse_the_token() {
    let core = Core::start().await;
    core.fail();
    let auth = authenticator(&core);
    let token = token("k0", 0, &user(&json!({})));
    assert_eq!(ask(&auth, &token).await, Err(Refusal::NoKeys));
    // A set without keys says as little.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    core.serve_keys(&[]);
    assert_eq!(ask(&auth, &token).await, Err(Refusal::NoKeys));
    core.serve_keys(&[("k0", 0)]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(ask(&auth, &token).await.is_ok());
}

#[tokio::test]
async fn empty_key_set_replaces_nothing() {
    let core = Core::start().await;
    let auth = Authenticator::new(&Auth {
        jwks_cache: Duration::ZERO,
        ..settings(&core)
    });
    let auth = auth.unwrap();
    assert!(ask(&auth, &token("k0", 0, &user(&json!({})))).await.is_ok());
    core.serve_keys(&[]);
    for n in 0..3 {
        let other = token("k0", 0, &user(&json!({"sub": n.to_string()})));
        assert!(ask(&auth, &other).await.is_ok());
    }
    assert_eq!(core.asked(), 2);
}

#[tokio::test]
async fn withdrawn_key_expires_with_the_cache() {
    let core = Core::start().await;
    let auth = Authenticator::new(&Auth {
        jwks_cache: Duration::from_secs(1),
        ..settings(&core)
    });
    let auth = auth.unwrap();
    let token = token("k0", 0, &user(&json!({})));
    assert!(ask(&auth, &token).await.is_ok());
    core.serve_keys(&[("k1", 1)]);
    assert!(ask(&auth, &token).await.is_ok(), "the keys are young");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(ask(&auth, &token).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn critical_extensions_are_refused() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("k0".into());
    header.crit = Some(vec!["exp".into()]);
    let key = &super::testing::KEYS[0];
    let token = jsonwebtoken::encode(&header, &user(&json!({})), key).unwrap();
    assert_eq!(ask(&auth, &token).await, Err(Refusal::Critical));
}

#[tokio::test]
async fn new_key_is_accepted_during_a_flood_of_unknown_keys() {
    let core = Core::start().await;
    let auth = authenticator(&core);
    let claims = user(&json!({}));
    assert!(ask(&auth, &token("k0", 0, &claims)).await.is_ok());
    let flood = |n: usize| {
        let token = token(&format!("x{n}"), 1, &claims);
        let auth = &auth;
        async move { from(auth, "192.0.2.1", &token).await }
    };
    for n in 0..5 {
        assert_eq!(flood(n).await, Err(Refusal::UnknownKey));
    }
    assert_eq!(core.asked(), 2, "the first keys, and one question");
    core.serve_keys(&[("k0", 0), ("k1", 1)]);
    let begun = std::time::Instant::now();
    let new = token("k1", 1, &claims);
    let (made_up, genuine) = tokio::join!(flood(5), from(&auth, "192.0.2.2", &new));
    assert_eq!(made_up, Err(Refusal::UnknownKey));
    assert!(genuine.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(core.asked(), 3);
}

async fn from(auth: &Authenticator, address: &str, token: &str) -> Result<Caller, Refusal> {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let peer = Some(PeerAddress(address.parse().unwrap()));
    auth.caller(&headers, peer, now()).await
}

#[tokio::test]
async fn local_key_is_valid_for_its_own_issuer_only() {
    let core = Core::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("local-issuer.pem");
    let auth = Authenticator::new(&Auth {
        local_issuer: Some(file.clone()),
        ..settings(&core)
    });
    let auth = auth.unwrap();
    let local = LocalIssuer::open(&file).unwrap();
    let own = local.sign(&user(&json!({"iss": local::ISSUER}))).unwrap();
    let caller = ask(&auth, &own).await.unwrap();
    assert_eq!(caller.kind, CallerKind::User(Role::Admin));
    assert_eq!(core.asked(), 0, "Core has no part in it");
    let as_core = local.sign(&user(&json!({}))).unwrap();
    assert_eq!(ask(&auth, &as_core).await, Err(Refusal::Issuer));
    let by_core = token("k0", 0, &user(&json!({"iss": local::ISSUER})));
    assert_eq!(ask(&auth, &by_core).await, Err(Refusal::Issuer));
    let off = authenticator(&core);
    assert_eq!(ask(&off, &own).await, Err(Refusal::UnknownKey));
}

/// All answers of futures that run at once.
async fn futures_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (slot, future) in done.iter_mut().zip(&mut running) {
            if slot.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
