//! Where Lua code is, said without touching the Lua state: nothing here allocates in it, so nothing raises.

use std::ffi::{CStr, c_char, c_int};
use std::fmt::Write;

use mlua::ffi::{self, lua_Debug, lua_State};

/// Functions that a report shows.
const LEVELS: c_int = 12;

/// The running functions of a state, the innermost first.
struct Levels {
    l: *mut lua_State,
    next: c_int,
}

impl Iterator for Levels {
    type Item = lua_Debug;

    fn next(&mut self) -> Option<lua_Debug> {
        // SAFETY: the state runs on this thread; the structure is filled by the second call.
        unsafe {
            let mut info: lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.l, self.next, &mut info) == 0 {
                return None;
            }
            self.next += 1;
            ffi::lua_getinfo(self.l, c"Sln".as_ptr(), &mut info);
            Some(info)
        }
    }
}

/// Appends the innermost line and a short traceback.
pub(super) unsafe fn describe(l: *mut lua_State, text: &mut String) {
    let levels = || Levels { l, next: 0 };
    match levels().find(|info| info.currentline > 0) {
        Some(info) => {
            let _ = write!(text, "it is in {}:{}", source(&info), info.currentline);
        }
        None => text.push_str("it is in C code"),
    }
    text.push_str("\nstack traceback:");
    for info in levels().take(LEVELS as usize) {
        write_level(text, &info);
    }
    if levels().nth(LEVELS as usize).is_some() {
        text.push_str("\n\t...");
    }
}

/// The level of the innermost function that has lines; 0 if none has.
pub(super) unsafe fn innermost_lua(l: *mut lua_State) -> c_int {
    let found = Levels { l, next: 0 }.take(LEVELS as usize).position(|info| info.currentline > 0);
    found.unwrap_or(0) as c_int
}

fn write_level(text: &mut String, info: &lua_Debug) {
    let _ = write!(text, "\n\t{}:", source(info));
    if info.currentline > 0 {
        let _ = write!(text, "{}:", info.currentline);
    }
    match (string(info.name), string(info.what).as_str()) {
        (_, "main") => text.push_str(" in main chunk"),
        (name, _) if !name.is_empty() => {
            let _ = write!(text, " in function '{name}'");
        }
        (_, "C") => text.push_str(" in ?"),
        _ => {
            let _ = write!(text, " in function <{}:{}>", source(info), info.linedefined);
        }
    }
}

fn source(info: &lua_Debug) -> String {
    string(info.short_src.as_ptr())
}

/// A text of Lua's; empty for none.
fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: Lua gives texts that end in a zero, and they live while the function runs.
    unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() }
}
