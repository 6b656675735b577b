//! From the name of a module to its entry points: the file on `cpath`, loaded.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::context::CContext;
use super::elf;

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

/// Why there is no module of a name.
#[derive(Debug)]
pub(super) enum LoadError {
    /// No file could be loaded. The words begin with a path.
    Open { name: String, cause: String },
    /// The file is no module.
    NoInit { path: PathBuf, base: String },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { name, cause } => write!(f, "try open {name} failed : {cause}"),
            Self::NoInit { path, base } => write!(
                f,
                "{}: no function {base}_init (a C service exports {base}_init, and may export {base}_create, \
                 {base}_release and {base}_signal)",
                path.display()
            ),
        }
    }
}

impl std::error::Error for LoadError {}

/// Where a module may be, in the order of the patterns.
pub(super) fn candidates(patterns: &[String], name: &str) -> impl Iterator<Item = PathBuf> {
    patterns.iter().map(move |pattern| PathBuf::from(pattern.replace('?', name)))
}

/// Loads the first file that can be loaded.
///
/// # Errors
///
/// [`LoadError`]. Of several files that cannot be loaded it tells the first that exists, else the last that was looked for.
pub(super) fn load(patterns: &[String], name: &str) -> Result<Entries, LoadError> {
    let mut failure: Option<(bool, String)> = None;
    for path in candidates(patterns, name) {
        if elf::is_cut_off(&path) {
            let exists = failure.as_ref().is_some_and(|(exists, _)| *exists);
            let reason =
                format!("{}: the file is cut off: parts that it promises are missing", path.display());
            failure = if exists { failure } else { Some((true, reason)) };
            continue;
        }
        // SAFETY: whoever puts a file on `cpath` wants its code to run; what its constructors do is not ours to check.
        match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => return entries(library, path, name),
            Err(error) if !failure.as_ref().is_some_and(|(exists, _)| *exists) => {
                failure = Some((path.exists(), with_path(&path, &error)));
            }
            Err(_) => {}
        }
    }
    let cause = failure.map_or_else(|| "cpath is empty".to_owned(), |(_, cause)| cause);
    Err(LoadError::Open { name: name.to_owned(), cause })
}

/// The words of the system, which mostly begin with the path; those about a missing symbol may not.
fn with_path(path: &Path, error: &libloading::Error) -> String {
    let reason = match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    };
    let path = path.display().to_string();
    if reason.contains(&path) { reason } else { format!("{path}: {reason}") }
}

fn entries(library: Library, path: PathBuf, name: &str) -> Result<Entries, LoadError> {
    // Its constructors may have started threads, and data of it may be anywhere: it is never unloaded.
    let library = ManuallyDrop::new(library);
    let base = name.rsplit('.').next().unwrap_or(name);
    // SAFETY: functions of these names have these types: that is what makes the file a module.
    unsafe {
        let Some(init) = function::<Init>(&library, base, "init") else {
            return Err(LoadError::NoInit { path, base: base.to_owned() });
        };
        Ok(Entries {
            create: function(&library, base, "create"),
            init,
            release: function(&library, base, "release"),
            signal: function(&library, base, "signal"),
            base: base.to_owned(),
            path,
        })
    }
}

/// One function of a module.
///
/// # Safety
///
/// `F` is its type.
unsafe fn function<F: Copy>(library: &Library, base: &str, entry: &str) -> Option<F> {
    // SAFETY: as the caller promises.
    unsafe { library.get::<F>(format!("{base}_{entry}").as_bytes()) }.ok().map(|symbol| *symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_is_nowhere_is_named_with_the_last_place_tried() {
        let patterns = ["./cservice/?.so".to_owned(), "./more/?.so".to_owned()];
        let error = load(&patterns, "nomod").map(drop).expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "try open nomod failed : ./more/nomod.so: cannot open shared object file: No such file or directory"
        );
    }

    #[test]
    fn a_file_that_is_there_is_told_before_those_that_are_not() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/?.toml").to_owned();
        let error = load(&[here, "./more/?.so".to_owned()], "Cargo").map(drop).expect_err("it is no library");
        assert!(error.to_string().contains("/Cargo.toml: invalid ELF header"), "{error}");
    }
}
