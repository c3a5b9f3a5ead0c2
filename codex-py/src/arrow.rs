//! Lists as Arrow tables, passed through the Arrow C stream interface without a copy.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchIterator,
    builder::{
        BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
        TimestampMicrosecondBuilder,
    },
    ffi_stream::FFI_ArrowArrayStream,
};
use chrono::DateTime;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyCapsule};
use serde_json::Value;

use crate::{
    convert::Row,
    errors::Result,
    shapes::{Attribute, Kind, Shape},
};

/// Records as an Arrow table: pass it to ``polars.DataFrame``, ``pyarrow.table`` or ``pandas``.
#[pyclass(frozen, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct ArrowTable {
    shape: &'static Shape,
    batches: Vec<RecordBatch>,
}

impl ArrowTable {
    pub(crate) fn new(shape: &'static Shape) -> Self {
        Self {
            shape,
            batches: Vec::new(),
        }
    }

    /// Appends records.
    pub(crate) fn push(&mut self, mut rows: Vec<Row>) -> Result<()> {
        self.batches.push(batch(self.shape, &mut rows)?);
        Ok(())
    }
}

#[pymethods]
impl ArrowTable {
    /// How many records it has.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of its columns.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        let attributes = self.shape.attributes.iter();
        attributes
            .map(|attribute| attribute.name.as_str())
            .collect()
    }

    /// The table as an Arrow C stream (the Arrow PyCapsule interface).
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows to answer with one's own schema whatever is requested.
        let _ = requested_schema;
        let empty = batch(self.shape, &mut [])?;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, empty.schema());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }

    fn __repr__(&self) -> String {
        let columns = self.shape.attributes.len();
        format!(
            "<ArrowTable of {}: {} rows, {columns} columns>",
            self.shape.name,
            self.num_rows()
        )
    }
}

fn batch(shape: &Shape, rows: &mut [Row]) -> Result<RecordBatch> {
    let columns = shape.attributes.iter().map(|attribute| {
        let values = rows
            .iter_mut()
            .map(|row| row.values.remove(&attribute.name).unwrap_or_default());
        (attribute.name.clone(), column(attribute, values), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| PyValueError::new_err(error.to_string()).into())
}

/// A column. Values without an Arrow type of their own are JSON text.
fn column(attribute: &Attribute, values: impl Iterator<Item = Value>) -> ArrayRef {
    match &attribute.kind {
        Kind::Int => {
            let mut column = Int64Builder::new();
            values.for_each(|value| column.append_option(value.as_i64()));
            Arc::new(column.finish())
        }
        Kind::Float => {
            let mut column = Float64Builder::new();
            values.for_each(|value| column.append_option(value.as_f64()));
            Arc::new(column.finish())
        }
        Kind::Bool => {
            let mut column = BooleanBuilder::new();
            values.for_each(|value| column.append_option(value.as_bool()));
            Arc::new(column.finish())
        }
        Kind::Time => {
            let mut column = TimestampMicrosecondBuilder::new().with_timezone("UTC");
            values.for_each(|value| column.append_option(micros(&value)));
            Arc::new(column.finish())
        }
        Kind::List(item) if **item == Kind::Text => {
            let mut column = ListBuilder::new(StringBuilder::new());
            values.for_each(|value| append_texts(&mut column, value));
            Arc::new(column.finish())
        }
        _ => {
            let mut column = StringBuilder::new();
            values.for_each(|value| match value {
                Value::Null => column.append_null(),
                Value::String(text) => column.append_value(text),
                other => column.append_value(other.to_string()),
            });
            Arc::new(column.finish())
        }
    }
}

fn micros(value: &Value) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    Some(time.timestamp_micros())
}

fn append_texts(column: &mut ListBuilder<StringBuilder>, value: Value) {
    let value = match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
        value => value,
    };
    if let Value::Array(items) = value {
        for item in items {
            match item {
                Value::String(text) => column.values().append_value(text),
                other => column.values().append_value(other.to_string()),
            }
        }
    }
    column.append(true);
}
