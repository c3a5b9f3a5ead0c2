//! Bodies of JSON: what does not fit is reported with its place, and after a record that is not there ([`Named`]).

use axum::{
    Json,
    body::HttpBody as _,
    extract::{FromRequest, OptionalFromRequest, Request},
};
use codex_core::{
    Error, Fault,
    nearest::nearest,
    records::{Intent, RecordBody},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::{
    api::Named,
    app::App,
    http::{
        body_limit,
        problem::{Problem, flat},
    },
};

/// The most misfits that are reported: to find each, the body is read again.
const MOST_FAULTS: usize = 100;

/// What does not fit, and where.
type Misfit = serde_path_to_error::Error<serde_json::Error>;

/// An object that was read. Not JSON, or no object, is 400; a member that does not fit is 422 with its place.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (named, request) = Named::of(request);
        match object(request).await {
            Ok(body) => Ok(Self(body)),
            Err(refused) => Err(named.or(app, refused).await),
        }
    }
}

async fn object<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let value = json(request).await?;
    // A list would pass for an object whose members come in their order.
    if !value.is_object() {
        return Err(Problem::bad_request("body: must be an object"));
    }
    serde_path_to_error::deserialize::<_, T>(&value).map_err(|misfit| refused::<T>(value, &misfit))
}

/// The body of a new record. Every fault of it is reported with its place, and after a record that is not there.
#[derive(Debug, Clone, Copy)]
pub struct NewBody<T>(pub T);

/// The body of a change of a record, as [`NewBody`].
#[derive(Debug, Clone, Copy)]
pub struct UpdateBody<T>(pub T);

impl<T: RecordBody + Send> FromRequest<App> for NewBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        record_body(request, app, Intent::Create).await.map(Self)
    }
}

impl<T: RecordBody + Send> FromRequest<App> for UpdateBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        record_body(request, app, Intent::Update).await.map(Self)
    }
}

async fn record_body<T: RecordBody + Send>(
    request: Request,
    app: &App,
    intent: Intent,
) -> Result<T, Problem> {
    let (named, request) = Named::of(request);
    let body = object::<Map<String, Value>>(request).await;
    match body.and_then(|body| T::read(body, intent).map_err(flat)) {
        Ok(body) => Ok(body),
        Err(refused) => Err(named.or(app, refused).await),
    }
}

/// A list that was read, whatever its rows are.
#[derive(Debug, Clone)]
pub struct BulkRows(pub Vec<Value>);

impl<S: Send + Sync> FromRequest<S> for BulkRows {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        match json(request).await? {
            Value::Array(rows) => Ok(Self(rows)),
            _ => Err(Problem::bad_request("body: must be a list")),
        }
    }
}

async fn json(request: Request) -> Result<Value, Problem> {
    let read = <Json<Value> as FromRequest<()>>::from_request(request, &()).await;
    read.map(|Json(value)| value).map_err(|refused| {
        if body_limit::stood_still(&refused) {
            body_limit::too_slow()
        } else {
            Problem::new(refused.status(), refused.body_text())
        }
    })
}

/// A call without a body has none; one that has some must say of what kind.
impl<T: DeserializeOwned + Send> OptionalFromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Option<Self>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        let read = <Self as FromRequest<App>>::from_request(request, app);
        read.await.map(Some)
    }
}

/// Every member that does not fit, [`MOST_FAULTS`] at most: each is reported, and taken out for the others to be read.
fn refused<T: DeserializeOwned>(mut body: Value, first: &Misfit) -> Problem {
    let Some((mut member, fault)) = fault_at_place(first) else {
        return Problem::bad_request(format!("body: {}", first.inner()));
    };
    let mut faults = vec![fault];
    while faults.len() < MOST_FAULTS
        && let Some(members) = body.as_object_mut()
        && members.remove(&member).is_some()
    {
        let next = serde_path_to_error::deserialize::<_, T>(&body).err();
        // One without a place says what is missing now that it was taken out.
        let Some((another, fault)) = next.as_ref().and_then(fault_at_place) else {
            break;
        };
        faults.push(fault);
        member = another;
    }
    Error::Unprocessable(faults).into()
}

/// The member of a body that does not fit, and what is wrong in it; `None` for what has no place.
fn fault_at_place(misfit: &Misfit) -> Option<(String, Fault)> {
    let names = misfit.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let mut names: Vec<String> = names.collect();
    let member = names.first()?.clone();
    let fault = Fault::at(&names.pop()?, in_words(&misfit.inner().to_string()));
    let fault = names.iter().rev().fold(fault, |fault, name| {
        fault.within(&Fault::at(name, "").pointer)
    });
    Some((member, fault))
}

/// What serde says; of an unknown key, with the one that was probably meant.
fn in_words(message: &str) -> String {
    let unknown = message.strip_prefix("unknown field `");
    let Some((wrong, known)) = unknown.and_then(|rest| rest.split_once('`')) else {
        return message.to_owned();
    };
    // `, expected one of `a`, `b``: the names stand between the marks.
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    match nearest(wrong, names.iter().copied()) {
        Some(name) => format!("there is no such key; did you mean `{name}`?"),
        None => format!("there is no such key; there are `{}`", names.join("`, `")),
    }
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
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(rename = "a/b")]
        _lines: Vec<i64>,
        #[serde(default, rename = "name")]
        _name: String,
    }

    async fn answered(text: &'static str) -> Value {
        let request = Request::post("/").header(CONTENT_TYPE, "application/json");
        let request = request.body(Bytes::from(text)).unwrap();
        let answer = object::<Order>(request)
            .await
            .unwrap_err()
            .into_response()
            .into_body();
        serde_json::from_slice(&body::to_bytes(answer, 1 << 20).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn invalid_members_are_reported_with_their_pointer() {
        let misfit = answered(r#"{"a/b": [1, "two"]}"#).await;
        assert_eq!(misfit["status"], 422);
        assert_eq!(misfit["errors"][0]["pointer"], "/a~1b/1");
        let unknown = answered(r#"{"a/b": [], "nam": "x"}"#).await;
        assert_eq!(unknown["errors"][0]["pointer"], "/nam");
        let detail = unknown["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.ends_with("did you mean `name`?"), "{detail}");
        let far = answered(r#"{"a/b": [], "colour": "x"}"#).await;
        let detail = far["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.ends_with("there are `a/b`, `name`"), "{detail}");
        let both = answered(r#"{"a/b": 7, "name": []}"#).await;
        let pointers = both["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| &fault["pointer"]);
        assert_eq!(pointers.collect::<Vec<_>>(), ["/a~1b", "/name"]);
        let many: Vec<String> = (0..1_000).map(|n| format!("\"k{n}\": 1")).collect();
        let many = format!("{{{}}}", many.join(","));
        let many = answered(Box::leak(many.into_boxed_str())).await;
        assert_eq!(many["errors"].as_array().unwrap().len(), MOST_FAULTS);
        for none in ["", "{", "[]", "null", "7"] {
            assert_eq!(answered(none).await["status"], json!(400), "{none}");
        }
    }
}
