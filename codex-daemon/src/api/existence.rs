//! Whether the record that a path names is there. A body that cannot be read is judged after it: a bad body
//! for an unknown record is 404. Core judges a body that can be read in the same order.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts as _, MatchedPath, Request},
    http::{StatusCode, request::Parts},
};

use super::{RESOURCES, resource::Names};
use crate::{
    app::App,
    auth::Call,
    http::{extract::Path, problem::Problem},
};

/// The head of a request whose path names a record.
#[derive(Debug)]
pub struct Named(Option<Parts>);

impl Named {
    /// Takes note of the head of a request.
    pub fn of(request: Request) -> (Self, Request) {
        let template = request.extensions().get::<MatchedPath>();
        if !template.is_some_and(|template| template.as_str().contains('{')) {
            return (Self(None), request);
        }
        let (parts, body) = request.into_parts();
        let named = Self(Some(parts.clone()));
        (named, Request::from_parts(parts, body))
    }

    /// Why a call is refused whose body is refused: for its record, where that is not there.
    pub async fn or(self, app: &App, refused: Problem) -> Problem {
        // Of a body that did not arrive nothing is known.
        let is_judged = [
            StatusCode::BAD_REQUEST,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ];
        match self.0 {
            Some(mut parts) if is_judged.contains(&refused.status()) => {
                let found = require(app, &mut parts).await;
                found.err().unwrap_or(refused)
            }
            _ => refused,
        }
    }
}

async fn require(app: &App, parts: &mut Parts) -> Result<(), Problem> {
    let template = parts.extensions.get::<MatchedPath>().cloned();
    let template = template.as_ref().map_or("", MatchedPath::as_str);
    let Path(names) = Path::<HashMap<String, String>>::from_request_parts(parts, app).await?;
    let names = Names(names);
    let call = Call::from_request_parts(parts, app).await?;
    let named = RESOURCES.iter().flat_map(|resource| resource.named);
    let named: Vec<_> = named.filter(|one| template.contains(one.part)).collect();
    for one in named {
        (one.check)(&call, &names).await?;
    }
    Ok(())
}
