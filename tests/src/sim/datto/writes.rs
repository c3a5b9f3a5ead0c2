//! Writing: site variables (vendors 2.5).

use axum::{
    Json,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, Response, StatusCode},
};
use serde_json::{Value, json};

use super::{
    options::TakenVariable,
    routes::{Api, error},
};

/// Done, without a body.
fn done() -> Response<Body> {
    Response::new(Body::empty())
}

fn text<'b>(body: &'b Value, member: &str) -> Option<&'b str> {
    body[member].as_str().filter(|text| !text.is_empty())
}

/// `PUT /v2/site/{uid}/variable` creates one.
pub(super) async fn create(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response<Body> {
    if let Err(refusal) = api.admit(&uri, &headers).await {
        return *refusal;
    }
    let fault = api.shared.faults.strike(uri.path(), 0);
    let right = {
        let mut world = api.world.lock();
        let ids = world.sites.iter().flat_map(|site| &site.variables);
        let id = ids.filter_map(|v| v["id"].as_i64()).max().unwrap_or(0) + 1;
        let site = world.sites.iter_mut().find(|site| site.uid == uid);
        match (site, text(&body, "name"), text(&body, "value")) {
            (None, ..) => error(StatusCode::NOT_FOUND, &uri),
            (Some(site), Some(name), Some(value)) => {
                let taken = site.variables.iter_mut().find(|v| v["name"] == name);
                match (taken, api.options.taken_variable) {
                    (None, _) => {
                        let masked = body["masked"] == true;
                        site.variables.push(
                            json!({"id": id, "name": name, "value": value, "masked": masked}),
                        );
                        done()
                    }
                    (Some(taken), TakenVariable::Replaced) => {
                        taken["value"] = json!(value);
                        done()
                    }
                    (Some(_), TakenVariable::Refused) => error(StatusCode::BAD_REQUEST, &uri),
                    (Some(_), TakenVariable::Conflict) => error(StatusCode::CONFLICT, &uri),
                }
            }
            _ => error(StatusCode::BAD_REQUEST, &uri),
        }
    };
    api.spoilt(fault, right, &uri).await
}

/// `POST /v2/site/{uid}/variable/{id}` updates one.
pub(super) async fn update(
    State(Api(api)): State<Api>,
    Path((uid, id)): Path<(String, i64)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response<Body> {
    if let Err(refusal) = api.admit(&uri, &headers).await {
        return *refusal;
    }
    let fault = api.shared.faults.strike(uri.path(), 0);
    let right = {
        let mut world = api.world.lock();
        let site = world.sites.iter_mut().find(|site| site.uid == uid);
        let known = site.and_then(|site| site.variables.iter_mut().find(|v| v["id"] == id));
        match (known, text(&body, "value")) {
            (Some(known), Some(value)) => {
                known["value"] = json!(value);
                if let Some(name) = text(&body, "name") {
                    known["name"] = json!(name);
                }
                done()
            }
            (Some(_), None) => error(StatusCode::BAD_REQUEST, &uri),
            (None, _) => error(StatusCode::NOT_FOUND, &uri),
        }
    };
    api.spoilt(fault, right, &uri).await
}
