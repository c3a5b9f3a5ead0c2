//! Writing: departments (upstreams 1.6).

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
use crate::sim::{World, reply::json_text};

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
