//! Parameters that an operation does not have: told by name, since whoever misspells one gets something else than
//! was asked for.

use std::collections::{HashMap, HashSet};

use axum::http::Method;
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn},
    security::SecurityRequirement,
};

use super::columns;
use crate::problem::Problem;

/// The calls of contract 1.1, without pages and forms: today's modules send what they like with them, and it is
/// passed over (contract 1.0).
pub const OF_TODAY: [&str; 63] = [
    "GET /health",
    "GET /api/health",
    "GET /api/companies",
    "GET /api/companies/bulk",
    "GET /api/companies/{account_number}",
    "GET /api/companies/{account_number}/assets",
    "GET /api/companies/{account_number}/contacts",
    "GET /api/companies/{account_number}/users",
    "GET /api/companies/{account_number}/locations",
    "GET /api/companies/{account_number}/tickets",
    "GET /api/tickets",
    "GET /api/tickets/active",
    "GET /api/ticket/{ticket_id}",
    "POST /api/ticket/{ticket_id}/update",
    "GET /api/datto/devices",
    "GET /api/datto/device/{device_id}",
    "GET /api/rmm/devices",
    "GET /api/rmm/device/{device_id}",
    "GET /api/psa/agents",
    "GET /api/psa/config",
    "GET /api/psa/tickets",
    "GET /api/psa/tickets/active",
    "GET /api/billing-plans",
    "POST /api/billing-plans",
    "GET /api/billing-plans/{id}",
    "PUT /api/billing-plans/{id}",
    "GET /api/billing-plans/{plan_name}/{term_length}",
    "GET /api/feature-options",
    "POST /api/feature-options",
    "GET /api/agents",
    "GET /api/agents/{keycloak_id}",
    "PUT /api/agents/{keycloak_id}/settings",
    "POST /api/agents/sync",
    "GET /api/my/settings",
    "PUT /api/my/settings",
    "GET /api/public/user/theme",
    "GET /api/public/user/home-page",
    "POST /sync/freshservice",
    "POST /sync/psa",
    "POST /sync/datto",
    "POST /sync/tickets",
    "POST /sync/tickets/full-history",
    "POST /sync/create-account-numbers",
    "POST /sync/push-to-datto",
    "POST /sync/agents",
    "GET /sync/status/{job_id}",
    "GET /sync/last/{script}",
    "GET /companies/api/search",
    "GET /companies/{account_number}/locations",
    "POST /companies/{account_number}/locations",
    "DELETE /companies/{account_number}/locations/{id}",
    "PUT /companies/{account_number}/update",
    "GET /contacts/api/search",
    "PUT /contacts/{id}/update",
    "GET /assets/api/search",
    "PUT /assets/{id}/update-contacts",
    "GET /billing-plans/export",
    "GET /billing-plans/api/bulk-plans",
    "GET /billing-plans/api/plans",
    "GET /billing-plans/api/plans/{plan_name}/{term_length}",
    "GET /billing-plans/api/feature-options",
    "GET /billing-plans/api/feature-categories",
    "GET /webhooks/health",
];

/// The parameters of each operation that takes no other.
#[derive(Debug, Default)]
pub struct Parameters(HashMap<(Method, String), HashSet<String>>);

impl Parameters {
    /// Those of what a description describes, where a token is needed.
    pub fn add(&mut self, api: &OpenApi) {
        for (path, item) in &api.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                let lenient = OF_TODAY.contains(&&*format!("{method} {path}"));
                let strict = |operation: &&Operation| !lenient && !is_open(operation);
                if let Some(operation) = operation.as_ref().filter(strict) {
                    self.0.insert((method, path.clone()), names(operation));
                }
            }
        }
    }

    /// Refuses a query with a parameter that the operation of this path does not have.
    pub fn check(&self, method: &Method, path: &str, query: &str) -> Result<(), Problem> {
        let method = match *method {
            Method::HEAD => Method::GET,
            ref other => other.clone(),
        };
        let Some(known) = self.0.get(&(method, path.to_owned())) else {
            return Ok(());
        };
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !known.contains(&*name) && !columns::knows(path, &name) {
                let message = format!("{name}: there is no such parameter");
                return Err(Problem::bad_request(message));
            }
        }
        Ok(())
    }
}

fn is_open(operation: &Operation) -> bool {
    let needed = operation.security.iter().flatten();
    needed
        .into_iter()
        .any(|scheme| *scheme == SecurityRequirement::default())
}

fn names(operation: &Operation) -> HashSet<String> {
    let parameters = operation.parameters.iter().flatten();
    let names = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
            Some(parameter.name.clone())
        }
        _ => None,
    });
    // Whoever says `dry_run` where there is none is told by those who know whether it matters.
    names.chain(["dry_run".to_owned()]).collect()
}
