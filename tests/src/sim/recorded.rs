//! Serves a folder of recorded JSON bodies as they are.
//!
//! The file of a call is its path without the first `/`, then `@` and its query, if any, then `.json`:
//!
//! ```text
//! GET /api/v2/departments?page=2&per_page=100   api/v2/departments@page=2&per_page=100.json
//! GET /api/v2/site/51-a/devices                 api/v2/site/51-a/devices.json
//! ```
//! The parameters are in alphabetic order. Without a file for the query, the one for the path alone is served, to
//! the first page only: a client that asks for another page would otherwise go round for ever. Beside a file
//! `x.json`, a file `x.headers` holds headers, one `Name: value` a line. Other names are given by
//! [`Recording::file`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::OriginalUri,
    http::{HeaderName, HeaderValue, Response, StatusCode, Uri},
};

use super::{
    reply::{json_text, raw},
    server::{Server, Shared},
};

/// Which files to serve.
#[derive(Debug, Clone)]
pub struct Recording {
    folder: PathBuf,
    files: BTreeMap<String, PathBuf>,
    host: Option<String>,
}

impl Recording {
    /// The files of a folder.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            files: BTreeMap::new(),
            host: None,
        }
    }

    /// Serves a file whose name does not follow the rule; `call` is a path with its query, if any.
    pub fn file(mut self, call: &str, file: &str) -> Self {
        self.files.insert(call.to_owned(), file.into());
        self
    }

    /// Puts the server's own address where the recording speaks of `host`, such as
    /// `https://pinotage-api.centrastage.net`: links must lead to where they came from.
    pub fn recorded_at(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Starts serving on a free loopback port.
    pub async fn start(self) -> anyhow::Result<Recorded> {
        let shared = Arc::new(Shared::default());
        let counter = shared.clone();
        let server = Server::start(shared, |base| {
            let (base, recording) = (base.to_owned(), Arc::new(self));
            Router::new().fallback(move |OriginalUri(uri): OriginalUri| {
                counter.count(uri.path().trim_start_matches('/'));
                std::future::ready(recording.answer(&uri, &base))
            })
        })
        .await?;
        Ok(Recorded(server))
    }

    fn answer(&self, uri: &Uri, base: &str) -> Response<Body> {
        let found = self.candidates(uri).into_iter().find_map(|file| {
            let body = std::fs::read_to_string(&file).ok()?;
            Some((file, body))
        });
        let Some((file, body)) = found else {
            return raw(StatusCode::NOT_FOUND, "text/plain", String::new());
        };
        let headers = std::fs::read_to_string(file.with_extension("headers")).unwrap_or_default();
        let mut response = json_text(StatusCode::OK, self.here(&body, base));
        for line in self.here(&headers, base).lines() {
            if let Some((name, value)) = header(line) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    fn here(&self, text: &str, base: &str) -> String {
        match &self.host {
            Some(host) => text.replace(host, base),
            None => text.to_owned(),
        }
    }

    fn candidates(&self, uri: &Uri) -> Vec<PathBuf> {
        let path = uri.path();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let sorted: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let (sorted, name) = (sorted.join("&"), path.trim_start_matches('/'));
        let asked = uri.path_and_query().map_or(path, |asked| asked.as_str());
        let mut files = Vec::new();
        files.extend(self.files.get(asked).cloned());
        if !sorted.is_empty() {
            files.push(PathBuf::from(format!("{name}@{sorted}.json")));
        }
        if matches!(
            query.get("page").map(String::as_str),
            None | Some("0" | "1")
        ) {
            files.extend(self.files.get(path).cloned());
            files.push(PathBuf::from(format!("{name}.json")));
        }
        let inside = |file: &PathBuf| !file.components().any(|part| part.as_os_str() == "..");
        files.retain(inside);
        files.iter().map(|file| self.folder.join(file)).collect()
    }
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
}

/// The server; dropping it stops it.
#[derive(Debug)]
pub struct Recorded(Server);

impl Recorded {
    /// Serves a folder.
    pub async fn start(folder: impl AsRef<Path>) -> anyhow::Result<Self> {
        Recording::of(folder.as_ref()).start().await
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Calls so far to paths that start with `prefix`, without the first `/`; all with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.0.shared.calls(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::http;

    async fn get(server: &Recorded, call: &str) -> anyhow::Result<(u16, String, Option<String>)> {
        let reply = http().get(format!("{}{call}", server.url())).send().await?;
        let (status, link) = (
            reply.status().as_u16(),
            reply.headers().get("link").cloned(),
        );
        let link = link.and_then(|link| link.to_str().map(str::to_owned).ok());
        Ok((status, reply.text().await?, link))
    }

    #[tokio::test]
    async fn files_are_served_by_path_and_query() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let lists = folder.path().join("api/v2");
        std::fs::create_dir_all(&lists)?;
        std::fs::write(lists.join("departments.json"), r#"{"departments":[1]}"#)?;
        let link = "Link: <https://msp.example/api/v2/departments?page=2>; rel=\"next\"\n";
        std::fs::write(lists.join("departments.headers"), link)?;
        std::fs::write(lists.join("departments@a=b&page=2.json"), "second")?;
        std::fs::write(folder.path().join("odd.json"), "odd")?;
        let server = Recording::of(folder.path())
            .file("/api/v2/account", "odd.json")
            .file("/api/v2/up", "../up.json")
            .recorded_at("https://msp.example")
            .start()
            .await?;
        let (status, body, link) = get(&server, "/api/v2/departments?per_page=100").await?;
        assert_eq!((status, body.as_str()), (200, r#"{"departments":[1]}"#));
        let own = format!("<{}/api/v2/departments?page=2>; rel=\"next\"", server.url());
        assert_eq!(link, Some(own));
        assert_eq!(
            get(&server, "/api/v2/departments?page=2&a=b").await?.1,
            "second"
        );
        assert_eq!(get(&server, "/api/v2/departments?page=3").await?.0, 404);
        assert_eq!(get(&server, "/api/v2/account").await?.1, "odd");
        assert_eq!(get(&server, "/api/v2/up").await?.0, 404);
        assert_eq!(server.calls("api/v2/departments"), 3);
        Ok(())
    }
}
