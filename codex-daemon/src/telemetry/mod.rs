//! Traces for OpenTelemetry: spans of requests, syncs and calls of vendors. Only a build with the feature `otel` sends them.

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(feature = "otel")]
mod otlp;

#[cfg(not(feature = "otel"))]
pub use absent::Traces;
#[cfg(not(feature = "otel"))]
pub(crate) use absent::answered;
#[cfg(feature = "otel")]
pub use otlp::Traces;
#[cfg(feature = "otel")]
pub(crate) use otlp::answered;

/// Whether this build sends traces.
pub(crate) const IS_BUILT: bool = cfg!(feature = "otel");
