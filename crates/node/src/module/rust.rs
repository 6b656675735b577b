//! A library as a module in Rust, by the table of `skynet_module::abi`.

use skynet_core::ServiceError;
use skynet_module::abi::{ENTRY, Entry};
use skynet_module::host::HostedModule;

use super::LoadedFile;

/// The module in the library; `None` if it says that it is none in Rust.
///
/// # Errors
///
/// It is one that this node cannot use; the text has its path, and which version was found and expected.
pub(super) fn module(file: &LoadedFile) -> Result<Option<HostedModule>, ServiceError> {
    let path = file.path.display();
    // SAFETY: a function of this name has this type: that is what makes the file a module in Rust.
    let Some(entry) = (unsafe { file.symbol::<Entry>(ENTRY) }) else { return Ok(None) };
    // SAFETY: the library stays loaded, and what the function gives begins with a header, as the interface asks of every version.
    match unsafe { HostedModule::from_entry(entry, path.to_string()) } {
        Ok(module) => Ok(Some(module)),
        Err(error) => Err(format!("{path}: {error}").into()),
    }
}
