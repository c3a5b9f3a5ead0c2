//! Everything of one kind, to be kept or moved elsewhere.

use axum::{
    http::{HeaderValue, header::CONTENT_DISPOSITION},
    response::Response,
};
use codex_core::ExportFormat;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{download::streamed, resource::ApiResource};
use crate::{
    app::App,
    auth::Call,
    http::{
        extract::Path,
        problem::{ErrorOut, Problem, flat},
    },
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("export", "Downloads of all records of one kind")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Download all records of one kind
///
/// The file is JSON lines (`companies.ndjson`) or a table (`companies.csv`) of companies, contacts, assets,
/// locations, tickets, agents, psa-agents, billing-plans, feature-options or overrides. Companies without an account
/// number are included, with null. Staff get every field that `fields` offers in the list. A table begins with a
/// header line, also without records. A text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`,
/// `@`, tab or a line break) gets an apostrophe before it. The answer is streamed: one that breaks off is incomplete.
#[utoipa::path(get, path = "/api/export/{file}", tag = "export",
    params(("file" = String, Path, description = "Kind and format", example = "companies.ndjson")),
    responses(
        (status = 200, description = "A file", content(
            (String = "application/x-ndjson", example = "{\"account_number\":\"100001\"}"),
            (String = "text/csv", example = "account_number"))),
        (status = 403, description = "Not for this role", body = ErrorOut),
        (status = 404, description = "No such kind or format", body = ErrorOut)))]
async fn export(call: Call, Path(file): Path<String>) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("There is no such export").flat();
    let (resource, format) = file.rsplit_once('.').ok_or_else(unknown)?;
    let (format, kind) = match format {
        "ndjson" => (ExportFormat::Ndjson, "application/x-ndjson"),
        "csv" => (ExportFormat::Csv, "text/csv; charset=utf-8"),
        _ => return Err(unknown()),
    };
    let download = match call.codex.export(&call.scope, resource, format).await {
        Err(codex_core::Error::Invalid { .. }) => return Err(unknown()),
        other => other.map_err(flat)?,
    };
    let mut response = streamed(download, kind);
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename={file}")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
