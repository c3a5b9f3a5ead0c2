//! Answers that are read in pieces.

use std::time::Duration;

use crate::{
    Result, error,
    request::{Call, Requester},
};

/// The longest time that a download may take.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// An answer that is read in pieces.
#[derive(Debug)]
pub struct Download {
    response: reqwest::Response,
    id: String,
}

impl Download {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`crate::Error::Transport`] when the answer breaks off: what came before is not whole.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| error::unsent(error, &self.id))?;
        Ok(piece.map(|piece| piece.to_vec()))
    }

    /// The rest as one text, held in memory.
    ///
    /// # Errors
    /// As [`Download::piece`].
    pub async fn text(mut self) -> Result<String> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend(piece);
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }
}

impl Requester {
    /// An answer that is read in pieces, for as long as it takes.
    pub async fn download(&self, path: &[&str]) -> Result<Download> {
        let (call, id) = (Call::get(self.url(path, &[])?), self.id());
        let request = self.request(&call, &id, &mut None).await?.timeout(LONGEST);
        let unsent = |error: reqwest::Error| error::unsent(error, &id);
        let response = request.send().await.map_err(unsent)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = response.bytes().await.map_err(unsent)?;
            return Err(error::refused(status, &headers, &body, &id));
        }
        Ok(Download { response, id })
    }
}
