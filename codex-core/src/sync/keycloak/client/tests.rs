//! The client against a stub that answers as Keycloak does.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    clock::SystemClock,
    sync::engine::http::stub::{Stub, answer, json as good, rate_limit_block, status},
};

const TOKEN: &str = r#"{"access_token": "T", "expires_in": 60}"#;

fn by_client() -> Login {
    Login::Client {
        id: "codex".into(),
        secret: "S".into(),
    }
}

fn by_password() -> Login {
    Login::Password {
        realm: "master".into(),
        user: "admin".into(),
        password: "P".into(),
    }
}

async fn client(
    logins: Vec<Login>,
    reply: impl Fn(usize, &str) -> String + Send + Sync + 'static,
) -> (Client, Stub, TempDir) {
    let (stub, (rate_limit_block, folder)) = (Stub::new(reply).await, rate_limit_block().await);
    let settings = Settings {
        base: stub.base.join("auth/").unwrap(),
        realm: "hive".into(),
        logins,
        http: HttpSettings {
            backoff: Duration::from_millis(1),
            ..HttpSettings::default()
        },
    };
    let client = Client::new(settings, rate_limit_block, Arc::new(SystemClock)).unwrap();
    (client, stub, folder)
}

/// Answers tokens, and users by what `users` says.
fn with_token(
    users: impl Fn(&str) -> String + Send + Sync + 'static,
) -> impl Fn(usize, &str) -> String + Send + Sync + 'static {
    move |_, request| {
        if request.starts_with("POST ") {
            good(TOKEN)
        } else {
            users(request)
        }
    }
}

fn users(ids: std::ops::Range<u32>) -> String {
    let users = ids.map(|id| json!({"id": id.to_string(), "username": format!("u{id}")}));
    good(&Value::Array(users.collect()).to_string())
}

#[tokio::test]
async fn pages_are_read_by_offset_until_a_short_one() {
    let (client, stub, _folder) = client(
        vec![by_client()],
        with_token(|request| match request {
            _ if request.contains("first=0&") => users(0..100),
            _ => users(100..130),
        }),
    )
    .await;
    let first = client.page(&(), None).await.unwrap();
    assert_eq!((first.items.len(), first.next), (100, Some(100)));
    let second = client.page(&(), first.next).await.unwrap();
    assert_eq!((second.items.len(), second.next), (30, None));
    let requests = stub.requests.lock().unwrap();
    assert!(requests[0].starts_with("POST /auth/realms/hive/protocol/openid-connect/token "));
    assert!(requests[0].contains("grant_type=client_credentials&client_id=codex"));
    assert!(requests[1].starts_with(
        "GET /auth/admin/realms/hive/users?first=0&max=100&briefRepresentation=true "
    ));
    assert!(requests[1].contains("authorization: Bearer T"));
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn server_without_paging_is_read_once_or_is_a_loop() {
    let everything = with_token(|_| users(0..130));
    let (all, _stub, _folder) = client(vec![by_client()], everything).await;
    let page = all.page(&(), None).await.unwrap();
    assert_eq!((page.items.len(), page.next), (130, None));

    let again = with_token(|_| users(0..100));
    let (same, _stub, _folder) = client(vec![by_client()], again).await;
    let first = same.page(&(), None).await.unwrap();
    let error = same.page(&(), first.next).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Loop { .. }), "{error}");
    assert!(
        same.page(&(), None).await.is_ok(),
        "the first may come again"
    );
}

#[tokio::test]
async fn refused_token_is_renewed_once() {
    let refuse = |times: usize| {
        move |n: usize, request: &str| match request {
            _ if request.starts_with("POST ") => good(TOKEN),
            _ if n <= 2 * times => status(401),
            _ => users(0..1),
        }
    };
    let (patient, stub, _folder) = client(vec![by_client()], refuse(1)).await;
    assert_eq!(patient.page(&(), None).await.unwrap().items.len(), 1);
    assert_eq!(stub.count(), 4, "token, refusal, token, page");
    let (refused, stub, _folder) = client(vec![by_client()], refuse(9)).await;
    let error = refused.page(&(), None).await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::Unauthorized { .. }),
        "{error}"
    );
    assert_eq!(stub.count(), 4);
}

#[tokio::test]
async fn refused_client_falls_back_to_the_password() {
    let (client, stub, _folder) =
        client(
            vec![by_client(), by_password()],
            |_, request| match request {
                _ if request.contains("client_credentials") => status(401),
                _ if request.starts_with("POST ") => good(TOKEN),
                _ => users(0..1),
            },
        )
        .await;
    client.page(&(), None).await.unwrap();
    let requests = stub.requests.lock().unwrap();
    assert!(requests[1].starts_with("POST /auth/realms/master/"));
    assert!(requests[1].contains("grant_type=password&client_id=admin-cli&username=admin"));
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn token_with_an_endless_lifetime_is_accepted() {
    let tokens = |_: usize, request: &str| match request {
        _ if request.starts_with("POST ") => {
            good(r#"{"access_token": "T", "expires_in": 9223372036854775807}"#)
        }
        _ => users(0..1),
    };
    let (client, _stub, _folder) = client(vec![by_client()], tokens).await;
    assert_eq!(client.page(&(), None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn client_without_the_role_falls_back_to_the_password() {
    let tokens = |n: usize, request: &str| match request {
        _ if request.starts_with("POST ") => {
            good(&format!(r#"{{"access_token": "T{n}", "expires_in": 300}}"#))
        }
        _ if request.contains("Bearer T0") => status(403),
        _ => users(0..1),
    };
    let (both, _stub, _folder) = client(vec![by_client(), by_password()], tokens).await;
    assert_eq!(both.page(&(), None).await.unwrap().items.len(), 1);
    let (alone, _stub, _folder) = client(vec![by_client()], tokens).await;
    let error = alone.page(&(), None).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Forbidden { .. }));
    assert!(error.to_string().contains("view-users"), "{error}");
}

#[tokio::test]
async fn trap_68_refused_passwords_are_tried_once_with_a_reason() {
    for refusal in [401, 400] {
        let body = r#"{"error": "invalid_grant", "error_description": "Invalid user credentials"}"#;
        let (client, stub, _folder) = client(vec![by_password()], move |_, _| {
            answer(refusal, &[], "application/json", body)
        })
        .await;
        let error = client.login().await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Unauthorized { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("`admin`") && error.to_string().contains("locked"));
        assert_eq!(stub.count(), 1);
    }
}

#[tokio::test]
async fn wrong_prefix_or_realm_is_reported() {
    let (client, stub, _folder) = client(vec![by_client()], |_, _| status(404)).await;
    let error = client.login().await.unwrap_err().to_string();
    assert!(
        error.contains("realm `hive`") && error.contains("/auth"),
        "{error}"
    );
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn only_status_404_means_an_absent_user() {
    for (code, absent) in [(404, true), (403, false), (500, false)] {
        let (client, _stub, _folder) =
            client(vec![by_client()], with_token(move |_| status(code))).await;
        let found = client.user("a-1").await;
        assert_eq!(matches!(found, Ok(None)), absent, "{code}: {found:?}");
    }
    for body in ["null", "[]", "{}"] {
        let (client, _stub, _folder) =
            client(vec![by_client()], with_token(move |_| good(body))).await;
        assert!(client.user("a-1").await.is_err(), "{body}");
    }
}

#[tokio::test]
async fn list_that_is_not_an_array_is_an_error() {
    for body in ["null", "{}", r#"{"users": []}"#] {
        let (client, _stub, _folder) =
            client(vec![by_client()], with_token(move |_| good(body))).await;
        let error = client.page(&(), None).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Malformed { .. }),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn secrets_are_not_in_errors_or_debug_output() {
    let (client, _stub, _folder) = client(vec![by_password()], |_, _| status(401)).await;
    let error = client.login().await.unwrap_err();
    for text in [format!("{client:?}"), format!("{error:?} {error}")] {
        assert!(!text.contains("\"P\""), "{text}");
    }
}
