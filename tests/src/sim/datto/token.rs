//! Tokens by password grant (vendors 2.2).

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::{Value, json};

use super::options::Options;
use crate::sim::{
    encode::{basic, url_safe},
    reply::answer,
};

/// Tokens that are out, and until when each is good. A new one does not end the others: several programs
/// share a key.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: u32,
    good_until: HashMap<String, Duration>,
}

impl Tokens {
    /// Whether a call may pass with this header.
    pub fn know(&self, header: Option<&str>, now: Duration) -> bool {
        header
            .and_then(|header| header.strip_prefix("Bearer "))
            .and_then(|token| self.good_until.get(token))
            .is_some_and(|until| *until > now)
    }

    pub fn revoke_all(&mut self) {
        self.good_until.clear();
    }

    /// Answers a request for a token.
    pub fn grant(
        &mut self,
        header: Option<&str>,
        form: &HashMap<String, String>,
        options: &Options,
    ) -> Response<Body> {
        if header != Some(basic("public-client", "public").as_str()) {
            let body = json!({"error": "unauthorized",
                "error_description": "Full authentication is required to access this resource"});
            return answer(StatusCode::UNAUTHORIZED, &body);
        }
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if field("grant_type") != "password" {
            let body = json!({"error": "unsupported_grant_type",
                "error_description": format!("Unsupported grant type: {}", field("grant_type"))});
            return answer(StatusCode::BAD_REQUEST, &body);
        }
        if (field("username"), field("password")) != (&options.api_key, &options.api_secret) {
            let bad = StatusCode::from_u16(options.bad_credentials);
            let body = json!({"error": "invalid_grant", "error_description": "Bad credentials"});
            return answer(bad.unwrap_or(StatusCode::BAD_REQUEST), &body);
        }
        self.issued += 1;
        let id = format!("sim-{}", self.issued);
        let token = looks_like_a_jwt(&id);
        let until = options.clock.elapsed() + options.token_lifetime;
        self.good_until.insert(token.clone(), until);
        let seconds = options.token_lifetime.as_secs();
        let body = json!({"access_token": token, "token_type": "bearer", "expires_in": seconds,
            "scope": "read write", "jti": id});
        answer(StatusCode::OK, &body)
    }
}

/// Three parts as a JWT has them. Nobody but the vendor can verify it, so the last part is no signature.
fn looks_like_a_jwt(id: &str) -> String {
    let part = |value: Value| url_safe(value.to_string().as_bytes());
    let (header, claims) = (json!({"alg": "RS256", "typ": "JWT"}), json!({"jti": id}));
    format!(
        "{}.{}.{}",
        part(header),
        part(claims),
        url_safe(id.as_bytes())
    )
}
