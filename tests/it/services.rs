//! Calls of other modules by name, with tokens of Core.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{Json, Router, extract::Request, http::StatusCode, response::IntoResponse as _};
use codex_client::Services;
use codex_tests::{harness::TestResult, sim::core::Core};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A Brainhair that believes tokens of Core for Brainhair and no others.
async fn brainhair(core: &Core) -> anyhow::Result<(String, Arc<AtomicU64>)> {
    let key = DecodingKey::from_jwk(&serde_json::from_value(core.key.jwk.clone())?)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&["hivematrix-core"]);
    let refused = Arc::new(AtomicU64::new(0));
    let count = refused.clone();
    let router = Router::new().fallback(move |request: Request| {
        let header = request
            .headers()
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let claims = decode::<Value>(token, &key, &validation).map(|token| token.claims);
        let answer = match claims {
            Ok(claims)
                if claims["target_service"] == "brainhair"
                    && claims["calling_service"] == "codex" =>
            {
                Json(json!({"asked": request.uri().to_string()})).into_response()
            }
            _ => {
                count.fetch_add(1, Ordering::Relaxed);
                StatusCode::UNAUTHORIZED.into_response()
            }
        };
        std::future::ready(answer)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, refused))
}

#[tokio::test]
async fn a_module_is_called_by_name_with_a_token_of_core() -> TestResult {
    let mut core = Core::start().await?;
    let (address, refused) = brainhair(&core).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("services.json");
    let services = json!({"brainhair": {"url": address, "visible": true}, "ledger": {"url": "http://127.0.0.1:1"}});
    std::fs::write(&file, services.to_string())?;
    let services = Services::load(&file, core.url(), "codex")?;

    let path = "/api/knowledge/search?q=example";
    let answer = services.call_service("brainhair", path).await?;
    assert_eq!(answer, json!({"asked": path}));
    services.call_service("brainhair", path).await?;
    assert_eq!(
        core.asked("service-token"),
        1,
        "a token is kept until shortly before it ends"
    );
    assert_eq!(refused.load(Ordering::Relaxed), 0);

    let unknown = services.call_service("nobody", path).await.unwrap_err();
    assert!(
        unknown.to_string().contains("no service `nobody`"),
        "{unknown}"
    );
    core.stop().await;
    services.call_service("brainhair", path).await?;
    let fresh = Services::load(&file, core.url(), "codex")?;
    let down = fresh.call_service("brainhair", path).await.unwrap_err();
    assert!(
        down.to_string().contains("core did not give a token"),
        "{down}"
    );
    assert!(down.is_retryable());
    assert!(Services::load(folder.path().join("none.json"), core.url(), "codex").is_err());
    Ok(())
}
