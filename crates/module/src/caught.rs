//! Panics, caught at the border.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code whose panic must go no further. What it leaves half done is seen by the end of the same service alone.
///
/// # Errors
///
/// The text of the panic.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(text_of)
}

#[cold]
fn text_of(panic: Box<dyn Any + Send>) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    // The drop of what was thrown may panic in turn.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
    text.unwrap_or_else(|| "a value that is not a text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::panic::{panic_any, resume_unwind};

    use super::*;

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| resume_unwind(Box::new("text"))), Err::<(), _>("text".to_owned()));
        assert_eq!(caught(|| resume_unwind(Box::new("own".to_owned()))), Err::<(), _>("own".to_owned()));
    }

    #[test]
    fn a_thrown_value_whose_drop_panics_goes_no_further() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic_any(Bomb);
            }
        }
        let thrown = caught(|| resume_unwind(Box::new(Bomb)));
        assert_eq!(thrown, Err::<(), _>("a value that is not a text".to_owned()));
    }
}
