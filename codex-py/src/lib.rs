//! The Python module `codex._codex`: the library without a server.

use std::sync::OnceLock;

use codex_core::{Codex, Scope, companies::wire::CompanyOut};
use pyo3::{
    create_exception,
    exceptions::{PyException, PyRuntimeError},
    prelude::*,
    types::PyModule,
};
use tokio::runtime::Runtime;

create_exception!(
    _codex,
    CodexError,
    PyException,
    "Anything that Codex refuses or cannot do."
);

/// One runtime for the process; it does not survive `fork`, so it remembers who made it.
fn runtime() -> PyResult<&'static Runtime> {
    static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();
    let (pid, runtime) = if let Some(made) = RUNTIME.get() {
        made
    } else {
        let runtime = Runtime::new().map_err(|e| PyRuntimeError::new_err(e.to_string()))?;
        RUNTIME.get_or_init(|| (std::process::id(), runtime))
    };
    if *pid == std::process::id() {
        Ok(runtime)
    } else {
        Err(PyRuntimeError::new_err(
            "codex was used before fork: open it in the child process",
        ))
    }
}

fn failed(error: &codex_core::Error) -> PyErr {
    CodexError::new_err(error.chain())
}

/// A Codex database.
#[pyclass(name = "Codex", frozen)]
struct PyCodex(Codex);

#[pymethods]
impl PyCodex {
    /// Opens and migrates `sqlite://path` or `postgresql://...`.
    #[staticmethod]
    fn open(py: Python<'_>, url: &str) -> PyResult<Self> {
        let runtime = runtime()?;
        py.detach(|| runtime.block_on(Codex::open(url)))
            .map(Self)
            .map_err(|e| failed(&e))
    }

    /// All companies with an account number, as JSON text.
    fn companies_json(&self, py: Python<'_>) -> PyResult<String> {
        let runtime = runtime()?;
        let companies = py
            .detach(|| runtime.block_on(self.0.companies(&Scope::system())))
            .map_err(|e| failed(&e))?;
        let companies: Vec<CompanyOut> = companies.iter().map(CompanyOut::from).collect();
        serde_json::to_string(&companies).map_err(|e| CodexError::new_err(e.to_string()))
    }

    /// One company by its account number, as JSON text; `None` when there is none.
    fn company_json(&self, py: Python<'_>, account_number: &str) -> PyResult<Option<String>> {
        let runtime = runtime()?;
        let company = py
            .detach(|| runtime.block_on(self.0.company(&Scope::system(), account_number)))
            .map_err(|e| failed(&e))?;
        company
            .map(|company| serde_json::to_string(&CompanyOut::from(&company)))
            .transpose()
            .map_err(|e| CodexError::new_err(e.to_string()))
    }
}

/// Folds a name as search and order do.
#[pyfunction]
fn fold(text: &str) -> String {
    codex_core::fold::SearchKey::new(text).to_string()
}

/// The library.
#[pymodule]
fn _codex(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CodexError", module.py().get_type::<CodexError>())?;
    module.add_class::<PyCodex>()?;
    module.add_function(wrap_pyfunction!(fold, module)?)
}
