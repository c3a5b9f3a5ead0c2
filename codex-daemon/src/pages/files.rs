//! Forms that send files: `multipart/form-data` (RFC 7578), as far as browsers send it.

use std::time::Duration;

use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
};

use crate::{
    app::App,
    http::{body_limit, headers::single, problem::Problem},
};

/// The largest form that is read, in bytes. What a page takes of it is its own matter.
const LARGEST: usize = 2_000_000;
/// How long a form may be on its way.
const LONGEST: Duration = Duration::from_secs(60);
/// The most members of a form.
const MEMBERS: usize = 100;

/// What a form with files sent.
#[derive(Debug, Default)]
pub(crate) struct SentFiles(Vec<(String, Vec<u8>)>);

impl FromRequest<App> for SentFiles {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let kind = single(request.headers(), CONTENT_TYPE).unwrap_or_default();
        let boundary = boundary(kind).map(str::to_owned).ok_or_else(|| {
            let detail = "The body must be a form of the type multipart/form-data.";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
        })?;
        let body = body_limit::read(request.into_body(), LARGEST, LONGEST).await?;
        let members = members(&body, &boundary);
        let members = members.ok_or_else(|| {
            Problem::bad_request("The form ended early, or its parts cannot be separated.")
        })?;
        let owned = members.into_iter();
        Ok(Self(
            owned.map(|(name, bytes)| (name, bytes.to_vec())).collect(),
        ))
    }
}

impl SentFiles {
    /// The bytes of a member; none where it was not sent.
    pub fn bytes(&self, name: &str) -> &[u8] {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, bytes)| bytes.as_slice()).unwrap_or_default()
    }

    /// The text of a member; empty where it was not sent, or is no text.
    pub fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.bytes(name)).unwrap_or_default()
    }
}

/// What stands between the parts of a form, from its content type.
fn boundary(kind: &str) -> Option<&str> {
    let (form, parameters) = kind.split_once(';')?;
    if !form.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').map(str::trim);
    let boundary = parameters.find_map(|one| {
        let (name, value) = one.split_once('=')?;
        let is_boundary = name.eq_ignore_ascii_case("boundary");
        is_boundary.then(|| value.trim_matches('"'))
    })?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The members of a form in their order; `None` for a body that is no such form.
fn members<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<(String, &'b [u8])>> {
    let edge = format!("\r\n--{boundary}").into_bytes();
    // The first line has no end of a line before it.
    let mut rest = body.strip_prefix(&edge[2..])?;
    let mut members = Vec::new();
    while !rest.starts_with(b"--") {
        if members.len() == MEMBERS {
            return None;
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, &edge)?;
        let (part, after) = part.split_at(end);
        let head = find(part, b"\r\n\r\n")?;
        let name = name_of(&part[..head])?;
        members.push((name, &part[head + 4..]));
        rest = &after[edge.len()..];
    }
    Some(members)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// The name of a member, from the lines before its value. Browsers write quotes in names as `%22`.
fn name_of(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_wanted = name.trim().eq_ignore_ascii_case("content-disposition");
        is_wanted.then_some(value)
    })?;
    let mut parameters = disposition.split(';').map(str::trim);
    let name = parameters.find_map(|one| one.strip_prefix("name=\"")?.strip_suffix('"'))?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--2\r\n\
        --x\r\ncontent-disposition: form-data; name=\"f\"; filename=\"b; name=%22c.json\"\r\n\
        Content-Type: application/json\r\n\r\n\r\n--x--\r\n";

    #[test]
    fn members_are_read_by_name() {
        let members = members(FORM.as_bytes(), "x").unwrap();
        let named: Vec<(&str, &[u8])> = members
            .iter()
            .map(|(name, value)| (&**name, *value))
            .collect();
        assert_eq!(named, [("a", &b"1\r\n--2"[..]), ("f", &b""[..])]);
    }

    #[test]
    fn broken_forms_are_refused() {
        for end in [0, 3, 20, 60, 100, FORM.len() - 6] {
            assert!(members(&FORM.as_bytes()[..end], "x").is_none(), "{end}");
        }
        assert!(members(FORM.as_bytes(), "y").is_none());
        let many = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n".repeat(101);
        assert!(members(format!("{many}--x--").as_bytes(), "x").is_none());
    }

    #[test]
    fn boundaries_come_from_the_content_type() {
        for (kind, wanted) in [
            ("multipart/form-data; boundary=----Web", Some("----Web")),
            (
                "Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"",
                Some("a b"),
            ),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("application/x-www-form-urlencoded; boundary=x", None),
        ] {
            assert_eq!(boundary(kind), wanted, "{kind}");
        }
    }
}
