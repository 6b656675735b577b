//! Lua code that ships inside the program.

use std::collections::HashMap;

/// Where embedded files seem to be. `loadfile` and `package.searchpath` understand such paths.
pub(crate) const ROOT: &str = "[skynet]/";

/// Embedded Lua services and modules, by name.
///
/// They win over files of the same name, unless [`LuaOptions::prefer_files`](crate::LuaOptions::prefer_files) says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    services: HashMap<&'static str, &'static str>,
    modules: HashMap<&'static str, &'static str>,
}

impl Sources {
    /// No sources at all.
    #[must_use]
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a service: what `skynet.newservice(name)` runs.
    #[must_use]
    pub fn service(mut self, name: &'static str, text: &'static str) -> Sources {
        self.services.insert(name, text);
        self
    }

    /// Adds a module under its dotted name: what `require(name)` loads.
    #[must_use]
    pub fn module(mut self, name: &'static str, text: &'static str) -> Sources {
        self.modules.insert(name, text);
        self
    }

    pub(crate) fn has_service(&self, name: &str) -> bool {
        self.services.contains_key(name)
    }

    pub(crate) fn has_module(&self, name: &str) -> bool {
        self.modules.contains_key(name)
    }

    /// The text behind a virtual path.
    pub(crate) fn file(&self, path: &[u8]) -> Option<&'static str> {
        let path = std::str::from_utf8(path).ok()?.strip_prefix(ROOT)?.strip_suffix(".lua")?;
        match path.split_once('/')? {
            ("service", name) => self.services.get(name).copied(),
            ("lualib", name) => self.modules.get(name.replace('/', ".").as_str()).copied(),
            _ => None,
        }
    }
}

/// The virtual path of an embedded service.
pub(crate) fn service_path(name: &str) -> String {
    format!("{ROOT}service/{name}.lua")
}

/// The virtual path of an embedded module.
pub(crate) fn module_path(name: &str) -> String {
    format!("{ROOT}lualib/{}.lua", name.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_paths_lead_to_their_texts() {
        let sources = Sources::new().service("launcher", "L").module("skynet.queue", "Q");
        assert_eq!(sources.file(service_path("launcher").as_bytes()), Some("L"));
        assert_eq!(sources.file(module_path("skynet.queue").as_bytes()), Some("Q"));
        assert_eq!(sources.file(b"./service/launcher.lua"), None);
        assert_eq!(sources.file(b"[skynet]/service/nobody.lua"), None);
        assert_eq!(sources.file(b"[skynet]/other/launcher.lua"), None);
    }
}
