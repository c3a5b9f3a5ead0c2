//! Tokens (vendors 3): by client credentials in a realm, by password in the realm of administrators.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde_json::json;

use super::options::{ADMIN_USER, CLIENT_ID, MASTER, Options};
use crate::sim::reply::answer;

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// The administrator of all realms.
    Admin,
    /// The client of the realm.
    Client,
}

/// Tokens that are out, whose each is, and until when it is good.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: u32,
    out: HashMap<String, (Holder, Duration)>,
}

impl Tokens {
    /// Whose token a header carries; `None` for one that is unknown or past its time.
    pub fn holder(&self, header: Option<&str>, now: Duration) -> Option<Holder> {
        let token = header?.strip_prefix("Bearer ")?;
        let (holder, until) = self.out.get(token)?;
        (*until > now).then_some(*holder)
    }

    pub fn revoke_all(&mut self) {
        self.out.clear();
    }

    /// Answers a request for a token of a realm that exists.
    pub fn grant(
        &mut self,
        realm: &str,
        form: &HashMap<String, String>,
        options: &Options,
    ) -> Response<Body> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let bad = || refusal(401, "invalid_grant", "Invalid user credentials");
        match (field("grant_type"), field("client_id")) {
            ("client_credentials", CLIENT_ID) if realm == options.realm => {
                if field("client_secret") != options.client_secret {
                    let text = "Invalid client or Invalid client credentials";
                    return refusal(401, "unauthorized_client", text);
                }
                if !options.service_account {
                    let text = "Client not enabled to retrieve service account";
                    return refusal(401, "unauthorized_client", text);
                }
                self.issue(Holder::Client, options.token_lifetime, options)
            }
            ("password", "admin-cli") if realm == MASTER => {
                if let Some(status) = options.admin_locked {
                    return refusal(status, "invalid_grant", "Invalid user credentials");
                }
                if (field("username"), field("password")) != (ADMIN_USER, options.admin_password) {
                    return bad();
                }
                if options.admin_required_action {
                    return refusal(400, "invalid_grant", "Account is not fully set up");
                }
                self.issue(Holder::Admin, options.master_token_lifetime, options)
            }
            // The public client is in every realm, its users are not.
            ("password", "admin-cli") => bad(),
            ("client_credentials" | "password", _) => {
                let text = "Invalid client or Invalid client credentials";
                refusal(401, "invalid_client", text)
            }
            _ => refusal(400, "unsupported_grant_type", "Unsupported grant_type"),
        }
    }

    fn issue(&mut self, holder: Holder, lifetime: Duration, options: &Options) -> Response<Body> {
        self.issued += 1;
        let token = format!("sim-token-{}", self.issued);
        let until = options.clock.elapsed() + lifetime;
        self.out.insert(token.clone(), (holder, until));
        let mut body = json!({"access_token": token, "expires_in": lifetime.as_secs(),
            "refresh_expires_in": 0, "token_type": "Bearer", "not-before-policy": 0,
            "scope": "email profile"});
        if holder == Holder::Admin {
            body["refresh_expires_in"] = 1800.into();
            body["refresh_token"] = format!("sim-refresh-{}", self.issued).into();
            body["session_state"] = format!("sim-session-{}", self.issued).into();
        }
        answer(StatusCode::OK, &body)
    }
}

fn refusal(status: u16, error: &str, description: &str) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
    let body = json!({"error": error, "error_description": description});
    answer(status, &body)
}
