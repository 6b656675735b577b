//! One node: what it is told to be, its process, the way to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::control::{Channel, Pending};
use super::layout::{Kind, Programs};
use super::process::Process;
use crate::node::Config;

/// A node of a cluster, whether it runs or not.
#[derive(Debug)]
pub struct Node {
    pub(super) id: u32,
    pub(super) kind: Kind,
    /// Where it listens for other nodes.
    pub(super) address: String,
    /// How often it was started.
    pub(super) life: u32,
    pub(super) folder: PathBuf,
    pub(super) process: Option<Process>,
    pub(super) channel: Option<Channel>,
    pub(super) frozen: bool,
}

impl Node {
    /// Whether it is a node of C skynet.
    #[must_use]
    pub fn is_c(&self) -> bool {
        self.kind == Kind::C
    }

    pub(super) fn new(id: u32, kind: Kind, address: String, folder: PathBuf) -> Self {
        Self { id, kind, address, life: 0, folder, process: None, channel: None, frozen: false }
    }

    /// Its harbor id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where it listens for other nodes.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The handle of its echo service in this life.
    ///
    /// # Errors
    /// When it is not up.
    pub fn echo(&self) -> Result<u32> {
        Ok(self.channel()?.echo)
    }

    /// Runs Lua code in its agent, and waits for what that returns.
    ///
    /// # Errors
    /// What the code raised; or when it does not end, or the node does.
    pub fn run(&self, code: impl AsRef<str>) -> Result<String> {
        self.later(code)?.wait().with_context(|| format!("on node {}", self.id))
    }

    /// Runs Lua code in its agent, without waiting.
    ///
    /// # Errors
    /// When the node is not up.
    pub fn later(&self, code: impl AsRef<str>) -> Result<Pending> {
        self.channel()?.send(code.as_ref())
    }

    /// Whether it runs and is not frozen.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.channel.is_some() && !self.frozen
    }

    pub(super) fn channel(&self) -> Result<&Channel> {
        self.channel.as_ref().with_context(|| format!("node {} is not up", self.id))
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// All that it has logged, in all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Starts its process, with `extra` beside what every node is told.
    pub(super) fn launch(&mut self, programs: &Programs, extra: Config, place: &Place<'_>) -> Result<()> {
        self.life += 1;
        fs::create_dir_all(&self.folder)?;
        let (program, tree) = programs.of(self.kind)?;
        let config = self.config(tree, programs.scripts(), extra, place);
        let path = self.folder.join("config");
        fs::write(&path, config.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        self.process = Some(Process::start(self.kind, &program, &path, &self.folder, &self.log_path())?);
        Ok(())
    }

    fn config(
        &self,
        tree: Option<&Path>,
        scripts: Option<PathBuf>,
        extra: Config,
        place: &Place<'_>,
    ) -> Config {
        let lua = crate::folder().join("cluster").join("lua").join("?.lua");
        let lua = lua.display().to_string();
        let mut config = extra
            .number("thread", 2)
            .number("harbor", self.id)
            .number("life", self.life)
            .text("address", &self.address)
            .text("master", place.master)
            .text("control", place.control)
            .text("bootstrap", "snlua bootstrap")
            .text("start", "agent");
        if let Some(listen) = place.standalone {
            config = config.text("standalone", listen);
        }
        let scripts = scripts.map(|folder| format!(";{}/?.lua", folder.display())).unwrap_or_default();
        match tree {
            None => {
                // The services of the service tests, too.
                let more = crate::folder().join("lua").join("service").join("?.lua");
                config
                    .text("luaservice", format_args!("{lua};{}{scripts}", more.display()))
                    .text("lua_path", &lua)
            }
            // C's harbor service knows nothing of what our control plane adds, so that comes from C, too.
            Some(tree) if self.kind == Kind::Files => config
                .text("rs_prefer_files", "harbor, cmaster, cslave")
                .text("luaservice", format_args!("{lua};{}/service/?.lua{scripts}", tree.display()))
                .text("lua_path", &lua)
                .text("cpath", format_args!("{}/cservice/?.so", tree.display())),
            Some(tree) => {
                let c = tree.display();
                config
                    .text("luaservice", format_args!("{lua};{c}/service/?.lua{scripts}"))
                    .text("lua_path", format_args!("{c}/lualib/?.lua;{c}/lualib/?/init.lua"))
                    .text("lualoader", format_args!("{c}/lualib/loader.lua"))
                    .text("lua_cpath", format_args!("{c}/luaclib/?.so"))
                    .text("cpath", format_args!("{c}/cservice/?.so"))
            }
        }
    }
}

/// The addresses that a node is told.
pub(super) struct Place<'a> {
    /// Where it finds the master.
    pub(super) master: &'a str,
    /// Where it listens as the master, if it is.
    pub(super) standalone: Option<&'a str>,
    /// Where the test listens.
    pub(super) control: &'a str,
}
