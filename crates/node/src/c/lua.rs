//! The `struct skynet_context` of a Lua service, which its C modules find in the registry as `skynet_context`.

use std::ffi::c_void;
use std::ptr;

use skynet_luabind::{ModuleContext, ModuleContexts};

use super::context::CContext;
use crate::module;

/// Makes one for each Lua service that looks for a C module.
pub(crate) fn module_contexts() -> ModuleContexts {
    ModuleContexts::new(|ctx| Box::new(OfLua(Box::new(CContext::of_lua(ctx))))).refusing(module::fault)
}

/// In a block of its own: modules keep its address.
struct OfLua(Box<CContext>);

impl ModuleContext for OfLua {
    fn as_ptr(&self) -> *mut c_void {
        ptr::from_ref(&*self.0).cast_mut().cast()
    }
}
