//! From the name of a module to a loaded library.

use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::elf;

/// A library that stays loaded for as long as the process lives.
pub(crate) struct LoadedFile {
    library: ManuallyDrop<Library>,
    /// Where it came from.
    pub(crate) path: PathBuf,
}

impl LoadedFile {
    /// The address of a symbol, if the library has it.
    ///
    /// # Safety
    ///
    /// `F` is the type of a pointer to what has that name.
    pub(crate) unsafe fn symbol<F: Copy>(&self, name: &str) -> Option<F> {
        // SAFETY: as the caller promises; the library is never unloaded.
        unsafe { self.library.get::<F>(name) }.ok().map(|symbol| *symbol)
    }
}

/// No file could be loaded.
#[derive(Debug)]
pub(super) struct LoadError {
    name: String,
    /// The words begin with a path.
    cause: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "try open {} failed : {}", self.name, self.cause)
    }
}

impl std::error::Error for LoadError {}

/// Where a module may be, in the order of the patterns.
pub(crate) fn candidates(patterns: &[String], name: &str) -> impl Iterator<Item = PathBuf> {
    patterns.iter().map(move |pattern| PathBuf::from(pattern.replace('?', name)))
}

/// Loads the first file that can be loaded.
///
/// # Errors
///
/// [`LoadError`]. Of several files that cannot be loaded it tells the first that exists, else the last that was looked for.
pub(super) fn load(patterns: &[String], name: &str) -> Result<LoadedFile, LoadError> {
    let mut failure: Option<(bool, String)> = None;
    for path in candidates(patterns, name) {
        if let Some(fault) = elf::fault(&path) {
            let exists = failure.as_ref().is_some_and(|(exists, _)| *exists);
            let reason = format!("{}: {fault}", path.display());
            failure = if exists { failure } else { Some((true, reason)) };
            continue;
        }
        // SAFETY: whoever puts a file on `cpath` wants its code to run; what its constructors do is not ours to check.
        match unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => return Ok(LoadedFile { library: ManuallyDrop::new(library), path }),
            Err(error) if !failure.as_ref().is_some_and(|(exists, _)| *exists) => {
                failure = Some((path.exists(), with_path(&path, &error)));
            }
            Err(_) => {}
        }
    }
    let cause = failure.map_or_else(|| "cpath is empty".to_owned(), |(_, cause)| cause);
    Err(LoadError { name: name.to_owned(), cause })
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
