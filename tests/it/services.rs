//! Calls of other modules by name, with tokens of Core.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::Request, http::StatusCode, response::IntoResponse as _};
use codex_client::Services;
use codex_tests::{harness::TestResult, sim::core::Core};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A Brainhair that believes tokens of Core for Brainhair and no others.
struct Brainhair {
    address: String,
    refused: Arc<AtomicU64>,
    /// The correlation ids of its calls.
    ids: Arc<Mutex<Vec<String>>>,
}

async fn brainhair(core: &Core) -> anyhow::Result<Brainhair> {
    let key = DecodingKey::from_jwk(&serde_json::from_value(core.key.jwk.clone())?)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&["hivematrix-core"]);
    validation.leeway = 0;
    let (refused, ids) = (Arc::new(AtomicU64::new(0)), Arc::<Mutex<Vec<_>>>::default());
    let (count, seen) = (refused.clone(), ids.clone());
    let router = Router::new().fallback(move |request: Request| {
        let header = |name| request.headers().get(name)?.to_str().ok();
        let id = header("x-correlation-id").unwrap_or_default();
        seen.lock().unwrap().push(id.to_owned());
        let token = header("authorization")
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
    Ok(Brainhair {
        address,
        refused,
        ids,
    })
}

/// A list of modules with Brainhair in it.
fn listed(folder: &Path, brainhair: &Brainhair) -> anyhow::Result<std::path::PathBuf> {
    let file = folder.join("services.json");
    let services = json!({"brainhair": {"url": brainhair.address, "visible": true}, "ledger": {"url": "http://127.0.0.1:1"}});
    std::fs::write(&file, services.to_string())?;
    Ok(file)
}

const PATH: &str = "/api/knowledge/search?q=example";

#[tokio::test]
async fn modules_are_called_by_name_with_a_core_token() -> TestResult {
    let mut core = Core::start().await?;
    let brainhair = brainhair(&core).await?;
    let folder = tempfile::tempdir()?;
    let file = listed(folder.path(), &brainhair)?;
    let services = Services::load(&file, core.url(), "codex")?;

    let path = PATH;
    let answer = services.call_service("brainhair", path).await?;
    assert_eq!(answer, json!({"asked": path}));
    services.call_service("brainhair", path).await?;
    assert_eq!(
        core.asked("service-token"),
        1,
        "a token is kept until shortly before it ends"
    );
    assert_eq!(brainhair.refused.load(Ordering::Relaxed), 0);

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

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() -> TestResult {
    let core = Core::start().await?;
    let brainhair = brainhair(&core).await?;
    let folder = tempfile::tempdir()?;
    let file = listed(folder.path(), &brainhair)?;
    let services = Services::load(&file, core.url(), "codex")?;
    // It is renewed 60 s before its end: after 3 s, a second less for the fractions that a date leaves out.
    core.tokens_live(63);
    for asked in [1, 1] {
        services.call_service("brainhair", PATH).await?;
        assert_eq!(core.asked("service-token"), asked);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    services.call_service("brainhair", PATH).await?;
    assert_eq!(core.asked("service-token"), 2);
    assert_eq!(brainhair.refused.load(Ordering::Relaxed), 0);
    Ok(())
}

/// Callers with a token are not delayed.
#[tokio::test]
async fn silent_core_delays_callers_without_a_token_once() -> TestResult {
    let core = Core::start().await?;
    let brainhair = brainhair(&core).await?;
    let folder = tempfile::tempdir()?;
    let file = listed(folder.path(), &brainhair)?;
    let services = Services::load(&file, core.url(), "codex")?;
    core.tokens_live(30);
    services.call_service("brainhair", PATH).await?;
    core.hush(true);
    let (kept, fresh) = (services, Services::load(&file, core.url(), "codex")?);
    // What changes something is sent once: one question to Core each.
    let call = async |services: &Services| {
        let begun = Instant::now();
        let answer = services
            .call_service_with(Method::POST, "brainhair", PATH, None)
            .await;
        (answer.is_ok(), begun.elapsed() < Duration::from_secs(2))
    };
    let begun = Instant::now();
    let (known, unknown) = tokio::join!(
        join_all((0..4).map(|_| call(&kept))),
        join_all((0..4).map(|_| call(&fresh)))
    );
    assert!(begun.elapsed() < Duration::from_secs(9));
    assert!(known.iter().all(|(answered, _)| *answered), "{known:?}");
    let at_once = known.iter().filter(|(_, at_once)| *at_once).count();
    assert_eq!(at_once, 3, "one asks: {known:?}");
    assert!(unknown.iter().all(|(answered, _)| !answered), "{unknown:?}");
    assert_eq!(core.asked("service-token"), 3);
    assert_eq!(brainhair.refused.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test]
async fn correlation_id_is_kept_across_modules() -> TestResult {
    let core = Core::start().await?;
    let brainhair = brainhair(&core).await?;
    let folder = tempfile::tempdir()?;
    let file = listed(folder.path(), &brainhair)?;
    let services = Services::load(&file, core.url(), "codex")?;
    let inbound = services.with_correlation_id("inbound-1");
    inbound.call_service("brainhair", PATH).await?;
    services.call_service("brainhair", PATH).await?;
    let ids = brainhair.ids.lock().unwrap().clone();
    assert_eq!(ids[0], "inbound-1");
    assert!(!ids[1].is_empty() && ids[1] != ids[0], "{ids:?}");
    assert_eq!(core.asked("service-token"), 1, "tokens are shared");
    Ok(())
}
