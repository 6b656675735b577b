//! What the system must offer, beyond what `std` and mio have. A new system is new files here.
//!
//! * [`Block`]: a block of `malloc` that is read into.
//! * [`listener`], [`udp`]: bound sockets with `SO_REUSEADDR`.
//! * [`keep_alive`], [`set_nonblocking`], [`out_of_descriptors`], [`out_of_memory`]: settings and states of a descriptor.
//! * [`send_vectored`]: a gathering write that raises no signal.
//! * [`error_text`], [`resolve`]: the system's and the resolver's words.

#![allow(unsafe_code, reason = "the border to the system's C interface")]

mod block;
mod net;
mod text;

pub(crate) use block::Block;
pub(crate) use net::{
    keep_alive, keep_alive_after, listener, out_of_descriptors, out_of_memory, send_vectored,
    set_nonblocking, udp,
};
pub(crate) use text::{error_text, resolve};
