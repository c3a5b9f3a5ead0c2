//! Bodies of JSON: what does not fit is told with its place.

use axum::{
    Json,
    body::HttpBody as _,
    extract::{FromRequest, OptionalFromRequest, Request},
};
use codex_core::{Error, Fault};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// An object that was read. Not JSON, or no object, is 400; a member that does not fit is 422 with its place.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let value = json(request, state).await?;
        // A list would pass for an object whose members come in their order.
        if !value.is_object() {
            return Err(Problem::bad_request("body: must be an object"));
        }
        serde_path_to_error::deserialize(value)
            .map(Self)
            .map_err(|misfit| refused(misfit.path(), &misfit.inner().to_string()))
    }
}

/// A list that was read, whatever its rows are.
#[derive(Debug, Clone)]
pub struct Rows(pub Vec<Value>);

impl<S: Send + Sync> FromRequest<S> for Rows {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match json(request, state).await? {
            Value::Array(rows) => Ok(Self(rows)),
            _ => Err(Problem::bad_request("body: must be a list")),
        }
    }
}

async fn json<S: Send + Sync>(request: Request, state: &S) -> Result<Value, Problem> {
    let read = <Json<Value> as FromRequest<S>>::from_request(request, state).await;
    read.map(|Json(value)| value)
        .map_err(|refused| Problem::new(refused.status(), refused.body_text()))
}

/// A call without a body has none; one that has some must say of what kind.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        let read = <Self as FromRequest<S>>::from_request(request, state);
        read.await.map(Some)
    }
}

fn refused(path: &Path, detail: &str) -> Problem {
    let names = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let mut names: Vec<String> = names.collect();
    let Some(last) = names.pop() else {
        return Problem::bad_request(format!("body: {detail}"));
    };
    let fault = names
        .iter()
        .rev()
        .fold(Fault::at(&last, detail), |fault, name| {
            fault.within(&Fault::at(name, "").pointer)
        });
    Error::Unprocessable(vec![fault]).into()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{self, Body as Bytes},
        http::header::CONTENT_TYPE,
        response::IntoResponse as _,
    };
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Order {
        #[serde(rename = "a/b")]
        _lines: Vec<i64>,
    }

    async fn answered(text: &'static str) -> Value {
        let request = Request::post("/").header(CONTENT_TYPE, "application/json");
        let request = request.body(Bytes::from(text)).unwrap();
        let read = <Body<Order> as FromRequest<()>>::from_request(request, &()).await;
        let answer = read.unwrap_err().into_response().into_body();
        serde_json::from_slice(&body::to_bytes(answer, 4096).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_with_its_place() {
        let misfit = answered(r#"{"a/b": [1, "two"]}"#).await;
        assert_eq!(misfit["status"], 422);
        assert_eq!(misfit["errors"][0]["pointer"], "/a~1b/1");
        for none in ["", "{", "[]", "null", "7"] {
            assert_eq!(answered(none).await["status"], json!(400), "{none}");
        }
    }
}
