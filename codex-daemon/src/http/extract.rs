//! Paths and parameters as handlers take them. Text with the character NUL is refused here: `PostgreSQL` cannot hold
//! it, and so no record can be named by it.

use axum::{
    extract::{self, FromRequestParts},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;

/// What stands in the path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            without_nul("path", "\0")?;
        }
        let read = extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|extract::Path(path)| Self(path))
            .map_err(|refused| Problem::new(refused.status(), refused.body_text()))
    }
}

/// The parameters of a query.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &value)?;
        }
        let read = extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|extract::Query(query)| Self(query))
            .map_err(|refused| Problem::new(refused.status(), refused.body_text()))
    }
}

/// Refuses a text with the character NUL.
pub fn without_nul(what: &str, text: &str) -> Result<(), Problem> {
    if text.contains('\0') {
        let message = format!("{what}: must not hold the character NUL");
        return Err(Problem::bad_request(message));
    }
    Ok(())
}
