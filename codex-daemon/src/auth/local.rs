//! Tokens without Core, for trying out and for stand-alone use: a key of our own beside the database, with an issuer
//! of its own. It signs for `codexd token` alone; nothing on the network gives such tokens.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{AlgorithmParameters, Jwk},
};
use serde_json::Value;
use uuid::Uuid;

use crate::http::digest::hex;

/// The issuer of these tokens. Core's keys sign for another one, and this key for no other.
pub const ISSUER: &str = "hivematrix-codex-local";

/// The local key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalKeyError {
    /// The file cannot be read or made.
    #[error("the key of the local issuer, {}, cannot be read or made", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// Others may read the file.
    #[error("the key of the local issuer, {}, can be read by others; run `chmod 600` on it", .0.display())]
    Open(PathBuf),
    /// The file holds something else.
    #[error("{} holds no RSA key in PEM; remove it, and the next start makes a new key", .0.display())]
    Unreadable(PathBuf),
    /// No key can be made.
    #[error("the system makes no RSA key")]
    Generate,
}

/// A key pair of our own.
#[derive(Clone)]
pub struct LocalIssuer {
    kid: String,
    private: EncodingKey,
    public: Arc<DecodingKey>,
}

impl fmt::Debug for LocalIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalIssuer").field(&self.kid).finish()
    }
}

impl LocalIssuer {
    /// The key of a file; it is made when there is none.
    ///
    /// # Errors
    /// When the file cannot be made or read, is readable by others, or holds something else.
    pub fn open(file: &Path) -> Result<Self, LocalKeyError> {
        let failed = |error| LocalKeyError::File(file.to_owned(), error);
        if !file.exists() {
            make(file)?;
        }
        let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(LocalKeyError::Open(file.to_owned()));
        }
        let pem = fs::read(file).map_err(failed)?;
        Self::of(&pem).ok_or_else(|| LocalKeyError::Unreadable(file.to_owned()))
    }

    fn of(pem: &[u8]) -> Option<Self> {
        let private = EncodingKey::from_rsa_pem(pem).ok()?;
        let jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).ok()?;
        let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else {
            return None;
        };
        Some(Self {
            kid: format!("codex-local-{}", &hex(&[rsa.n.as_bytes()])[..16]),
            public: Arc::new(DecodingKey::from_jwk(&jwk).ok()?),
            private,
        })
    }

    /// The public key, if this is its id.
    pub fn key(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        (self.kid == kid).then(|| self.public.clone())
    }

    /// A token with some claims.
    ///
    /// # Errors
    /// When the library cannot sign.
    pub fn sign(&self, claims: &Value) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private)
    }
}

/// Makes a key in a file that nobody else may read. It is whole or not there, and of two processes one makes it.
fn make(file: &Path) -> Result<(), LocalKeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| LocalKeyError::Generate)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| LocalKeyError::Generate)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let draft = folder.join(format!(".local-issuer-{}", Uuid::new_v4()));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut draft = options.open(&draft)?;
        draft.write_all(pem(der.as_ref()).as_bytes())?;
        draft.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&draft, file));
    // It has its name, or is of no use.
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(LocalKeyError::File(file.to_owned(), error))
        }
        _ => Ok(()),
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + "-----END PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_key_is_created_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("instance/local-issuer.pem");
        let made = LocalIssuer::open(&file).unwrap();
        let again = LocalIssuer::open(&file).unwrap();
        assert_eq!(made.kid, again.kid);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let files = fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 1, "nothing is left behind");
        assert!(!format!("{made:?}").contains("PRIVATE"));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let open = LocalIssuer::open(&file);
        assert!(matches!(open, Err(LocalKeyError::Open(_))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "something else").unwrap();
        let unreadable = LocalIssuer::open(&file);
        assert!(matches!(unreadable, Err(LocalKeyError::Unreadable(_))));
    }
}
