//! Lua's C modules: what they find in the registry as `skynet_context`, from the moment on when a service looks for one, files that
//! must not be loaded, and errors that name them.

use std::ffi::{c_int, c_void};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use mlua::ffi::{self, lua_State};
use skynet_core::Context;

use super::{bytes_at, push_bytes};
use crate::loader::{find_c_module, os_path};
use crate::vm::{shared, vm_of};

/// One service, as Lua's C modules see it. It lives as long as the service's VM: finalizers may still use it.
pub trait ModuleContext: Send {
    /// What goes into the registry.
    fn as_ptr(&self) -> *mut c_void;
}

/// Makes a [`ModuleContext`] for each service that looks for a C module. Services that never do cost nothing.
#[derive(Clone)]
pub struct ModuleContexts {
    make: Arc<MakeContext>,
    fault: FaultOf,
}

/// Why a file must not be loaded.
type FaultOf = fn(&Path) -> Option<&'static str>;

type MakeContext = dyn Fn(&Context) -> Box<dyn ModuleContext> + Send + Sync;

impl ModuleContexts {
    /// With this function, which is called on the thread that runs the service.
    pub fn new(make: impl Fn(&Context) -> Box<dyn ModuleContext> + Send + Sync + 'static) -> ModuleContexts {
        ModuleContexts { make: Arc::new(make), fault: |_| None }
    }

    /// Asks this function about each library before it is loaded: the text is why it must not be. The system is asked alone otherwise,
    /// and a file that is cut off, say, ends the process.
    #[must_use]
    pub fn refusing(mut self, fault: fn(&Path) -> Option<&'static str>) -> ModuleContexts {
        self.fault = fault;
        self
    }
}

impl fmt::Debug for ModuleContexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModuleContexts")
    }
}

/// Puts the context into the registry, unless it is there.
///
/// Jumping.
pub(crate) unsafe fn provide(l: *mut lua_State) {
    unsafe {
        let context = make(l);
        if !context.is_null() {
            ffi::lua_pushlightuserdata(l, context);
            ffi::lua_setfield(l, ffi::LUA_REGISTRYINDEX, c"skynet_context".as_ptr());
        }
    }
}

/// The context of the service; null if the program has none for it. A leaf.
unsafe fn make(l: *mut lua_State) -> *mut c_void {
    // SAFETY: the caller is inside the VM.
    let vm = unsafe { &mut *vm_of(l) };
    if vm.module_context.is_none() {
        // SAFETY: as above.
        let Some(contexts) = (unsafe { shared(vm).module_contexts.as_ref() }) else {
            return std::ptr::null_mut();
        };
        vm.module_context = Some((contexts.make)(vm.context()));
    }
    vm.module_context.as_ref().map_or(std::ptr::null_mut(), |context| context.as_ptr())
}

/// `package.loadlib`, with Lua's own as its upvalue: the library may look for the context as soon as it is there.
pub(crate) unsafe extern "C-unwind" fn loadlib(l: *mut lua_State) -> c_int {
    unsafe {
        provide(l);
        if ffi::lua_type(l, 1) == ffi::LUA_TSTRING
            && let Some(fault) = fault_of(l, bytes_at(l, 1))
        {
            ffi::lua_pushnil(l);
            ffi::lua_pushvalue(l, 1);
            push_bytes(l, b": ");
            push_bytes(l, fault.as_bytes());
            ffi::lua_concat(l, 3);
            push_bytes(l, b"open");
            return 3;
        }
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, ffi::lua_gettop(l) - 1, ffi::LUA_MULTRET, 0, None);
        ffi::lua_gettop(l)
    }
}

/// A searcher for C modules, with Lua's own as its upvalue: `(name) -> loader, place | reason`.
pub(crate) unsafe extern "C-unwind" fn searcher(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 1);
        provide(l);
        refuse_faulty(l);
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_callk(l, 1, 2, 0, None);
        if ffi::lua_type(l, 1) == ffi::LUA_TFUNCTION {
            ffi::lua_rotate(l, 1, 1);
            ffi::lua_pushcclosure(l, open, 1);
            ffi::lua_rotate(l, 1, 1);
        }
        2
    }
}

/// Why the program does not want a library to be loaded. A leaf.
unsafe fn fault_of(l: *mut lua_State, path: &[u8]) -> Option<&'static str> {
    // SAFETY: the caller is inside the VM.
    let contexts = unsafe { shared(vm_of(l)).module_contexts.as_ref() }?;
    (contexts.fault)(os_path(path))
}

/// Raises an error if the file that Lua would load for the module whose name is at index 1 must not be.
///
/// Jumping.
unsafe fn refuse_faulty(l: *mut lua_State) {
    unsafe {
        if ffi::lua_type(l, 1) == ffi::LUA_TSTRING
            && find_c_module(l)
            && let Some(fault) = fault_of(l, bytes_at(l, -1))
        {
            push_bytes(l, fault.as_bytes());
            ffi::luaL_error(
                l,
                c"error loading module '%s' from file '%s':\n\t%s".as_ptr(),
                ffi::lua_tolstring(l, 1, std::ptr::null_mut()),
                ffi::lua_tolstring(l, -2, std::ptr::null_mut()),
                ffi::lua_tolstring(l, -1, std::ptr::null_mut()),
            );
        }
        ffi::lua_settop(l, 1);
    }
}

/// The loader of a C module, with the function of its library as upvalue: `(name, path) -> module`.
unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    unsafe {
        ffi::lua_settop(l, 2);
        ffi::lua_pushvalue(l, ffi::lua_upvalueindex(1));
        ffi::lua_pushvalue(l, 1);
        ffi::lua_pushvalue(l, 2);
        let status = ffi::lua_pcallk(l, 2, 1, 0, 0, Some(opened));
        opened(l, status, 0)
    }
}

/// A failure gets the module's name and path, which a message such as that about another version of Lua does not have.
unsafe extern "C-unwind" fn opened(l: *mut lua_State, status: c_int, _: ffi::lua_KContext) -> c_int {
    unsafe {
        if status == ffi::LUA_OK || status == ffi::LUA_YIELD {
            return 1;
        }
        if ffi::lua_type(l, -1) == ffi::LUA_TSTRING && !contains(bytes_at(l, -1), bytes_at(l, 2)) {
            push_bytes(l, b"error loading module '");
            ffi::lua_pushvalue(l, 1);
            push_bytes(l, b"' from file '");
            ffi::lua_pushvalue(l, 2);
            push_bytes(l, b"':\n\t");
            ffi::lua_pushvalue(l, 3);
            ffi::lua_concat(l, 6);
        }
        ffi::lua_error(l)
    }
}

/// Whether a message has the path already. A leaf.
fn contains(message: &[u8], path: &[u8]) -> bool {
    !path.is_empty() && message.windows(path.len()).any(|window| window == path)
}
