//! What sockets hold of the heap. It is counted for the whole process, so this test is one of its own.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use common::*;
use skynet_core::{Context, Message};

/// Bytes that the C library has given out.
fn in_use() -> usize {
    // SAFETY: the call only reads the library's own figures.
    let figures = unsafe { libc::mallinfo2() };
    figures.uordblks + figures.hblkhd
}

#[test]
fn messages_free_their_buffers_if_nobody_takes_them() {
    let bench = Bench::new();
    let probe = bench.probe();
    // It looks at nothing, so the messages are dropped as they are.
    let sink = bench.node.spawn(|_: &Context, _: Message| {}).expect("it starts");
    let (id, client) = bench.pair(&probe);
    bench.sockets.start(sink, id);
    let bytes = pattern(1024 * 1024);
    let mut sent = 0;
    let before = in_use();
    for _ in 0..64 {
        write(&client, &bytes);
        sent += bytes.len() as u64;
        until("all is read", || bench.sockets.stat(id).is_some_and(|stat| stat.read == sent));
    }
    until("all is handled", || {
        bench.node.services().iter().all(|service| service.mqlen == 0) && in_use() < before + bytes.len() * 8
    });
    bench.stop();
}
