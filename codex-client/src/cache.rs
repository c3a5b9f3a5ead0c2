//! Answers that are kept, so that the server need not send them again. It is asked every time.

use std::{fmt, sync::Arc};

use reqwest::header::{ETAG, HeaderValue};
use url::Url;

use crate::request::Reply;

/// What an answer weighs beside its body, about: headers, address, places in maps. It also bounds how many
/// small ones there are.
const OVERHEAD: usize = 1024;
/// The largest answer takes this part of all bytes, so that one list does not push everything else out.
const LARGEST_PART: u64 = 8;

/// The answers of one client. Its token source is one identity, and a tag is a digest of what that identity was
/// answered, so the address alone is the key.
pub(crate) struct Cache {
    answers: moka::future::Cache<Url, Kept>,
    largest: u64,
}

/// An answer with its tag.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub tag: HeaderValue,
    pub reply: Arc<Reply>,
}

/// What was answered is nobody's business in a log.
impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.answers.entry_count();
        f.debug_struct("Cache")
            .field("kept", &kept)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// At most this many bytes; none with 0.
    pub fn new(bytes: u64) -> Self {
        let weigh =
            |url: &Url, kept: &Kept| u32::try_from(weight(url, &kept.reply)).unwrap_or(u32::MAX);
        let answers = moka::future::Cache::builder().max_capacity(bytes);
        Self {
            answers: answers.weigher(weigh).build(),
            largest: bytes / LARGEST_PART,
        }
    }

    pub async fn get(&self, url: &Url) -> Option<Kept> {
        self.answers.get(url).await
    }

    /// Keeps an answer that has a tag and is not too large; an older one of the address goes in any case.
    pub async fn keep(&self, url: &Url, reply: &Arc<Reply>) {
        let small = u64::try_from(weight(url, reply)).is_ok_and(|bytes| bytes <= self.largest);
        match reply.headers.get(ETAG).cloned().filter(|_| small) {
            Some(tag) => {
                let reply = reply.clone();
                self.answers.insert(url.clone(), Kept { tag, reply }).await;
            }
            None => self.answers.invalidate(url).await,
        }
    }
}

fn weight(url: &Url, reply: &Reply) -> usize {
    url.as_str().len() + reply.body.len() + OVERHEAD
}
