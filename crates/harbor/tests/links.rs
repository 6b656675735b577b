//! Links, on real nodes and over loopback: the other end is the test itself, byte for byte, or another node.

mod lab;

use std::time::{Duration, Instant};

use lab::{Lab, Probe};
use skynet_core::{
    Handle, PTYPE_ERROR, PTYPE_HARBOR, PTYPE_LUA, PTYPE_RESPONSE, PTYPE_SOCKET, PTYPE_SYSTEM, PTYPE_TEXT,
    Payload,
};
use skynet_harbor::Limits;
use skynet_harbor::frame::{Frame, MAX_BODY, PING};
use skynet_socket::SocketEvent;

const FAR: Handle = Handle::new(2, 9);

/// Links two nodes, as their slaves do: the first connects to the second.
fn join(first: &Lab, second: &Lab) {
    let (one, two) = (first.sockets(), second.sockets());
    let event = |lab: &Lab| SocketEvent::take(&mut lab.slave.next()).expect("it is a message of a socket");
    let listener = two.listen(second.slave.handle, "127.0.0.1", 0, 8).expect("loopback can be listened on");
    let (_, SocketEvent::Ready { port, .. }) = event(second) else { panic!("not listening") };
    two.start(second.slave.handle, listener);
    let made = one.connect(first.slave.handle, "127.0.0.1", port).expect("there is room");
    assert!(matches!(event(first), (_, SocketEvent::Ready { .. })));
    first.command(first.slave.handle, &format!("S {made} {}", second.node.harbor()));
    let taken = loop {
        if let (_, SocketEvent::Accepted { id, .. }) = event(second) {
            break id;
        }
    };
    two.start(second.slave.handle, taken);
    loop {
        if let (_, SocketEvent::Data(data)) = event(second) {
            assert_eq!(&*data, [first.node.harbor()]);
            break;
        }
    }
    second.command(second.slave.handle, &format!("A {taken} {}", first.node.harbor()));
}

#[test]
fn services_of_two_nodes_reach_one_another() {
    let (first, second) = (Lab::new(1), Lab::new(2));
    let far = Probe::new(&second.node);
    // Some wait for the link, some do not.
    for session in 1..=5 {
        first.probe.send(far.handle, PTYPE_LUA, session, "early");
    }
    join(&first, &second);
    for session in 6..=10 {
        first.probe.send(far.handle, PTYPE_LUA, session, "late");
    }
    for session in 1..=10 {
        assert_eq!(far.next_head(), (PTYPE_LUA, session, first.probe.handle));
    }
    far.send(first.probe.handle, PTYPE_RESPONSE, 3, "back");
    let answer = first.probe.next();
    assert_eq!((answer.kind, answer.session, answer.source), (PTYPE_RESPONSE, 3, far.handle));
    assert_eq!(&*answer.payload, b"back");
}

#[test]
fn many_and_large_messages_arrive_whole_and_in_order() {
    const COUNT: i32 = 3000;
    let (first, second) = (Lab::new(1), Lab::new(2));
    let far = Probe::new(&second.node);
    join(&first, &second);
    let len = |session: i32| match session % 100 {
        0 => 1 << 20,
        50 => 5000,
        rest => rest as usize,
    };
    let dest = far.handle;
    first.probe.run(move |ctx| {
        for session in 1..=COUNT {
            let payload = Payload::from(vec![session as u8; len(session)]);
            ctx.send_from(Handle::NONE, dest, PTYPE_RESPONSE, session, payload).expect("there is a harbor");
        }
    });
    // No call has these sessions, so the answers are nobody's; they are delivered as in C.
    for session in 1..=COUNT {
        let msg = far.next();
        assert_eq!((msg.session, msg.payload.len()), (session, len(session)));
        assert!(msg.payload.iter().all(|byte| *byte == session as u8));
    }
    let longest = vec![7; MAX_BODY];
    let copy = longest.clone();
    first.probe.run(move |ctx| {
        ctx.send(dest, PTYPE_TEXT, copy).expect("there is a harbor");
    });
    assert!(*far.next().payload == longest[..]);
}

#[test]
fn the_bytes_on_a_link_are_those_of_skynet() {
    let lab = Lab::new(1);
    let mut peer = lab.connect(2, "");
    peer.greeted(1);
    peer.say(&[2]);
    lab.probe.send(FAR, PTYPE_LUA, 0, "hi");
    let Frame::Message { dest, kind, session, source, payload } = peer.next() else { panic!("a ping") };
    assert_eq!((dest, kind, session, source, &*payload), (9, PTYPE_LUA, 0, lab.probe.handle, &b"hi"[..]));
    let local = lab.probe.handle.raw().to_be_bytes();
    // Length, content, source, kind and destination, session; in two pieces.
    let mut frame = vec![0, 0, 0, 14, b'y', b'o', 2, 0, 0, 9, PTYPE_TEXT];
    frame.extend_from_slice(&local[1..]);
    peer.say(&frame);
    peer.say(&[0, 0, 1, 2]);
    let msg = lab.probe.next();
    assert_eq!((msg.kind, msg.session, msg.source, &*msg.payload), (PTYPE_TEXT, 258, FAR, &b"yo"[..]));
}

#[test]
fn a_message_for_nobody_comes_back_as_an_error_unless_it_is_an_answer() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    let nobody = Handle::new(1, 0x7788);
    peer.send(nobody, PTYPE_RESPONSE, 5, FAR, b"x");
    peer.send(nobody, PTYPE_ERROR, 6, FAR, b"");
    peer.send(nobody, PTYPE_LUA, 7, FAR, b"x");
    for session in [7, 0] {
        if session == 0 {
            peer.send(nobody, PTYPE_LUA, 0, FAR, b"x");
        }
        let Frame::Message { dest, kind, session: told, source, payload } = peer.next() else {
            panic!("a ping")
        };
        assert_eq!((dest, kind, told, source), (9, PTYPE_ERROR, session, nobody));
        assert_eq!(*payload, *b"service :01007788 does not exist");
    }
    lab.logged("Unknown destination :1007788 from :2000009 type(10)");
}

#[test]
fn orders_of_a_node_to_itself_are_refused_from_others() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    let text = "N STOLEN";
    for (session, kind) in [(1, PTYPE_HARBOR), (2, PTYPE_SYSTEM), (3, PTYPE_SOCKET)] {
        peer.send(lab.harbor, kind, session, FAR, text.as_bytes());
        let why = format!("messages of type {kind} are refused from other nodes");
        assert_eq!(peer.next_head(), (9, PTYPE_ERROR, session, lab.harbor, why.len()));
        lab.logged(&format!("A message of type {kind} from :2000009"));
    }
    lab.probe.send_name("STOLEN", PTYPE_LUA, 0, "x");
    assert_eq!(lab.slave.next_text(), "Q STOLEN");
}

#[test]
fn a_message_without_a_source_arrives_without_one() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    peer.send(lab.probe.handle, PTYPE_LUA, 0, Handle::NONE, b"x");
    assert_eq!(lab.probe.next_head(), (PTYPE_LUA, 0, Handle::NONE));
}

#[test]
fn the_end_of_a_link_fails_calls_at_once_and_a_new_link_serves_new_ones() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    for session in 1..=3 {
        lab.probe.send(FAR, PTYPE_LUA, session, "ask");
        assert_eq!(peer.next_head().2, session);
    }
    peer.send(lab.probe.handle, PTYPE_RESPONSE, 2, FAR, b"done");
    assert_eq!(lab.probe.next_head(), (PTYPE_RESPONSE, 2, FAR));
    peer.hang_up();
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 1, lab.harbor));
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 3, lab.harbor));
    lab.down(2);
    lab.probe.send(FAR, PTYPE_LUA, 4, "ask");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 4, lab.harbor));
    lab.logged("Drop message to harbor 2");
    let mut peer = lab.link(2);
    // The answer to a call that has failed is one too many.
    peer.send(lab.probe.handle, PTYPE_RESPONSE, 1, FAR, b"late");
    lab.probe.send(FAR, PTYPE_LUA, 5, "ask");
    assert_eq!(peer.next_head().2, 5);
    peer.send(lab.probe.handle, PTYPE_RESPONSE, 5, FAR, b"done");
    assert_eq!(lab.probe.next_head(), (PTYPE_RESPONSE, 5, FAR));
}

#[test]
fn a_call_of_rust_to_a_node_that_dies_fails() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    let call = lab.node.call(FAR, PTYPE_LUA, "ask");
    assert_eq!(peer.next_head().1, PTYPE_LUA);
    peer.hang_up();
    assert!(call.wait_timeout(Duration::from_secs(20)).is_err());
}

#[test]
fn the_slaves_word_ends_a_link_and_what_waits_for_one() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    lab.probe.send(FAR, PTYPE_LUA, 1, "ask");
    lab.probe.send(Handle::new(3, 1), PTYPE_LUA, 2, "waits");
    assert_eq!(peer.next_head().2, 1);
    lab.command(lab.slave.handle, "D 2");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 1, lab.harbor));
    peer.is_closed();
    lab.command(lab.slave.handle, "D 3");
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 2, lab.harbor));
}

#[test]
fn hostile_bytes_cost_their_link_alone() {
    let lab = Lab::new(1);
    let mut good = lab.link(2);
    for (bytes, line) in [
        (&b"\x01\0\0\0"[..], "Message is too long from harbor 3"),
        (b"\xff\xff\xff\xff", "Message is too long from harbor 3"),
        (b"\0\0\0\x05hello", "Message is too long from harbor 3"),
    ] {
        let mut bad = lab.link(3);
        bad.say(bytes);
        bad.is_closed();
        lab.logged(line);
        lab.down(3);
    }
    let mut stranger = lab.connect(3, "");
    stranger.greeted(1);
    stranger.say(b"GET / HTTP/1.1\r\n");
    stranger.is_closed();
    lab.logged("Invalid shakehand id (71) from fd = ");
    lab.down(3);
    let mut again = lab.accept(2, "");
    again.is_closed();
    lab.logged("Harbor 2 alreay exist");
    lab.probe.send(FAR, PTYPE_LUA, 1, "ask");
    assert_eq!(good.next_head().2, 1);
}

#[test]
fn a_peer_that_knows_pings_gets_them_and_is_gone_when_it_is_silent() {
    let mut limits = Limits::default();
    limits.heartbeat = Duration::from_secs(1);
    let lab = Lab::with_limits(1, limits);
    let (mut lively, mut mute) = (lab.accept(2, " h1"), lab.connect(3, " h1"));
    lively.greeted(1);
    mute.greeted(1);
    mute.say(&[3]);
    let begin = Instant::now();
    lab.probe.send(Handle::new(3, 1), PTYPE_LUA, 1, "ask");
    while begin.elapsed() < Duration::from_millis(1100) {
        assert_eq!(lively.next(), Frame::Ping);
        lively.say(&PING);
    }
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 1, lab.harbor));
    lab.down(3);
    mute.is_closed();
    lab.logged("it has been silent for 1 s");
    lab.probe.send(FAR, PTYPE_LUA, 2, "ask");
    while lively.next() == Frame::Ping {}
}

#[test]
fn what_is_too_long_for_a_frame_fails_the_call() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    lab.probe.run(|ctx| {
        let long = || Payload::from(vec![0; MAX_BODY + 1]);
        ctx.send_from(Handle::NONE, FAR, PTYPE_LUA, 1, long()).expect("there is a harbor");
        ctx.send_from(Handle::NONE, FAR, PTYPE_RESPONSE, 2, long()).expect("there is a harbor");
    });
    assert_eq!(lab.probe.next_head(), (PTYPE_ERROR, 1, lab.harbor));
    // Whoever waits for the answer learns that there is none.
    assert_eq!(peer.next_head(), (9, PTYPE_ERROR, 2, lab.probe.handle, 0));
    lab.logged("is longer than the 16777203 bytes that can go to another node");
}

#[test]
fn a_peer_that_reads_nothing_fills_no_memory() {
    let mut limits = Limits::default();
    limits.bytes = 100_000;
    let lab = Lab::with_limits(1, limits);
    let mut peer = lab.link(2);
    let mut session = 0;
    let refused = loop {
        session += 1;
        lab.probe.run(move |ctx| {
            let payload = Payload::from(vec![0; 50_000]);
            ctx.send_from(Handle::NONE, FAR, PTYPE_LUA, session, payload).expect("there is a harbor");
            ctx.send(ctx.handle(), PTYPE_TEXT, "sent").expect("it is alive");
        });
        let msg = lab.probe.next();
        if msg.kind == PTYPE_ERROR {
            break msg.session;
        }
        assert!(session < 10_000, "the system's own room is not endless");
    };
    lab.logged("error: Messages to harbor 2 are refused: it does not take what is sent");
    for expected in 1..refused {
        assert_eq!(peer.next_head().2, expected);
    }
    // There is room again.
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        session += 1;
        lab.probe.send(FAR, PTYPE_LUA, session, "again");
        lab.probe.send(lab.probe.handle, PTYPE_TEXT, 0, "sent");
        if lab.sockets().netstat().iter().all(|socket| socket.waiting == 0) && peer.next_head().4 == 5 {
            break;
        }
        assert!(Instant::now() < end);
    }
}

#[test]
fn what_was_sent_before_the_node_ends_still_goes_out() {
    let lab = Lab::new(1);
    let mut peer = lab.link(2);
    let harbor = lab.harbor;
    lab.probe.run(move |ctx| {
        for session in 1..=200 {
            let payload = Payload::from(vec![0; 100_000]);
            ctx.send_from(Handle::NONE, FAR, PTYPE_RESPONSE, session, payload).expect("there is a harbor");
        }
        ctx.send_from(Handle::NONE, harbor, PTYPE_HARBOR, 201, "N LAST".into()).expect("it is alive");
    });
    assert_eq!(lab.probe.next_head(), (PTYPE_RESPONSE, 201, lab.harbor));
    assert!(lab.node.kill(harbor));
    for session in 1..=200 {
        assert_eq!(peer.next_head().2, session);
    }
    peer.is_closed();
}
