//! What a form has done: a word in the address that the form leads to.

use axum::{
    http::Uri,
    response::{IntoResponse as _, Redirect, Response},
};

use crate::http::{forwarded::Forwarded, problem::Problem};

pub(super) const DONE: &str = "done";

/// The word in the address of a page that has no other parameters.
///
/// # Errors
/// 400 for any other parameter.
pub(crate) fn read(uri: &Uri) -> Result<Option<String>, Problem> {
    let query = uri.query().unwrap_or_default();
    let mut done = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != DONE {
            let detail = format!("unknown parameter `{name}`; this page has none");
            return Err(Problem::bad_request(detail));
        }
        done = Some(value.into_owned());
    }
    Ok(done)
}

/// Leads to a path with the word of what was done.
pub(crate) fn redirect(at: &Forwarded, path: &str, word: &str) -> Response {
    Redirect::to(&at.link(&format!("{path}?{DONE}={word}"))).into_response()
}

#[cfg(test)]
mod tests {
    #[test]
    fn unknown_parameters_are_refused_by_name() {
        let read = |text: &str| super::read(&text.parse().unwrap());
        assert_eq!(read("/admin/").unwrap(), None);
        assert_eq!(
            read("/admin/?done=saved").unwrap().as_deref(),
            Some("saved")
        );
        let problem = read("/admin/?page=2").unwrap_err();
        assert!(problem.detail().contains("`page`"), "{}", problem.detail());
    }
}
