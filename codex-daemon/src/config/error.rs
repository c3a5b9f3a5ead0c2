//! What is wrong with a configuration. Names the place, never a secret.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::ValueSource;
use crate::http::problem::chain;

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that is not acceptable, or an unknown setting.
    #[error("{origin}: [{section}] {key}: {message}")]
    Value {
        /// Where it was set.
        origin: ValueSource,
        /// Its section.
        section: String,
        /// Its key.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// A variable that sets nothing.
    #[error("{origin}: {message}")]
    Variable {
        /// Where it was set, with its name.
        origin: ValueSource,
        /// What is wrong with it.
        message: String,
    },
    /// A file that does not follow its syntax.
    #[error("{}:{line}: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file that was named and is not there.
    #[error("{}: there is no such file", .0.display())]
    Missing(PathBuf),
    /// A file that is there but cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ConfigError {
    pub(super) fn read(file: &Path, source: std::io::Error) -> Self {
        Self::Read {
            file: file.to_owned(),
            source,
        }
    }
}

/// Everything that is wrong with a configuration; at least one thing.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [error] = self.0.as_slice() {
            return f.write_str(&chain(error));
        }
        write!(f, "{} problems", self.0.len())?;
        for error in &self.0 {
            write!(f, "\n  {}", chain(error))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
