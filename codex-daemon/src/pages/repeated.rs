//! A form that is sent once more from the same rendering of its page, as the browser's Back shows it: it acts once, its
//! first answer is repeated, and the page that this answer leads to says so.

use axum::{
    extract::Request,
    http::{
        HeaderMap, Uri,
        header::REFERER,
        uri::{Parts, PathAndQuery},
    },
};

use super::done::DONE;
use crate::http::{
    forwarded::Forwarded,
    headers::{is_same_origin, single},
};

/// What the address of a repeated answer has besides.
const MARK: &str = "repeated=true";

/// That a page is the repeated answer of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// Where the form is opened anew; `None` where the browser does not say where it was.
    pub form: Option<String>,
}

/// The address that a form's answer leads to, with the mark of a repeated one.
pub(crate) fn marked(address: &str) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{MARK}")
}

/// Takes the mark from the address of a request, so that no page needs to know it.
pub(super) fn take_mark(request: &mut Request) {
    let Some(query) = request.uri().query() else {
        return;
    };
    let rest = without(query, |part| part == MARK);
    if rest.len() == query.len() {
        return;
    }
    let address = joined(request.uri().path(), &rest).parse::<PathAndQuery>();
    let parts = address.map(|address| {
        let mut parts = Parts::from(request.uri().clone());
        parts.path_and_query = Some(address);
        parts
    });
    if let Some(uri) = parts.ok().and_then(|parts| Uri::from_parts(parts).ok()) {
        let form = form_page(request.headers());
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Repeated { form });
    }
}

/// The page of the form: browsers name it even behind the redirect. It is opened without what was done before. A page of
/// another site is none of ours, whatever its path.
fn form_page(headers: &HeaderMap) -> Option<String> {
    if !is_same_origin(headers) {
        return None;
    }
    let page: Uri = single(headers, REFERER)?.parse().ok()?;
    let prefix = Forwarded::of(headers);
    let path = page.path();
    // `//elsewhere` and `/\elsewhere` would be another host.
    let is_ours =
        path.starts_with(&prefix.link("/")) && !path.contains("//") && !path.contains('\\');
    let query = page.query().unwrap_or_default();
    let rest = without(query, |part| {
        part == MARK || part.split('=').next() == Some(DONE)
    });
    is_ours.then(|| joined(path, &rest))
}

/// A query without some of its parts.
fn without(query: &str, is_dropped: impl Fn(&str) -> bool) -> String {
    let rest: Vec<&str> = query.split('&').filter(|part| !is_dropped(part)).collect();
    rest.join("&")
}

fn joined(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::HeaderValue};

    use super::*;

    fn taken(address: &str, from: &'static str) -> (String, Option<Repeated>) {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = address.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(REFERER, HeaderValue::from_static(from));
        headers.insert("x-forwarded-prefix", HeaderValue::from_static("/codex"));
        take_mark(&mut request);
        let repeated = request.extensions().get::<Repeated>().cloned();
        (request.uri().to_string(), repeated)
    }

    #[test]
    fn marks_are_added_and_taken_away() {
        assert_eq!(marked("/sync/"), "/sync/?repeated=true");
        let address = marked("/sync/jobs/1/?done=started");
        let (uri, repeated) = taken(&address, "https://msp.test/codex/sync/?done=x&kind=a");
        assert_eq!(uri, "/sync/jobs/1/?done=started");
        let form = Some("/codex/sync/?kind=a".to_owned());
        assert_eq!(repeated, Some(Repeated { form }));
        let plain = "/assets/?q=repeated";
        assert_eq!(taken(plain, ""), (plain.to_owned(), None));
    }

    #[test]
    fn only_pages_of_ours_are_opened_again() {
        for from in [
            "",
            "https://msp.test/other/",
            "https://evil.test//evil.test/codex/",
            "https://evil.test/codex//evil.test/",
            "about:blank",
        ] {
            let (_, repeated) = taken("/sync/?repeated=true", from);
            assert_eq!(repeated, Some(Repeated { form: None }), "{from}");
        }
    }
}
