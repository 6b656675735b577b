//! Panics of services, caught at the border between them and the runtime.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of a service, whose state nobody but its own end sees after a panic.
///
/// # Errors
///
/// The text of the panic.
#[inline]
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(into_text)
}

#[cold]
fn into_text(panic: Box<dyn Any + Send>) -> String {
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a value that is not a text".to_owned(),
    };
    // What was thrown is the service's own too: its drop may panic, over and over.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
    text
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{panic_any, resume_unwind};

    use super::*;

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(caught(|| 7), Ok(7));
        let thrown = |value: Box<dyn Any + Send>| caught(|| resume_unwind(value)).map(|()| String::new());
        assert_eq!(thrown(Box::new("text")), Err("text".to_owned()));
        assert_eq!(thrown(Box::new("owned".to_owned())), Err("owned".to_owned()));
        assert_eq!(thrown(Box::new(7)), Err("a value that is not a text".to_owned()));
    }

    #[test]
    fn a_thrown_value_whose_drop_panics_goes_no_further() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic_any(Bomb);
            }
        }
        // Values with such a drop have to be made without unwinding through one another.
        let result = caught(|| resume_unwind(Box::new(Bomb)));
        assert_eq!(result, Err("a value that is not a text".to_owned()));
    }
}
