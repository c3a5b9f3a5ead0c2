//! Configurations in a folder of their own.

mod defaults;
mod layers;
mod secrets;
mod unknown;
mod values;
mod vendors;

use super::{Config, Layers, Sources};

/// A working directory.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("instance")).unwrap();
        Self(dir)
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self
    }

    fn conf(self, text: &str) -> Self {
        self.file("instance/codex.conf", text)
    }

    fn sources(&self) -> Sources {
        Sources::new(self.0.path())
    }

    fn load(&self) -> Config {
        Config::load(&self.sources()).unwrap()
    }

    fn error(&self) -> String {
        Config::load(&self.sources()).unwrap_err().to_string()
    }

    fn shown(&self) -> String {
        Layers::read(&self.sources()).to_string()
    }
}
