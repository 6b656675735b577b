//! Small writes of one turn: in what order they go out, and when.

mod common;

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use common::*;
use skynet_core::{Context, Handle, Message, PTYPE_TEXT};
use skynet_socket::{Options, SocketId, Sockets};

/// What a test lets a service do in one turn.
type Job = Box<dyn FnOnce(&Context, &Sockets) + Send>;

/// A service that does jobs, one a turn.
struct Hands {
    handle: Handle,
    jobs: Sender<Job>,
}

impl Hands {
    fn new(bench: &Bench) -> Hands {
        let (jobs, queue) = channel::<Job>();
        let (sockets, queue) = (bench.sockets.clone(), Mutex::new(queue));
        let handle = bench.node.spawn(move |ctx: &Context, _: Message| {
            let job = queue.lock().expect("no job panics").recv_timeout(DEADLINE).expect("one was sent");
            job(ctx, &sockets);
        });
        Hands { handle: handle.expect("it starts"), jobs }
    }

    fn run(&self, bench: &Bench, job: impl FnOnce(&Context, &Sockets) + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("it is alive");
        bench.node.send(Handle::NONE, self.handle, PTYPE_TEXT, 0, b"").expect("it is alive");
    }
}

fn send(sockets: &Sockets, id: SocketId, text: &str) {
    sockets.send(id, text).expect("it is open");
}

#[test]
fn writes_of_a_turn_come_in_their_order_whatever_their_size_and_priority() {
    for threads in [0, 2] {
        let bench = Bench::with(Options::default().threads(threads));
        let probe = bench.probe();
        let (first, one) = bench.pair(&probe);
        let (second, two) = bench.pair(&probe);
        let hands = Hands::new(&bench);
        let long = pattern(70_000);
        let sent = long.clone();
        hands.run(&bench, move |_, sockets| {
            for number in 0..100 {
                send(sockets, first, &format!("{number},"));
                if number % 10 == 0 {
                    send(sockets, second, &format!("{number};"));
                }
            }
            sockets.send(first, &sent[..]).expect("it is open");
            send(sockets, first, "after");
            sockets.send_low(first, b"low").expect("it is open");
            send(sockets, first, "last");
        });
        let numbers: String = (0..100).map(|number| format!("{number},")).collect();
        assert_eq!(read(&one, numbers.len()), numbers.into_bytes());
        assert!(read(&one, long.len()) == long);
        assert_eq!(read(&one, 12), b"afterlowlast");
        assert_eq!(read(&two, 29), b"0;10;20;30;40;50;60;70;80;90;");
        bench.stop();
    }
}

#[test]
fn a_small_write_is_out_although_its_turn_goes_on() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let hands = Hands::new(&bench);
    let (go_on, gate) = channel::<()>();
    hands.run(&bench, move |_, sockets| {
        send(sockets, id, "soon");
        gate.recv_timeout(DEADLINE).expect("the test has read it");
        send(sockets, id, "later");
    });
    assert_eq!(read(&client, 4), b"soon");
    go_on.send(()).expect("the turn goes on");
    assert_eq!(read(&client, 5), b"later");
    bench.stop();
}

#[test]
fn what_two_threads_send_one_after_the_other_comes_in_that_order() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let (first, second) = (Hands::new(&bench), Hands::new(&bench));
    for round in 0..200 {
        let (told, heard) = channel::<()>();
        let (done, finished) = channel::<()>();
        first.run(&bench, move |_, sockets| {
            send(sockets, id, "first ");
            told.send(()).expect("the other waits");
            finished.recv_timeout(DEADLINE).expect("the other is done");
        });
        second.run(&bench, move |_, sockets| {
            heard.recv_timeout(DEADLINE).expect("the first has sent");
            send(sockets, id, "second ");
            done.send(()).expect("the first waits");
        });
        assert_eq!(read(&client, 13), b"first second ", "round {round}");
    }
    bench.stop();
}

#[test]
fn closing_in_the_same_turn_sends_it_first() {
    let bench = Bench::new();
    let hands = Hands::new(&bench);
    for by_force in [false, true] {
        let probe = bench.probe();
        let (id, client) = bench.pair(&probe);
        hands.run(&bench, move |_, sockets| {
            send(sockets, id, "good");
            send(sockets, id, "bye");
            if by_force {
                sockets.shutdown(id);
            } else {
                sockets.close(id);
            }
            assert!(sockets.send(id, b"too late").is_err());
        });
        assert_eq!(drain(&client), b"goodbye");
    }
    bench.stop();
}

#[test]
fn the_last_words_of_a_service_are_sent() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (id, client) = bench.pair(&probe);
    let hands = Hands::new(&bench);
    hands.run(&bench, move |ctx, sockets| {
        send(sockets, id, "I end.");
        ctx.exit();
    });
    assert_eq!(read(&client, 6), b"I end.");
    bench.stop();
}

#[test]
fn writing_to_a_peer_that_is_gone_harms_no_other() {
    let bench = Bench::new();
    let probe = bench.probe();
    let (gone, client) = bench.pair(&probe);
    let (there, other) = bench.pair(&probe);
    let hands = Hands::new(&bench);
    reset(&client);
    drop(client);
    until("the reset is noticed", || bench.sockets.stat(gone).is_none());
    hands.run(&bench, move |_, sockets| {
        for _ in 0..20 {
            // The socket may be known to be closed by now.
            let _ = sockets.send(gone, b"hello?");
            send(sockets, there, "x");
        }
    });
    assert_eq!(read(&other, 20), b"xxxxxxxxxxxxxxxxxxxx");
    bench.stop();
}
