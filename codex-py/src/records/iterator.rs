//! Records that are read a part at a time.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use pyo3::{exceptions::PyValueError, prelude::*};
use tokio::sync::mpsc;

use super::known;
use crate::{
    backend::Connection,
    convert::{Row, row_to_python},
    errors::Result,
    query::Feed,
    shapes::Shape,
};

/// How far an iterator is.
enum State {
    /// Nobody has asked for a record yet.
    Asked(Option<Feed>),
    /// Parts are read ahead while Python works on the one before.
    Reading(
        mpsc::Receiver<Result<Vec<Row>>>,
        std::vec::IntoIter<Py<PyAny>>,
    ),
    Ended,
}

/// Records, read a part at a time.
#[pyclass(frozen, module = "hivematrix_codex._native")]
pub(crate) struct RecordIterator {
    connection: Arc<Connection>,
    shape: &'static Shape,
    state: Mutex<State>,
}

impl RecordIterator {
    /// Iterates over what a feed brings, once somebody asks.
    pub(crate) fn new(connection: &Arc<Connection>, class: &str, feed: Feed) -> PyResult<Self> {
        connection.check()?;
        Ok(Self {
            connection: connection.clone(),
            shape: known(class)?,
            state: Mutex::new(State::Asked(Some(feed))),
        })
    }
}

#[pymethods]
impl RecordIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    pub(super) fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        // Waiting for the lock would keep the interpreter from the thread that holds it.
        let Ok(mut state) = self.state.try_lock() else {
            return Err(PyValueError::new_err(
                "another thread is using this iterator",
            ));
        };
        if let State::Asked(feed) = &mut *state {
            let (sender, parts) = mpsc::channel(1);
            if let Some(mut feed) = feed.take() {
                self.connection.spawn(async move {
                    while let Some(part) = feed.next().await {
                        if sender.send(part).await.is_err() {
                            break;
                        }
                    }
                })?;
            }
            *state = State::Reading(parts, Vec::new().into_iter());
        }
        loop {
            let State::Reading(parts, ready) = &mut *state else {
                return Ok(None);
            };
            if let Some(record) = ready.next() {
                return Ok(Some(record));
            }
            let part = self.connection.wait(py, async { Ok(parts.recv().await) })?;
            match part {
                Some(Ok(rows)) => {
                    let records = rows.into_iter().map(|row| {
                        let record = row_to_python(py, row, self.shape)?;
                        Ok(record.unbind())
                    });
                    *ready = records.collect::<PyResult<Vec<_>>>()?.into_iter();
                }
                Some(Err(failure)) => {
                    *state = State::Ended;
                    return Err(failure.into());
                }
                None => *state = State::Ended,
            }
        }
    }
}
