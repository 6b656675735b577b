//! From a loaded library to the entry points of a module in C.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::path::PathBuf;

use super::context::CContext;
use crate::module::LoadedFile;

/// `void *NAME_create(void)`
pub(super) type Create = unsafe extern "C" fn() -> *mut c_void;
/// `int NAME_init(void *instance, struct skynet_context *ctx, const char *args)`
pub(super) type Init = unsafe extern "C" fn(*mut c_void, *mut CContext, *const c_char) -> c_int;
/// `void NAME_release(void *instance)`
pub(super) type Release = unsafe extern "C" fn(*mut c_void);
/// `void NAME_signal(void *instance, int signal)`
pub(super) type Signal = unsafe extern "C" fn(*mut c_void, c_int);

/// What a module offers. Its library stays loaded for as long as the process lives.
pub(super) struct Entries {
    /// Where it came from.
    pub(super) path: PathBuf,
    /// The part of its name with which its functions begin.
    pub(super) base: String,
    pub(super) create: Option<Create>,
    pub(super) init: Init,
    pub(super) release: Option<Release>,
    pub(super) signal: Option<Signal>,
}

/// A library that is no module.
#[derive(Debug)]
pub(super) struct NoInit {
    path: PathBuf,
    base: String,
}

impl fmt::Display for NoInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoInit { path, base } = self;
        write!(
            f,
            "{}: no function {base}_init (a C service exports {base}_init, and may export {base}_create, \
             {base}_release and {base}_signal; one in Rust exports skynet_rs_module)",
            path.display()
        )
    }
}

impl std::error::Error for NoInit {}

/// The entry points of the module of this name.
///
/// # Errors
///
/// [`NoInit`], if the library has no such module.
pub(super) fn entries(file: &LoadedFile, name: &str) -> Result<Entries, NoInit> {
    let base = name.rsplit('.').next().unwrap_or(name);
    // SAFETY: functions of these names have these types: that is what makes the file a module.
    unsafe {
        let Some(init) = function::<Init>(file, base, "init") else {
            return Err(NoInit { path: file.path.clone(), base: base.to_owned() });
        };
        Ok(Entries {
            create: function(file, base, "create"),
            init,
            release: function(file, base, "release"),
            signal: function(file, base, "signal"),
            base: base.to_owned(),
            path: file.path.clone(),
        })
    }
}

/// One function of a module.
///
/// # Safety
///
/// `F` is its type.
unsafe fn function<F: Copy>(file: &LoadedFile, base: &str, entry: &str) -> Option<F> {
    // SAFETY: as the caller promises.
    unsafe { file.symbol(&format!("{base}_{entry}")) }
}
