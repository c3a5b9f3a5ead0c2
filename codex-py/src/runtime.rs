//! Where futures run, and how Python waits for them.

use std::{
    future::Future,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::{runtime::Runtime, time::timeout};

/// How long a wait may keep signals from their handlers. Ctrl-C must be heard within 200 ms.
const TICK: Duration = Duration::from_millis(100);

/// The runtime of this process. Its threads do not survive `fork`, so a child gets another; that of the parent is
/// never dropped, because there is nobody left to join.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    static MADE: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    if let Some((owner, runtime)) = *made
        && owner == pid
    {
        return Ok(runtime);
    }
    let runtime = Runtime::new().map_err(|e| PyRuntimeError::new_err(e.to_string()))?;
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *made = Some((pid, runtime));
    Ok(runtime)
}

/// Waits for a future while other Python threads run. A signal handler that raises, as that of Ctrl-C does, drops the
/// future: a transaction that it has not committed is rolled back.
pub(crate) fn wait<F>(py: Python<'_>, runtime: &Runtime, future: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let mut future = pin!(future);
    loop {
        let tick = py.detach(|| runtime.block_on(async { timeout(TICK, future.as_mut()).await }));
        match tick {
            Ok(output) => return Ok(output),
            Err(_) => py.check_signals()?,
        }
    }
}
