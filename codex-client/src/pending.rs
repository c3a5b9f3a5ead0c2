//! Calls that are made when they are awaited, so that more can be said of them before.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
};

use codex_core::bulk::DryRunOut;
use reqwest::{
    Method,
    header::{ETAG, IF_MATCH},
};
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use uuid::Uuid;

use crate::{
    Error, Result,
    request::{Call, IDEMPOTENCY_KEY, Requester, conditional, encode, header, json},
};

/// What a [`Pending`] call does.
pub mod kind {
    /// Reads a record.
    #[derive(Debug)]
    pub enum Read {}
    /// Changes or deletes a record.
    #[derive(Debug)]
    pub enum Edit {}
    /// Makes something.
    #[derive(Debug)]
    pub enum Create {}
    /// Starts or stops work.
    #[derive(Debug)]
    pub enum Start {}

    /// Calls that are made once, whatever is sent twice.
    pub trait Idempotent {}
    impl Idempotent for Create {}
    impl Idempotent for Start {}

    /// Calls that can say what they would change.
    pub trait Foretold {}
    impl Foretold for Edit {}
    impl Foretold for Create {}
}

/// A call that is sent when it is awaited.
#[must_use = "a call is sent when it is awaited"]
pub struct Pending<T, K> {
    requester: Requester,
    call: Result<Call>,
    decode: fn(&[u8]) -> serde_json::Result<T>,
    kind: PhantomData<fn() -> K>,
}

/// Reads a record; tried again after trouble.
pub type Reading<T> = Pending<T, kind::Read>;
/// Changes or deletes a record. A change is tried again after trouble, since it may be made twice; a deletion and
/// a change with [`Pending::if_match`] are not, since a second try would meet what the first one did.
pub type Edit<T> = Pending<T, kind::Edit>;
/// Makes something once: it has an `Idempotency-Key`, and is tried again after trouble.
pub type Creation<T> = Pending<T, kind::Create>;
/// Starts or stops work once, as [`Creation`] does.
pub type Start<T> = Pending<T, kind::Start>;

/// The tag of a record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The tag as the server sent it, to be kept somewhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Etag {
    fn from(tag: String) -> Self {
        Self(tag)
    }
}

/// A record with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<T> {
    /// The record.
    pub record: T,
    /// Its tag, for [`Pending::if_match`].
    pub etag: Etag,
}

impl<T, K> Pending<T, K> {
    fn new(
        requester: &Requester,
        call: Result<Call>,
        decode: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Self {
        Self {
            requester: requester.clone(),
            call,
            decode,
            kind: PhantomData,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Call) -> Result<()>) -> Self {
        self.call = self.call.and_then(|mut call| {
            change(&mut call)?;
            Ok(call)
        });
        self
    }
}

impl<K> Pending<IgnoredAny, K> {
    /// The same call with a part of its answer.
    pub(crate) fn decoded<T>(self, decode: fn(&[u8]) -> serde_json::Result<T>) -> Pending<T, K> {
        Pending::new(&self.requester, self.call, decode)
    }
}

impl<T> Reading<T> {
    /// The record together with its tag, to change it only as it was read.
    ///
    /// # Errors
    /// [`Error::NoTag`] when the server sent none.
    pub async fn tagged(self) -> Result<Tagged<T>> {
        let answer = self.requester.send(&self.call?).await?;
        let tag = answer.reply.headers.get(ETAG);
        let tag = tag.and_then(|tag| tag.to_str().ok());
        let tag = tag.ok_or_else(|| Error::NoTag {
            correlation_id: answer.id.clone(),
        })?;
        Ok(Tagged {
            etag: Etag(tag.to_owned()),
            record: answer.decode(self.decode)?,
        })
    }
}

impl<T> Edit<T> {
    /// Only if nobody has changed the record since it was read with this tag: status 412 otherwise.
    pub fn if_match(self, tag: &Etag) -> Self {
        self.with(|call| {
            call.headers.insert(IF_MATCH, header(tag.as_str())?);
            Ok(())
        })
    }
}

impl<T, K: kind::Idempotent> Pending<T, K> {
    /// A key of one's own (1 to 200 visible characters) instead of a new one: the same call with the same key is
    /// answered as the first one was, for a day, even when the caller was started anew between the two.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.with(|call| {
            call.headers.insert(IDEMPOTENCY_KEY, header(key)?);
            Ok(())
        })
    }
}

impl<T, K: kind::Foretold> Pending<T, K> {
    /// What the call would change; nothing is changed.
    pub async fn dry_run(self) -> Result<DryRunOut> {
        let mut call = self.call?;
        call.url.query_pairs_mut().append_pair("dry_run", "true");
        call.headers.remove(IDEMPOTENCY_KEY);
        call.repeatable = true;
        self.requester.send(&call).await?.decode(json)
    }
}

impl<T: 'static, K> IntoFuture for Pending<T, K> {
    type Output = Result<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let (requester, call, decode) = (self.requester, self.call, self.decode);
        Box::pin(async move {
            let mut call = call?;
            call.repeatable &= !conditional(&call);
            requester.send(&call).await?.decode(decode)
        })
    }
}

impl<T, K> fmt::Debug for Pending<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call.as_ref().map(|call| (&call.method, &call.url));
        f.debug_tuple("Pending").field(&call).finish()
    }
}

impl Requester {
    /// Reads a record.
    pub fn read<T: DeserializeOwned>(&self, path: &[&str]) -> Reading<T> {
        Pending::new(self, self.url(path, &[]).map(Call::get), json)
    }

    /// A change that may be made twice: the same state is the result.
    pub fn put<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Edit<T> {
        let call = self.url(path, &[]).and_then(|url| {
            let mut call = Call::change(Method::PUT, url, Some(encode(body)?));
            call.repeatable = true;
            Ok(call)
        });
        Pending::new(self, call, json)
    }

    /// Deletes something. Sent once: after a lost answer the second try would find nothing.
    pub fn delete(&self, path: &[&str]) -> Edit<()> {
        let call = self
            .url(path, &[])
            .map(|url| Call::change(Method::DELETE, url, None));
        Pending::new(self, call, |_| Ok(()))
    }

    /// Makes something.
    pub fn create<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &(impl Serialize + ?Sized),
    ) -> Creation<T> {
        self.once(path, &[], encode(body).map(Some))
    }

    /// Makes something of rows.
    pub fn create_rows<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        rows: &[impl Serialize],
    ) -> Creation<T> {
        self.once(path, query, encode(rows).map(Some))
    }

    /// Makes something that the path says all about.
    pub fn create_bare<T: DeserializeOwned>(&self, path: &[&str]) -> Creation<T> {
        self.once(path, &[], Ok(None))
    }

    /// Starts or stops work.
    pub fn start<T: DeserializeOwned>(&self, path: &[&str]) -> Start<T> {
        self.once(path, &[], Ok(None))
    }

    /// A POST with a key, so that it may be sent again.
    fn once<T: DeserializeOwned, K: kind::Idempotent>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: Result<Option<Vec<u8>>>,
    ) -> Pending<T, K> {
        let call = self.url(path, query).and_then(|url| {
            let mut call = Call::change(Method::POST, url, body?);
            call.repeatable = true;
            Ok(call)
        });
        Pending::new(self, call, json).idempotency_key(&Uuid::new_v4().to_string())
    }
}
