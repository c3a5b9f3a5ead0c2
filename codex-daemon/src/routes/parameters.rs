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

/// What is read of contract 1.1: today's modules send what they like, and it is passed over.
const LENIENT: [&str; 41] = [
    "/api/health",
    "/api/companies",
    "/api/companies/bulk",
    "/api/companies/{account_number}",
    "/api/companies/{account_number}/assets",
    "/api/companies/{account_number}/contacts",
    "/api/companies/{account_number}/users",
    "/api/companies/{account_number}/locations",
    "/api/companies/{account_number}/tickets",
    "/api/tickets",
    "/api/tickets/active",
    "/api/ticket/{ticket_id}",
    "/api/datto/devices",
    "/api/datto/device/{device_id}",
    "/api/rmm/devices",
    "/api/rmm/device/{device_id}",
    "/api/psa/agents",
    "/api/psa/config",
    "/api/psa/tickets",
    "/api/psa/tickets/active",
    "/api/billing-plans",
    "/api/billing-plans/{id}",
    "/api/billing-plans/{plan_name}/{term_length}",
    "/api/feature-options",
    "/api/agents",
    "/api/agents/{keycloak_id}",
    "/api/my/settings",
    "/api/public/user/theme",
    "/api/public/user/home-page",
    "/sync/status/{job_id}",
    "/sync/last/{script}",
    "/companies/api/search",
    "/companies/{account_number}/locations",
    "/contacts/api/search",
    "/assets/api/search",
    "/billing-plans/export",
    "/billing-plans/api/bulk-plans",
    "/billing-plans/api/plans",
    "/billing-plans/api/plans/{plan_name}/{term_length}",
    "/billing-plans/api/feature-options",
    "/billing-plans/api/feature-categories",
];

/// The parameters of each operation that takes no other.
#[derive(Debug, Default)]
pub struct Parameters(HashMap<(Method, String), HashSet<String>>);

impl Parameters {
    /// Those of what a description describes, where a token is needed.
    pub fn add(&mut self, api: &OpenApi) {
        for (path, item) in &api.paths.paths {
            let read = item.get.as_ref();
            let operations = [
                (
                    Method::GET,
                    read.filter(|_| !LENIENT.contains(&path.as_str())),
                ),
                (Method::PUT, item.put.as_ref()),
                (Method::POST, item.post.as_ref()),
                (Method::DELETE, item.delete.as_ref()),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation.filter(|operation| !is_open(operation)) {
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
