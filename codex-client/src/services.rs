//! Calls of other modules, as HiveMatrix modules make them: by name, with a token of Core.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{Error, Result, TokenSource, request::Requester};

/// The modules of an installation, by name (`services.json`, consumers 1). Cheap to clone; tokens are shared.
///
/// ```no_run
/// # async fn tour() -> codex_client::Result<()> {
/// use codex_client::Services;
///
/// let services = Services::load("services.json", "http://localhost:5000", "codex")?;
/// let found = services.call_service("brainhair", "/api/knowledge/search?q=example").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Services {
    shared: Arc<Shared>,
    correlation_id: Option<String>,
}

#[derive(Debug)]
struct Shared {
    addresses: BTreeMap<String, String>,
    core: String,
    caller: String,
    /// One per module that was called, so that its token is kept.
    requesters: Mutex<BTreeMap<String, Requester>>,
}

#[derive(Debug, Deserialize)]
struct Service {
    url: String,
}

impl Services {
    /// The modules that a `services.json` names, called as `caller` with tokens of the Core at `core`.
    ///
    /// # Errors
    /// [`Error::Services`] when the file cannot be read.
    pub fn load(file: impl AsRef<Path>, core: &str, caller: &str) -> Result<Self> {
        let file = file.as_ref();
        let bad =
            |error: &dyn std::fmt::Display| Error::Services(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| bad(&error))?;
        let services: BTreeMap<String, Service> =
            serde_json::from_str(&text).map_err(|error| bad(&error))?;
        let addresses = services
            .into_iter()
            .map(|(name, service)| (name, service.url));
        Ok(Self::new(addresses, core, caller))
    }

    /// Modules by name and base URL, called as `caller` with tokens of the Core at `core`.
    pub fn new(
        addresses: impl IntoIterator<Item = (String, String)>,
        core: &str,
        caller: &str,
    ) -> Self {
        let shared = Shared {
            addresses: addresses.into_iter().collect(),
            core: core.to_owned(),
            caller: caller.to_owned(),
            requesters: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            correlation_id: None,
        }
    }

    /// The same modules on behalf of a request that has an id already, so that one id leads through the
    /// logs of all modules. An id that cannot stand in a header is replaced by a new one per call.
    pub fn with_correlation_id(&self, id: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            correlation_id: Some(id.to_owned()),
        }
    }

    /// Reads from a module: a path with its query, the answer as JSON.
    ///
    /// # Errors
    /// [`Error::Services`] for an unknown module, and what calls of Codex can meet.
    pub async fn call_service(&self, service: &str, path: &str) -> Result<Value> {
        self.requester(service)
            .await?
            .raw(Method::GET, path, None)
            .await
    }

    /// Calls a module with a method and a body; other methods than GET are sent once.
    ///
    /// # Errors
    /// As [`Services::call_service`].
    pub async fn call_service_with(
        &self,
        method: Method,
        service: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        self.requester(service).await?.raw(method, path, body).await
    }

    async fn requester(&self, service: &str) -> Result<Requester> {
        let requester = self.shared.requester(service).await?;
        Ok(match &self.correlation_id {
            Some(id) => requester.with_correlation_id(id),
            None => requester,
        })
    }
}

impl Shared {
    async fn requester(&self, service: &str) -> Result<Requester> {
        let mut requesters = self.requesters.lock().await;
        if let Some(known) = requesters.get(service) {
            return Ok(known.clone());
        }
        let unknown = || Error::Services(format!("there is no service `{service}`"));
        let address = self.addresses.get(service).ok_or_else(unknown)?;
        let token = TokenSource::core_for(&self.core, self.caller.as_str(), service)?;
        let requester = Requester::new(crate::Builder::new(address, token))?;
        requesters.insert(service.to_owned(), requester.clone());
        Ok(requester)
    }
}
