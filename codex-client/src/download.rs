//! Answers that are read in pieces.

use std::time::Duration;

use futures::{StreamExt as _, TryFutureExt as _, stream};
use serde::de::DeserializeOwned;

use crate::{
    Error, Records, Result, error,
    items::Items,
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
    /// An answer that is read in pieces, for as long as it takes. Until it begins, it is tried again like others.
    pub async fn download(&self, path: &[&str], query: &[(&str, String)]) -> Result<Download> {
        let mut call = Call::get(self.url(path, query)?);
        call.longest = Some(LONGEST);
        let (response, id) = self.open(&call).await?;
        Ok(Download { response, id })
    }

    /// The items of a bare array of objects, each when it has arrived. An error is the end.
    pub fn items<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &[&'static str],
        query: Vec<(&'static str, String)>,
    ) -> Records<T> {
        let (requester, path) = (self.clone(), path.to_vec());
        let download = async move { requester.download(&path, &query).await };
        let items = download.map_ok(|download| {
            stream::try_unfold(
                (download, Items::default()),
                |(mut download, mut items)| async {
                    let item = download.item(&mut items).await?;
                    Ok(item.map(|item| (item, (download, items))))
                },
            )
        });
        items.try_flatten_stream().boxed()
    }
}

impl Download {
    /// The next item of an array; `None` at its end.
    async fn item<T: DeserializeOwned>(&mut self, items: &mut Items) -> Result<Option<T>> {
        loop {
            if let Some(item) = items.next().map_err(|source| self.strange(source))? {
                return Ok(Some(item));
            }
            let Some(piece) = self.piece().await? else {
                let end = items.end().map_err(|source| self.strange(source));
                return end.map(|()| None);
            };
            items.add(&piece);
        }
    }

    fn strange(&self, source: serde_json::Error) -> Error {
        Error::Decode {
            correlation_id: self.id.clone(),
            source,
        }
    }
}
