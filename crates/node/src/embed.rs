//! The Lua files in the binary: one file is a whole installation.

use skynet_luabind::Sources;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The services and modules that ship.
pub(crate) fn sources() -> Sources {
    let sources = SERVICES.iter().fold(Sources::new(), |sources, (name, text)| sources.service(name, text));
    MODULES.iter().fold(sources, |sources, (name, text)| sources.module(name, text))
}

/// The same, with the services of the chat room.
pub(crate) fn chat_sources() -> Sources {
    CHAT.iter().fold(sources(), |sources, (name, text)| sources.service(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_boots_from_is_on_board() {
        for name in ["bootstrap", "launcher", "service_mgr", "cdummy", "datacenterd"] {
            assert!(SERVICES.iter().any(|(service, _)| *service == name), "services/{name}.lua");
        }
        assert!(MODULES.iter().any(|(module, _)| *module == "skynet.manager"), "lualib/skynet/manager.lua");
        assert!(MODULES.iter().all(|(module, _)| !module.starts_with("skynet.meta.")), "editor definitions");
        assert!(CHAT.iter().any(|(service, _)| *service == "chat"), "docs/examples/chat/chat.lua");
    }
}
