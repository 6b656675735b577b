//! `skynet.bound_mailbox`: how much may wait for the own service, and what happens then.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};
use skynet_core::{Bound, Policy};

use super::check_bytes;
use crate::vm::vm_of;

/// `skynet.bound_mailbox(limit?, policy?)`
pub(crate) unsafe extern "C-unwind" fn bound_mailbox(l: *mut lua_State) -> c_int {
    unsafe {
        let bound = if ffi::lua_isnoneornil(l, 1) != 0 { None } else { Some(check_bound(l)) };
        (*vm_of(l)).context().bound_mailbox(bound);
        0
    }
}

unsafe fn check_bound(l: *mut lua_State) -> Bound {
    unsafe {
        let limit = usize::try_from(ffi::luaL_checkinteger(l, 1)).unwrap_or(0);
        if limit == 0 {
            ffi::luaL_argerror(l, 1, c"the limit is a number of messages, 1 at least".as_ptr());
        }
        let name = if ffi::lua_isnoneornil(l, 2) != 0 { b"reject" } else { check_bytes(l, 2) };
        let policy = match name {
            b"reject" => Policy::Reject,
            b"drop" => Policy::DropOldest,
            b"pause" => Policy::PauseSockets,
            _ => {
                ffi::luaL_argerror(l, 2, c"the policy is \"reject\", \"drop\" or \"pause\"".as_ptr());
                Policy::Reject
            }
        };
        Bound { limit, policy }
    }
}

/// A figure of the own mailbox: 0 for the limit if there is none. `None` for what is no figure of it.
pub(super) fn figure(stat: skynet_core::MailboxStat, what: &[u8]) -> Option<u64> {
    match what {
        b"limit" => Some(stat.bound.map_or(0, |bound| bound.limit as u64)),
        b"rejected" => Some(stat.rejected),
        b"dropped" => Some(stat.dropped),
        b"paused" => Some(stat.paused),
        _ => None,
    }
}
