//! Unknown parameters: they are refused by name, because a misspelled one would change the result without notice.

use std::collections::HashMap;

use axum::http::Method;
use codex_core::nearest::hint;
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn},
    security::SecurityRequirement,
};

use crate::{
    http::{handling::Handling, problem::Problem},
    legacy,
};

/// The parameters of each operation.
#[derive(Debug, Default)]
pub struct Parameters(HashMap<(Method, String), Known>);

#[derive(Debug)]
struct Known {
    names: Vec<String>,
    /// Whether unknown parameters are ignored unless the caller asks for more.
    lenient: bool,
    /// Whether no token is needed.
    open: bool,
}

impl Parameters {
    /// Adds those of what a description describes.
    pub fn add(&mut self, api: &OpenApi) {
        for (path, item) in &api.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let open = is_open(operation);
                let known = Known {
                    names: names(operation),
                    lenient: open || legacy::ROUTES.contains(&&*format!("{method} {path}")),
                    open,
                };
                self.0.insert((method, path.clone()), known);
            }
        }
    }

    /// Refuses a query with a parameter that the operation of this path does not have, or notes it as ignored.
    ///
    /// # Errors
    /// 400 that names the parameter and the nearest one that there is.
    pub fn check(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        handling: &Handling,
    ) -> Result<(), Problem> {
        let Some(known) = self.known(method, path) else {
            return Ok(());
        };
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if known.names.iter().any(|known| *known == name) {
                continue;
            }
            if known.lenient && !handling.is_strict() {
                handling.ignore(&name);
                continue;
            }
            return Err(unknown(&name, known));
        }
        Ok(())
    }

    /// Whether an operation needs no token: nobody but the layer around it checks its parameters.
    pub fn is_open(&self, method: &Method, path: &str) -> bool {
        self.known(method, path).is_some_and(|known| known.open)
    }

    fn known(&self, method: &Method, path: &str) -> Option<&Known> {
        let method = match *method {
            Method::HEAD => Method::GET,
            ref other => other.clone(),
        };
        self.0.get(&(method, path.to_owned()))
    }
}

fn unknown(name: &str, known: &Known) -> Problem {
    let names = known.names.iter().map(String::as_str);
    let hint = hint(name, names);
    Problem::bad_request(format!("unknown parameter `{name}`{hint}"))
}

fn is_open(operation: &Operation) -> bool {
    let needed = operation.security.iter().flatten();
    needed
        .into_iter()
        .any(|scheme| *scheme == SecurityRequirement::default())
}

fn names(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten();
    let names = parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
            Some(parameter.name.clone())
        }
        _ => None,
    });
    // Where there is no dry run, `dry_run` is refused by the code that knows whether it matters.
    names.chain(["dry_run".to_owned()]).collect()
}
