//! A vendor for tests: one TCP port that gives the answers that a test has set.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

use crate::{store::Db, sync::RateLimitBlock};

/// A vendor on a port of its own; it goes when it is dropped.
pub(crate) struct Stub {
    pub base: Url,
    /// Request heads with their bodies, in order of arrival.
    pub requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    /// Answers request number `n` (from 0) with the raw text that `answer` gives.
    pub async fn new(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (log, answer) = (requests.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                tokio::spawn(async move {
                    let request = read(&mut socket).await;
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    let answer = answer(number, &request);
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self {
            base: base.parse().unwrap(),
            requests,
            task,
        }
    }

    /// How many requests have arrived.
    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn read(socket: &mut tokio::net::TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = socket.read(&mut buffer).await.unwrap_or(0);
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let found = name.eq_ignore_ascii_case("content-length");
            found.then(|| value.trim().parse::<usize>().ok())?
        });
        if read == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
            return text;
        }
    }
}

/// An answer with a status, further header lines and a body of a type.
pub(crate) fn answer(status: u16, headers: &[&str], kind: &str, body: &str) -> String {
    let more: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n{more}\r\n{body}"
    )
}

/// A good answer.
pub(crate) fn json(body: &str) -> String {
    answer(200, &[], "application/json; charset=utf-8", body)
}

/// A refusal without a body.
pub(crate) fn status(code: u16) -> String {
    answer(code, &[], "text/plain", "")
}

/// A gate in a database of its own, and the folder that holds it.
pub(crate) async fn rate_limit_block() -> (RateLimitBlock, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codex.db");
    let db = Db::open(path.to_str().unwrap()).await.unwrap();
    db.migrate().await.unwrap();
    (RateLimitBlock::new(db, "stub"), folder)
}
