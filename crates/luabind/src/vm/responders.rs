//! Requests that `skynet.response` took over, and how it is noticed that a closure went without an answer.
//!
//! Each open request has a slot here, and its closure is in a weak Lua table under the same number. A collection clears
//! that entry when nothing refers to the closure. An object that each collection frees says when it is time to look: so
//! those who answer pay for one entry in a table, and nothing is called for their closures.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};
use skynet_core::Handle;

use super::{R_RESPONSES, R_SENTINEL, Vm, dispatch::answer_error};

/// Bytes of the name of a source that are kept, as many as Lua shows.
const SOURCE: usize = 60;

/// Where in the program something was made.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    source: [u8; SOURCE],
    /// 0 if it is not known.
    line: c_int,
}

impl Place {
    /// The line of Lua code that called the native function which runs on `l`. Raises nothing.
    pub(crate) unsafe fn caller(l: *mut lua_State) -> Place {
        let mut place = Place { source: [0; SOURCE], line: 0 };
        // SAFETY: the structure is filled by Lua before its fields are read; asking for "Sl" allocates nothing.
        unsafe {
            let mut info: ffi::lua_Debug = std::mem::zeroed();
            let mut level = 1;
            // Between that line and us there may be a native function, such as `pcall`.
            while level < 4 && ffi::lua_getstack(l, level, &mut info) != 0 {
                ffi::lua_getinfo(l, c"Sl".as_ptr(), &mut info);
                if info.currentline > 0 {
                    place.line = info.currentline;
                    std::ptr::copy_nonoverlapping(
                        info.short_src.as_ptr().cast::<u8>(),
                        place.source.as_mut_ptr(),
                        SOURCE,
                    );
                    break;
                }
                level += 1;
            }
        }
        place
    }

    fn text(&self) -> String {
        let source = CStr::from_bytes_until_nul(&self.source).unwrap_or_default().to_string_lossy();
        if self.line == 0 { "an unknown place".to_owned() } else { format!("{source}:{}", self.line) }
    }
}

/// A request that `skynet.response` took over.
pub(crate) struct Responder {
    pub(crate) session: i32,
    pub(crate) source: u32,
    /// The requester has not been reported dead.
    pub(crate) alive: bool,
    /// Where the closure was made.
    pub(crate) place: Place,
    /// Its closure was found to be collected. One that a finalizer brought back can still answer.
    lost: bool,
}

/// The open requests.
#[derive(Default)]
pub(crate) struct Responders {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// How many requests are in the slots.
    open: usize,
    /// Counts the requests, so that a number is not given out again soon.
    serial: u32,
    /// The sentinel is there.
    armed: bool,
    /// It has been collected: some closures may have been, too.
    pub(super) due: bool,
}

struct Slot {
    number: i64,
    responder: Option<Responder>,
}

impl Responders {
    /// A number for a request, whose low half is the index in the table of closures. Its slot is lost if no request is put there.
    pub(crate) fn reserve(&mut self) -> i64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { number: 0, responder: None });
            self.slots.len() as u32 - 1
        });
        let number = i64::from(self.serial) << 32 | i64::from(index + 1);
        self.serial = self.serial.wrapping_add(1) & 0x7fff_ffff;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.number = number;
        }
        number
    }

    fn index(number: i64) -> usize {
        (number as u32 as usize).wrapping_sub(1)
    }

    /// Puts a request under a number that was reserved.
    pub(crate) fn insert(&mut self, number: i64, session: i32, source: u32, place: Place) {
        if let Some(slot) = self.slots.get_mut(Responders::index(number)) {
            slot.responder = Some(Responder { session, source, alive: true, place, lost: false });
            self.open += 1;
        }
    }

    pub(crate) fn get(&self, number: i64) -> Option<&Responder> {
        let slot = self.slots.get(Responders::index(number))?;
        slot.responder.as_ref().filter(|_| slot.number == number)
    }

    pub(crate) fn remove(&mut self, number: i64) -> Option<Responder> {
        let index = Responders::index(number);
        let slot = self.slots.get_mut(index).filter(|slot| slot.number == number)?;
        let responder = slot.responder.take()?;
        self.free.push(index as u32);
        self.open -= 1;
        Some(responder)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Responder> {
        self.slots.iter().filter_map(|slot| slot.responder.as_ref())
    }

    fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// A requester has ended: answers to it would find nobody.
    pub(super) fn forget_requester(&mut self, source: u32) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(responder) = slot.responder.as_mut().filter(|r| r.source == source) {
                responder.alive = false;
                if responder.lost {
                    slot.responder = None;
                    self.free.push(index as u32);
                    self.open -= 1;
                }
            }
        }
    }

    /// Takes all of them, in the order in which they were taken over.
    pub(super) fn drain(&mut self) -> Vec<Responder> {
        self.open = 0;
        self.free.clear();
        let slots = std::mem::take(&mut self.slots);
        let mut open: Vec<_> = slots.into_iter().filter(|slot| slot.responder.is_some()).collect();
        open.sort_unstable_by_key(|slot| slot.number);
        open.into_iter().filter_map(|slot| slot.responder).collect()
    }
}

impl Vm {
    /// Enters a closure, on top of the stack, into the table of closures, and sees to it that its end is noticed.
    ///
    /// Jumping: may raise; then nothing has happened that matters.
    pub(crate) unsafe fn note_closure(this: *mut Vm, l: *mut lua_State, number: i64) {
        unsafe {
            if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_RESPONSES) != ffi::LUA_TTABLE {
                ffi::lua_settop(l, -2);
                make_table(l);
            }
            ffi::lua_pushvalue(l, -2);
            ffi::lua_rawseti(l, -2, number & 0xffff_ffff);
            ffi::lua_settop(l, -2);
            if !(*this).responders.armed {
                arm(l);
                (*this).responders.armed = true;
            }
        }
    }

    /// After a collection: reports the requests whose closures it took.
    ///
    /// # Safety
    /// No Lua runs; `this` is a live record.
    #[cold]
    pub(super) unsafe fn look_for_lost(this: *mut Vm) {
        // SAFETY: reading a table by a number raises nothing, and a few free places are on the main stack between messages.
        unsafe {
            (*this).responders.due = false;
            let main = (*this).main;
            let top = ffi::lua_gettop(main);
            if ffi::lua_rawgeti(main, ffi::LUA_REGISTRYINDEX, R_RESPONSES) == ffi::LUA_TTABLE {
                let mut index = 0;
                while index < (*this).responders.slots.len() {
                    let gone = ffi::lua_rawgeti(main, -1, index as i64 + 1) == ffi::LUA_TNIL;
                    ffi::lua_settop(main, -2);
                    if gone {
                        (*this).report_lost(index);
                    }
                    index += 1;
                }
            }
            ffi::lua_settop(main, top);
        }
    }

    fn report_lost(&mut self, index: usize) {
        let Some(slot) = self.responders.slots.get_mut(index) else { return };
        let number = slot.number;
        let Some(responder) = slot.responder.as_mut().filter(|responder| !responder.lost) else { return };
        responder.lost = true;
        let &mut Responder { session, source, alive, place, .. } = responder;
        if !alive {
            self.responders.remove(number);
            return;
        }
        let source = Handle::from_raw(source);
        let what = format!("the skynet.response made at {} was collected", place.text());
        self.context().log(format!("Maybe forgot response session {session} from {source} : {what}"));
        if self.answers_forgotten {
            self.responders.remove(number);
            let reason = self.reason(format!(" forgot the request: {what}"));
            answer_error(self.context(), source, session, &reason);
        }
    }
}

/// Pushes a new table of closures.
unsafe fn make_table(l: *mut lua_State) {
    unsafe {
        ffi::lua_createtable(l, 4, 0);
        ffi::lua_createtable(l, 0, 1);
        ffi::lua_pushstring(l, c"v".as_ptr());
        ffi::lua_setfield(l, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(l, -2);
        ffi::lua_pushvalue(l, -1);
        ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_RESPONSES);
    }
}

/// Makes the object that the next collection frees. A new one each time: an old one would live until the next full collection.
unsafe fn arm(l: *mut lua_State) {
    unsafe {
        ffi::luaL_checkstack(l, 4, std::ptr::null());
        ffi::lua_newuserdatauv(l, 0, 0);
        if ffi::lua_rawgeti(l, ffi::LUA_REGISTRYINDEX, R_SENTINEL) != ffi::LUA_TTABLE {
            ffi::lua_settop(l, -2);
            ffi::lua_createtable(l, 0, 1);
            ffi::lua_pushcclosure(l, collected, 0);
            ffi::lua_setfield(l, -2, c"__gc".as_ptr());
            ffi::lua_pushvalue(l, -1);
            ffi::lua_rawseti(l, ffi::LUA_REGISTRYINDEX, R_SENTINEL);
        }
        ffi::lua_setmetatable(l, -2);
        ffi::lua_settop(l, -2);
    }
}

/// The finalizer of that object. If memory runs out here, the next `skynet.response` makes another.
unsafe extern "C-unwind" fn collected(l: *mut lua_State) -> c_int {
    unsafe {
        let vm = super::vm_of(l);
        (*vm).responders.armed = false;
        if !(*vm).responders.is_empty() {
            (*vm).responders.due = true;
            arm(l);
            (*vm).responders.armed = true;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Place = Place { source: [0; SOURCE], line: 0 };

    fn insert(responders: &mut Responders, session: i32, source: u32) -> i64 {
        let number = responders.reserve();
        responders.insert(number, session, source, NOWHERE);
        number
    }

    #[test]
    fn a_number_is_good_for_one_request_though_its_slot_is_used_again() {
        let mut responders = Responders::default();
        let first = insert(&mut responders, 1, 10);
        assert_eq!(responders.remove(first).map(|r| r.session), Some(1));
        assert!(responders.is_empty() && responders.remove(first).is_none());
        let second = insert(&mut responders, 2, 10);
        assert_eq!(second as u32, first as u32, "the same slot");
        assert!(responders.get(first).is_none() && responders.get(second).is_some());
        assert!(responders.get(0).is_none() && responders.get(-1).is_none());
        let lost = responders.reserve();
        assert!(responders.get(lost).is_none() && insert(&mut responders, 3, 10) != lost);
    }

    #[test]
    fn they_end_in_the_order_in_which_they_were_taken_over() {
        let mut responders = Responders::default();
        let numbers: Vec<i64> = (1..=4).map(|session| insert(&mut responders, session, 10)).collect();
        responders.remove(numbers[0]);
        responders.remove(numbers[2]);
        insert(&mut responders, 5, 10);
        insert(&mut responders, 6, 10);
        let order: Vec<i32> = responders.drain().iter().map(|responder| responder.session).collect();
        assert_eq!(order, [2, 4, 5, 6]);
        assert!(responders.is_empty());
    }
}
