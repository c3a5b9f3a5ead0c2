//! What a test of a connection has found.

use askama::Template;

use super::crumb;
use crate::{
    checks::{Finding, Neighbour, Status},
    http::forwarded::Forwarded,
    pages::{csrf, shell::Shell},
};

/// The result as a page.
#[derive(Debug, Template)]
#[template(path = "admin/test.html")]
pub(in crate::pages) struct TestView {
    shell: Shell,
    heading: String,
    /// The class of the alert.
    alert: &'static str,
    message: String,
    /// What would be right.
    action: Option<String>,
    settings: String,
    again: String,
    csrf_field: &'static str,
    csrf: String,
}

impl TestView {
    /// Of what was found.
    pub fn new(at: &Forwarded, system: Neighbour, finding: &Finding, csrf: String) -> Self {
        let heading = format!("Connection to {}", system.title());
        Self {
            shell: crumb(at, &heading),
            heading,
            alert: match finding.status {
                Status::Ok => "alert--success",
                Status::Warning => "alert--warning",
                Status::Error => "alert--error",
            },
            message: finding.message.clone(),
            action: finding.action.clone(),
            settings: at.link(&format!("/admin/settings/{}", system.name())),
            again: at.link(&format!("/admin/test/{}", system.name())),
            csrf_field: csrf::FIELD,
            csrf,
        }
    }
}
