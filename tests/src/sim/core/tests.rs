use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};

use super::*;
use crate::sim::http;

async fn jwks(core: &Core) -> anyhow::Result<Vec<Jwk>> {
    let url = format!("{}/.well-known/jwks.json", core.url());
    let body: Value = http().get(url).send().await?.json().await?;
    Ok(serde_json::from_value(body["keys"].clone())?)
}

fn verified(token: &str, key: &Jwk) -> anyhow::Result<Value> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    Ok(decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims)
}

#[tokio::test]
async fn tokens_are_verified_by_the_published_key() -> anyhow::Result<()> {
    let core = Core::start().await?;
    let keys = jwks(&core).await?;
    let user = verified(&core.user_token("technician", "a@b.example"), &keys[0])?;
    assert_eq!(user["permission_level"], "technician");
    assert_eq!(
        user["exp"].as_i64(),
        user["iat"].as_i64().map(|at| at + 3600)
    );
    let service = verified(&core.service_token("ledger"), &keys[0])?;
    assert_eq!(
        (&service["type"], &service["sub"]),
        (&json!("service"), &json!("service:ledger"))
    );
    assert!(service.get("jti").is_none() && service.get("aud").is_none());
    assert_eq!(core.key_fetches(), 1);
    Ok(())
}

#[tokio::test]
async fn each_bad_token_has_the_fault_of_its_name() -> anyhow::Result<()> {
    let core = Core::start().await?;
    let keys = jwks(&core).await?;
    let claims = user_claims("admin", "a@b.example");
    let other = core.token_other_key(&claims);
    assert_eq!(decode_header(&other)?.kid.as_deref(), Some(KEY_ID));
    let bad = [
        other,
        core.token_alg_none(&claims),
        core.token_hs256(&claims),
    ];
    for token in &bad {
        assert!(verified(token, &keys[0]).is_err(), "{token}");
    }
    // The last one is genuine to a verifier that takes the public key for a secret.
    let secret = DecodingKey::from_secret(core.key.public_pem.as_bytes());
    decode::<Value>(&bad[2], &secret, &Validation::new(Algorithm::HS256))?;
    Ok(())
}

#[tokio::test]
async fn stopped_core_refuses_connected_clients() -> anyhow::Result<()> {
    let mut core = Core::start().await?;
    let (client, url) = (http(), format!("{}/health", core.url()));
    client.get(&url).send().await?.text().await?;
    core.stop().await;
    assert!(client.get(&url).send().await.is_err());
    core.start_again().await?;
    assert_eq!(client.get(&url).send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn a_key_published_later_is_listed() -> anyhow::Result<()> {
    let core = Core::start().await?;
    let next = SigningKey::generate("hivematrix-signing-key-2")?;
    core.publish(&next);
    let keys = jwks(&core).await?;
    verified(&next.user("admin", "a@b.example")?, &keys[1])?;
    Ok(())
}

#[tokio::test]
async fn tokens_are_issued_like_core_does() -> anyhow::Result<()> {
    let core = Core::start().await?;
    let cases = [
        (
            "/service-token",
            r#"{"calling_service":"ledger","target_service":"codex"}"#,
            200,
        ),
        ("/service-token", r#"{"calling_service":"ledger"}"#, 400),
        (
            "/service-token",
            r#"{"calling_service":"Led ger","target_service":"codex"}"#,
            400,
        ),
        ("/service-token", "calling_service=ledger", 500),
        ("/api/token", r#"{"username":"admin","password":"x"}"#, 200),
        ("/api/token", r#"{"username":"admin"}"#, 401),
        ("/api/token", r#"{"username":"amdin","password":"x"}"#, 401),
    ];
    for (path, body, status) in cases {
        let reply = http()
            .post(format!("{}{path}", core.url()))
            .body(body)
            .send()
            .await?;
        assert_eq!(reply.status(), status, "{path} {body}");
        let member = if status == 200 { "token" } else { "error" };
        assert!(
            reply.json::<Value>().await?[member].is_string(),
            "{path} {body}"
        );
    }
    Ok(())
}
