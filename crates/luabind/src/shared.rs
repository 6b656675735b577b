//! What the VMs of one node share: sources, compiled code, settings.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::api::c_modules::ModuleContexts;
use crate::channel::Channels;
use crate::interrupt::Interrupt;
use crate::loader::Chunk;
use crate::service::LuaOptions;
use crate::sources::Sources;

/// Which files of the program's win over what is embedded under the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreferFiles {
    /// None: what ships wins.
    #[default]
    None,
    /// All of them.
    All,
    /// Services and modules of these names.
    Names(Vec<String>),
}

impl PreferFiles {
    /// Reads a list of names separated by commas or spaces; `*` means all.
    #[must_use]
    pub fn parse(text: &str) -> PreferFiles {
        let names: Vec<String> =
            text.split([',', ' ', '\t', '\n']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        match names.as_slice() {
            [] => PreferFiles::None,
            names if names.iter().any(|name| name == "*") => PreferFiles::All,
            _ => PreferFiles::Names(names),
        }
    }

    pub(crate) fn includes(&self, name: &str) -> bool {
        match self {
            PreferFiles::None => false,
            PreferFiles::All => true,
            PreferFiles::Names(names) => names.iter().any(|known| known == name),
        }
    }
}

/// Shared by all VMs that one module object opens.
pub(crate) struct Shared {
    pub(crate) sources: Sources,
    pub(crate) prefer: PreferFiles,
    pub(crate) module_contexts: Option<ModuleContexts>,
    /// Channels between debuggers and what they look at.
    pub(crate) channels: Arc<Channels>,
    /// One hash seed for all states, as in C skynet.
    pub(crate) seed: u32,
    /// Whether native functions can tell that their results are not wanted: 0 unknown, 1 yes, 2 no.
    probed: AtomicU8,
    chunks: Mutex<HashMap<Box<[u8]>, Arc<Chunk>>>,
    /// Names whose files were passed over, and said so.
    passed_over: Mutex<HashSet<String>>,
    /// The side doors of all services, by handle.
    services: Mutex<HashMap<u32, Weak<Interrupt>>>,
    /// How many workers are kept waiting by debuggers.
    held: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these maps as they were: they hold whole values only.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(options: LuaOptions) -> Shared {
        Shared {
            sources: options.sources,
            prefer: options.prefer_files,
            module_contexts: options.module_contexts,
            channels: Arc::default(),
            seed: RandomState::new().hash_one(0_u8) as u32,
            probed: AtomicU8::new(0),
            chunks: Mutex::default(),
            passed_over: Mutex::default(),
            services: Mutex::default(),
            held: AtomicUsize::new(0),
        }
    }

    /// A service has come into being.
    pub(crate) fn add_service(&self, handle: u32, interrupt: &Arc<Interrupt>) {
        lock(&self.services).insert(handle, Arc::downgrade(interrupt));
    }

    /// A service has ended.
    pub(crate) fn remove_service(&self, handle: u32) {
        lock(&self.services).remove(&handle);
    }

    /// Appends handle and bytes of every VM to `figures`.
    pub(crate) fn memory_of_services(&self, figures: &mut Vec<(u32, usize)>) {
        let services = lock(&self.services);
        figures.extend(
            services.iter().filter_map(|(handle, service)| Some((*handle, service.upgrade()?.memory()))),
        );
    }

    /// A service is about to keep its worker waiting. False if that would leave none of so many.
    pub(crate) fn hold_worker(&self, workers: usize) -> bool {
        let next = |held: usize| (held + 1 < workers).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    /// It waits no longer.
    pub(crate) fn release_worker(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn wants_probe(&self) -> bool {
        self.probed.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn set_probed(&self, good: bool) {
        self.probed.store(if good { 1 } else { 2 }, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn sees_results(&self) -> bool {
        self.probed.load(Ordering::Relaxed) == 1
    }

    pub(crate) fn chunk(&self, path: &[u8]) -> Option<Arc<Chunk>> {
        lock(&self.chunks).get(path).cloned()
    }

    /// Adds a compiled file, unless another VM was faster: the one in the cache.
    pub(crate) fn add_chunk(&self, path: &[u8], chunk: Chunk) -> Arc<Chunk> {
        let mut chunks = lock(&self.chunks);
        Arc::clone(chunks.entry(path.into()).or_insert_with(|| Arc::new(chunk)))
    }

    /// Unlinks all compiled files; running code keeps them.
    pub(crate) fn clear_chunks(&self) {
        lock(&self.chunks).clear();
    }

    /// [`Shared::pass_over`] for services, whose names are their own.
    pub(crate) fn pass_over_service(&self, name: &str) -> bool {
        self.pass_over(&format!("service {name}"))
    }

    /// True the first time that a name is passed over.
    pub(crate) fn pass_over(&self, name: &str) -> bool {
        lock(&self.passed_over).insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_files_are_named_or_all() {
        assert_eq!(PreferFiles::parse(" "), PreferFiles::None);
        assert_eq!(PreferFiles::parse("*"), PreferFiles::All);
        let some = PreferFiles::parse("gate, debug_console");
        assert!(some.includes("gate") && some.includes("debug_console") && !some.includes("launcher"));
    }
}
