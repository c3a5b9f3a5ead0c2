//! Writing: departments, tickets and their notes (vendors 1.2, 1.6).

use axum::{
    Json,
    body::Body,
    extract::{OriginalUri, Path, State, rejection::JsonRejection},
    http::{HeaderMap, Response, StatusCode},
};
use serde_json::{Value, json};

use super::{
    records::{List, spelled},
    routes::{Api, dressed, invalid},
};
use crate::sim::{
    World,
    reply::{answer, json_text},
};

/// `PUT /departments/{id}`: states some members, answers with all of them. A custom field that the account
/// does not have is refused (trap 23).
pub(super) async fn department(
    State(Api(api)): State<Api>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response<Body> {
    let resource = format!("departments/{id}");
    let quota = match api.admit(&resource, &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let Ok(Json(body)) = body else {
        let refused = api.error(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return dressed(refused, Some(quota));
    };
    let right = {
        let mut world = api.world.lock();
        let known = |name: &str| name != "account_number" || api.options.account_number_field;
        let custom = body["custom_fields"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let now = json!(crate::sim::world::tickets::sent(world.now));
        let place = id
            .parse()
            .ok()
            .and_then(|id| World::position(&world.departments, id));
        match (custom.keys().find(|name| !known(name)), place) {
            (Some(unknown), _) => invalid(unknown, "[:invalid_field]", "invalid_field"),
            (None, None) => api.error(StatusCode::NOT_FOUND),
            (None, Some(place)) => {
                let department = &mut world.departments[place];
                for (name, value) in custom {
                    department["custom_fields"][name] = value;
                }
                department["updated_at"] = now;
                let record = spelled(department, List::Departments, &api.options);
                let wrapper = List::Departments.wrapper(&api.options);
                json_text(StatusCode::OK, format!("{{\"{wrapper}\":{record}}}"))
            }
        }
    };
    api.spoilt(fault, dressed(right, Some(quota))).await
}

/// `PUT /tickets/{id}`: states some members, answers with all of them.
pub(super) async fn ticket(
    State(Api(api)): State<Api>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response<Body> {
    let resource = format!("tickets/{id}");
    let quota = match api.admit(&resource, &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    api.shared.count(&format!("written/{resource}"));
    let fault = api.shared.faults.strike(uri.path(), 1);
    let right = match body {
        Err(_) => api.error(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        Ok(Json(body)) if !body["status"].is_i64() => {
            invalid("status", "It should be a number", "datatype_mismatch")
        }
        Ok(Json(body)) => {
            let mut world = api.world.lock();
            let id = id.parse().unwrap_or(0);
            match world.set_ticket(id, &body).and_then(|()| world.ticket(id)) {
                Some(ticket) => answer(StatusCode::OK, &json!({"ticket": ticket.body})),
                None => api.error(StatusCode::NOT_FOUND),
            }
        }
    };
    api.spoilt(fault, dressed(right, Some(quota))).await
}

/// `POST /tickets/{id}/notes`: private unless it says otherwise; the answer lacks some keys of a list
/// (vendors 1.5).
pub(super) async fn note(
    State(Api(api)): State<Api>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response<Body> {
    let resource = format!("tickets/{id}/notes");
    let quota = match api.admit(&resource, &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let stated = body.ok().and_then(|Json(body)| {
        let html = body["body"].as_str()?.to_owned();
        Some((html, body["private"].as_bool().unwrap_or(true)))
    });
    let right = match stated {
        None => invalid("body", "It should be a text", "missing_field"),
        Some((html, private)) => {
            let id = id.parse().unwrap_or(0);
            match api.world.lock().note(id, private, &html) {
                Some(mut note) => {
                    for absent in ["source", "from_email", "cc_emails", "bcc_emails"] {
                        note.as_object_mut().map(|note| note.remove(absent));
                    }
                    answer(StatusCode::CREATED, &json!({"conversation": note}))
                }
                None => api.error(StatusCode::NOT_FOUND),
            }
        }
    };
    api.spoilt(fault, dressed(right, Some(quota))).await
}
