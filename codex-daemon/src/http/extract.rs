//! Paths and parameters as handlers take them. Text with the character NUL is refused here: `PostgreSQL` cannot hold
//! it, and so no record can be named by it.

use axum::{
    extract::{self, FromRequestParts, RawPathParams, path::ErrorKind, rejection::PathRejection},
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
        match extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(extract::Path(path)) => Ok(Self(path)),
            Err(refused) => {
                let names = RawPathParams::from_request_parts(parts, state).await.ok();
                Err(path_problem(&refused, names.as_ref()))
            }
        }
    }
}

/// Why a path cannot be read: of a number, which of its parameters must be one.
fn path_problem(refused: &PathRejection, names: Option<&RawPathParams>) -> Problem {
    let index = match refused {
        PathRejection::FailedToDeserializePathParams(wrong) => match wrong.kind() {
            ErrorKind::ParseError { .. } => Some(0),
            ErrorKind::ParseErrorAtIndex { index, .. } => Some(*index),
            _ => None,
        },
        _ => None,
    };
    let name = index.zip(names).and_then(|(n, names)| names.iter().nth(n));
    let detail = match name {
        Some((name, _)) => format!("{name}: {NUMBER}"),
        None => refused.body_text(),
    };
    Problem::new(refused.status(), detail)
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
            .map_err(|refused| Problem::new(refused.status(), in_words(&refused.body_text())))
    }
}

const NUMBER: &str = "must be a whole number";
/// What the framework puts before an error of a query.
const QUERY: &str = "Failed to deserialize query string: ";
/// What the standard library and serde say of a value that they cannot read, and what would be right.
const SAID: [(&str, &str); 5] = [
    ("invalid digit found in string", NUMBER),
    ("cannot parse integer from empty string", NUMBER),
    ("number too large to fit in target type", "is too large"),
    ("number too small to fit in target type", "is too small"),
    (
        "provided string was not `true` or `false`",
        "must be `true` or `false`",
    ),
];

/// What is wrong with a query: the parameter, and what it must be.
fn in_words(refused: &str) -> String {
    let refused = refused.strip_prefix(QUERY).unwrap_or(refused);
    let known = SAID.iter().find_map(|(said, right)| {
        let parameter = refused.strip_suffix(said)?;
        Some(format!("{parameter}{right}"))
    });
    known.unwrap_or_else(|| refused.to_owned())
}

/// Refuses a text with the character NUL.
pub fn without_nul(what: &str, text: &str) -> Result<(), Problem> {
    if text.contains('\0') {
        let message = format!("{what}: must not hold the character NUL");
        return Err(Problem::bad_request(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_parameters_are_named_with_what_would_be_right() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only the refusals are looked at")]
        struct Asked {
            limit: Option<u32>,
            all: Option<bool>,
        }
        for (query, says) in [
            ("limit=x", "limit: must be a whole number"),
            ("limit=-1", "limit: must be a whole number"),
            ("limit=99999999999", "limit: is too large"),
            ("all=maybe", "all: must be `true` or `false`"),
        ] {
            let uri = format!("/?{query}").parse().unwrap();
            let refused = extract::Query::<Asked>::try_from_uri(&uri).unwrap_err();
            assert_eq!(in_words(&refused.body_text()), says, "{query}");
        }
    }
}
