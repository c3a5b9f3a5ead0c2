//! Errors of the library and of the client as the exceptions of `hivematrix_codex.errors`.

use codex_client::Error as HttpError;
use codex_core::{Error as CoreError, Fault, nearest::hint};
use pyo3::{prelude::*, types::PyType};

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Core(CoreError),
    Http(HttpError),
    /// There is no such record.
    NotFound(String),
    /// An argument cannot be accepted.
    Invalid(String),
    /// Python said so: a callback, or a signal.
    Python(PyErr),
}

/// The result of everything that is asked of either backend.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Self {
        Self::Core(error)
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl Failure {
    /// A name that is not one of those that there are.
    pub(crate) fn unknown<'n>(
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let hint = hint(name, known);
        Self::Invalid(format!("unknown {what} `{name}`{hint}"))
    }

    /// The class of its exception, what it says, and each fault with its place.
    fn said(self) -> std::result::Result<(&'static str, String, Vec<Fault>), PyErr> {
        Ok(match self {
            Self::Python(error) => return Err(error),
            Self::NotFound(message) => ("NotFound", message, Vec::new()),
            Self::Invalid(message) => ("Invalid", message, Vec::new()),
            Self::Core(error) => of_core(error),
            Self::Http(error) => of_http(&error),
        })
    }
}

fn of_core(error: CoreError) -> (&'static str, String, Vec<Fault>) {
    let class = match &error {
        CoreError::Invalid { .. } | CoreError::Unprocessable(_) | CoreError::Unsupported(_) => {
            "Invalid"
        }
        CoreError::Conflict { .. } => "Conflict",
        CoreError::NotFound(_) => "NotFound",
        CoreError::Changed => "Changed",
        CoreError::Forbidden(_) => "Forbidden",
        CoreError::Upstream(_) | CoreError::Sync { .. } => "UpstreamError",
        CoreError::Busy(_) => "Unavailable",
        error if error.is_out_of_reach() || error.is_in_the_way() => "Unavailable",
        _ => "CodexError",
    };
    let message = error.chain();
    let faults = match error {
        CoreError::Unprocessable(faults) => faults,
        CoreError::Invalid { field, message } => vec![Fault::at(&field, message)],
        _ => Vec::new(),
    };
    (class, message, faults)
}

fn of_http(error: &HttpError) -> (&'static str, String, Vec<Fault>) {
    let class = match error {
        HttpError::Address(_)
        | HttpError::Segment(_)
        | HttpError::Header(_)
        | HttpError::Validation { .. } => "Invalid",
        HttpError::Unauthorized(_) | HttpError::Token(_) => "Unauthorized",
        HttpError::Forbidden(_) => "Forbidden",
        HttpError::NotFound(_) => "NotFound",
        HttpError::Conflict(_) => "Conflict",
        HttpError::Changed(_) => "Changed",
        HttpError::Timeout { .. } | HttpError::StillRunning(_) => "Timeout",
        HttpError::Transport { .. } | HttpError::Core(_) => "Unavailable",
        error if error.is_retryable() => "Unavailable",
        _ => "CodexError",
    };
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    (class, message, error.faults().to_vec())
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        let (class, message, faults) = match failure.said() {
            Ok(said) => said,
            Err(error) => return error,
        };
        Python::attach(|py| exception(py, class, message, faults))
    }
}

/// An exception of `hivematrix_codex.errors`.
fn exception(py: Python<'_>, class: &str, message: String, faults: Vec<Fault>) -> PyErr {
    let made = || -> PyResult<PyErr> {
        let class = py.import("hivematrix_codex.errors")?.getattr(class)?;
        let class = class.cast_into::<PyType>()?;
        if class.name()? != "Invalid" {
            return Ok(PyErr::from_type(class, (message,)));
        }
        let faults: Vec<(String, String)> = faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.detail))
            .collect();
        Ok(PyErr::from_type(class, (message, faults)))
    };
    made().unwrap_or_else(|error| error)
}

/// The connection cannot be used any more.
pub(crate) fn closed(why: &str) -> PyErr {
    Python::attach(|py| exception(py, "Closed", why.to_owned(), Vec::new()))
}
