//! What each source states about a record.

use std::sync::Arc;

use codex_core::claims::ClaimedResource;
use pyo3::{
    prelude::*,
    types::{PyInt, PyString},
};

use crate::{
    backend::{Backend, Change, Changed, Connection, send_if},
    convert::unfit,
    errors::Failure,
    records::{if_match, object, row},
};

/// Claims: what each source states about a record, and which values people have set.
#[pyclass(frozen, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) connection: Arc<Connection>,
}

fn named(kind: &str, key: &Bound<'_, PyAny>) -> PyResult<(ClaimedResource, String)> {
    let resource = kind
        .parse()
        .map_err(|error| Failure::Invalid(format!("kind: {error}")))?;
    if key.is_instance_of::<PyInt>() || key.is_instance_of::<PyString>() {
        return Ok((resource, key.str()?.to_string()));
    }
    Err(unfit("key", key, "str or int"))
}

#[pymethods]
impl Claims {
    /// For each field of a record its value, the source that wins, and what others state. ``kind`` is ``company``,
    /// ``contact``, ``asset``, ``location``, ``ticket``, ``billing_plan`` or ``agent``; ``key`` what names the record.
    #[pyo3(signature = (kind, key, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (resource, key) = named(kind, key)?;
        let row = self.connection.wait(py, async {
            match &self.connection.backend {
                Backend::Store(store) => {
                    let claims = store.codex.record_claims(&store.scope, resource, &key);
                    let (claims, at) = claims.await?;
                    Ok(row(&claims, Some(crate::backend::version_text(at))))
                }
                Backend::Http(client) => {
                    let tagged = client.claims().get(resource, &key).tagged().await?;
                    Ok(row(&tagged.record, Some(tagged.etag.as_str().to_owned())))
                }
            }
        })?;
        let shape = crate::records::known("RecordClaims")?;
        crate::convert::row_to_python(py, row, shape)
    }

    /// Releases a field that a person has set: it follows the sources from then on. Returns the claims as they are then.
    #[pyo3(signature = (kind, key, field, /, *, if_match=None, dry_run=false))]
    fn release<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        key: &Bound<'py, PyAny>,
        field: &str,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (resource, name) = named(kind, key)?;
        let if_match = self::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        let released = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, scope) = (&store.codex, &store.scope);
                    let done = codex.release_claim(scope, &author, resource, &name, field);
                    Changed::of(done.await?).map(|_| ())
                }
                Backend::Http(client) => {
                    send_if!(client.claims().release(resource, &name, field), change)
                }
            })
        })?;
        match released {
            Changed::Applied(()) => self.get(py, kind, key),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}
