//! stub
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum UpstreamError {
    #[error("forbidden")]
    Forbidden { resource: String },
    #[error("x")]
    Other,
}
#[allow(missing_docs)]
impl UpstreamError {
    pub fn empty_list(_s: &str, _l: &str) -> Self {
        Self::Other
    }
    pub fn malformed(_s: &str, _l: &str) -> Self {
        Self::Other
    }
    pub fn stops_everything(&self) -> bool {
        true
    }
}
