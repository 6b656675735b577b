//! The table of nodes, told by hand: each rule by itself, and any events in any order.

use std::time::Duration;

use proptest::prelude::*;
use skynet_core::PTYPE_LUA;

use super::*;
use crate::frame::{self, Decoder, Frame, MAX_BODY};

const OWN: u8 = 1;
const A: Handle = Handle::new(OWN, 10);
const FAR: Handle = Handle::new(2, 20);

fn peers(limits: Limits) -> Peers {
    Peers::new(OWN, limits)
}

fn socket(number: i32) -> SocketId {
    SocketId::from_raw(number)
}

fn request(session: i32) -> Message {
    Message { kind: PTYPE_LUA, session, source: A, payload: "ask".into() }
}

fn message(kind: u8, session: i32, source: Handle, bytes: usize) -> Message {
    Message { kind, session, source, payload: vec![b'x'; bytes].into() }
}

fn encoded(dest: Handle, message: &Message) -> Vec<u8> {
    let head = frame::head(message.payload.len()).expect("it fits");
    [&head[..], &message.payload, &frame::trailer(dest, message)].concat()
}

/// An accepted link to a node, ready.
fn linked(peers: &mut Peers, id: u8, number: i32) {
    assert!(peers.link(id, socket(number), Side::Accepted, 0, 0));
    peers.ready(socket(number));
    assert_eq!(flush(peers), [(number, vec![OWN])]);
    assert_eq!(events(peers), [Event::Start(socket(number))]);
}

fn flush(peers: &mut Peers) -> Vec<(i32, Vec<u8>)> {
    let mut out = Vec::new();
    peers.flush(|socket, parts| {
        out.push((socket.raw(), parts.iter().flat_map(|part| part.to_vec()).collect()));
        0
    });
    out
}

/// All events but lines for the log.
fn events(peers: &mut Peers) -> Vec<Event> {
    let mut events: Vec<Event> = std::iter::from_fn(|| peers.event()).collect();
    events.retain(|event| !matches!(event, Event::Log(_)));
    events
}

fn log(peers: &mut Peers) -> Vec<String> {
    let lines = std::iter::from_fn(|| peers.event()).filter_map(|event| match event {
        Event::Log(line) => Some(line),
        _ => None,
    });
    lines.collect()
}

fn received(peers: &mut Peers, number: i32, bytes: &[u8]) -> Vec<(Handle, Message)> {
    let mut came = Vec::new();
    peers.received(socket(number), bytes, |dest, message| came.push((dest, message)));
    came
}

/// Sessions of the messages in what was sent.
fn sessions(mut bytes: &[u8]) -> Vec<i32> {
    let mut decoder = Decoder::new();
    std::iter::from_fn(|| match decoder.next(&mut bytes) {
        Ok(Some(Frame::Message { session, .. })) => Some(session),
        other => {
            assert_eq!(other, Ok(None));
            None
        }
    })
    .collect()
}

#[test]
fn to_a_node_that_is_alone_all_others_are_down() {
    let mut peers = Peers::new(0, Limits::default());
    for _ in 0..2 {
        let sent = peers.send(FAR, request(1));
        assert!(matches!(sent, Sent::Down { message, first: true } if message.session == 1));
    }
    assert!(peers.is_down(2) && peers.clear().is_empty());
    assert!(!peers.link(2, socket(5), Side::Connected, 0, 0));
    assert_eq!(events(&mut peers), [Event::Close { socket: socket(5), ours: false }]);
}

#[test]
fn without_a_link_messages_wait_in_order_up_to_the_limit_of_each_node() {
    let mut peers = peers(Limits { messages: 2, ..Limits::default() });
    for session in 1..=2 {
        assert!(matches!(peers.send(FAR, request(session)), Sent::Waits));
    }
    let refused = peers.send(Handle::new(2, 8), request(3));
    assert!(matches!(refused, Sent::Refused { message, report: Some(_) } if message.session == 3));
    assert!(matches!(peers.send(Handle::new(3, 8), request(4)), Sent::Waits));
    let out = peers.clear();
    let to =
        |id| out.iter().filter(move |parcel| parcel.dest.harbor() == id).map(|parcel| parcel.message.session);
    assert!(to(2).eq([1, 2]) && to(3).eq([4]));
    assert!(matches!(peers.send(FAR, request(5)), Sent::Waits));
}

#[test]
fn a_link_that_this_node_made_is_up_when_the_peer_has_said_its_id() {
    let mut peers = peers(Limits::default());
    assert!(matches!(peers.send(FAR, request(1)), Sent::Waits));
    assert!(peers.link(2, socket(7), Side::Connected, 0, 0));
    assert_eq!(events(&mut peers), [Event::Start(socket(7))]);
    assert!(flush(&mut peers).is_empty(), "the socket is not ready");
    peers.ready(socket(7));
    assert_eq!(flush(&mut peers), [(7, vec![OWN])]);
    assert!(matches!(peers.send(FAR, request(2)), Sent::Waits));
    let first = encoded(A, &message(PTYPE_LUA, 0, FAR, 3));
    let came = received(&mut peers, 7, &[&[2][..], &first].concat());
    assert!(came.len() == 1 && came[0].0 == A && came[0].1.source == FAR);
    assert!(matches!(peers.send(FAR, request(3)), Sent::Out));
    let out = flush(&mut peers);
    assert!(out.len() == 1 && sessions(&out[0].1) == [1, 2, 3]);
}

#[test]
fn another_id_ends_the_link() {
    let mut peers = peers(Limits::default());
    peers.send(FAR, request(1));
    peers.send(FAR, request(0));
    peers.link(2, socket(7), Side::Connected, 0, 0);
    peers.ready(socket(7));
    events(&mut peers);
    assert!(received(&mut peers, 7, &[3]).is_empty());
    let mut all = std::iter::from_fn(|| peers.event());
    let line = "Invalid shakehand id (3) from fd = 7 , harbor = 2";
    assert_eq!(all.next(), Some(Event::Log(line.to_owned())));
    assert_eq!(all.next(), Some(Event::Close { socket: socket(7), ours: true }));
    let line = "harbor: harbor 2 is gone: 1 calls fail, 1 messages that waited for it are lost";
    assert_eq!(all.next(), Some(Event::Log(line.to_owned())));
    assert_eq!(all.next(), Some(Event::Fail { source: A, session: 1, node: 2 }));
    assert_eq!((all.next(), all.next()), (Some(Event::Down(2)), None));
}

#[test]
fn the_end_of_a_link_fails_its_calls_and_later_ones_until_there_is_another() {
    let mut peers = peers(Limits::default());
    linked(&mut peers, 2, 7);
    for session in 1..=3 {
        peers.send(FAR, request(session));
    }
    flush(&mut peers);
    let answer = encoded(A, &message(PTYPE_RESPONSE, 2, FAR, 1));
    assert_eq!(received(&mut peers, 7, &answer).len(), 1);
    assert!(peers.closed(socket(7)) && !peers.closed(socket(7)));
    let fail = |session| Event::Fail { source: A, session, node: 2 };
    let close = Event::Close { socket: socket(7), ours: true };
    assert_eq!(events(&mut peers), [close, fail(1), fail(3), Event::Down(2)]);
    assert!(peers.is_down(2));
    assert!(matches!(peers.send(FAR, request(4)), Sent::Down { first: true, .. }));
    assert!(matches!(peers.send(FAR, request(5)), Sent::Down { first: false, .. }));
    linked(&mut peers, 2, 8);
    // An answer to a call that has failed is one too many.
    assert!(received(&mut peers, 8, &encoded(A, &message(PTYPE_RESPONSE, 1, FAR, 1))).is_empty());
    assert!(matches!(peers.send(FAR, request(6)), Sent::Out));
}

#[test]
fn messages_that_were_dropped_are_counted_when_the_node_is_back() {
    let mut peers = peers(Limits::default());
    linked(&mut peers, 2, 7);
    peers.closed(socket(7));
    (0..5).for_each(|_| drop(peers.send(FAR, request(0))));
    log(&mut peers);
    peers.link(2, socket(8), Side::Accepted, 0, 0);
    peers.ready(socket(8));
    assert_eq!(log(&mut peers), ["harbor: 5 messages to harbor 2 were dropped while it was down"]);
}

#[test]
fn a_node_that_is_gone_by_the_slaves_word_is_not_told_to_the_slave() {
    let mut peers = peers(Limits::default());
    peers.send(FAR, request(1));
    peers.gone(2);
    assert_eq!(events(&mut peers), [Event::Fail { source: A, session: 1, node: 2 }]);
    assert!(matches!(peers.send(FAR, request(2)), Sent::Down { .. }));
    linked(&mut peers, 2, 7);
    peers.gone(2);
    assert_eq!(events(&mut peers), [Event::Close { socket: socket(7), ours: true }]);
}

#[test]
fn a_second_connection_to_a_node_is_closed() {
    let mut peers = peers(Limits::default());
    linked(&mut peers, 2, 7);
    assert!(!peers.link(2, socket(8), Side::Accepted, 0, 0));
    assert_eq!(peers.event(), Some(Event::Log("Harbor 2 alreay exist".to_owned())));
    assert_eq!(events(&mut peers), [Event::Close { socket: socket(8), ours: false }]);
    assert_eq!(peers.linked(2), Some(socket(7)));
    // The same connection for two nodes stays with the first.
    assert!(!peers.link(3, socket(7), Side::Accepted, 0, 0));
    assert_eq!((events(&mut peers), peers.id_of(socket(7))), (vec![], Some(2)));
    assert!(!peers.link(OWN, socket(9), Side::Accepted, 0, 0));
}

#[test]
fn a_peer_that_does_not_take_what_is_sent_is_given_no_more() {
    let mut peers = peers(Limits { bytes: 1000, ..Limits::default() });
    linked(&mut peers, 2, 7);
    peers.send(FAR, request(1));
    peers.flush(|_, _| 1001);
    assert_eq!(peers.clogged(2), Some(socket(7)));
    assert!(matches!(peers.send(FAR, request(2)), Sent::Refused { report: Some(_), .. }));
    assert!(matches!(peers.send(FAR, request(3)), Sent::Refused { report: None, .. }));
    // Whoever waits for an answer learns that there is none.
    let refused = peers.send(FAR, message(PTYPE_RESPONSE, 9, A, 100));
    assert!(matches!(refused, Sent::Refused { message, .. } if message.payload.len() == 100));
    assert_eq!(flush(&mut peers)[0].1, encoded(FAR, &message(PTYPE_ERROR, 9, A, 0)));
    assert!(peers.clogged(2).is_none(), "it has taken all of it");
    assert!(matches!(peers.send(FAR, request(4)), Sent::Out));
    peers.flush(|_, _| 1001);
    assert!(matches!(peers.send(FAR, request(5)), Sent::Refused { report: Some(_), .. }));
    peers.unclog(2);
    assert!(matches!(peers.send(FAR, request(6)), Sent::Out));
}

#[test]
fn what_no_frame_can_carry_is_refused_and_an_answer_becomes_an_error() {
    let mut peers = peers(Limits::default());
    linked(&mut peers, 2, 7);
    let long = |kind| message(kind, 5, A, MAX_BODY + 1);
    assert!(matches!(peers.send(FAR, long(PTYPE_LUA)), Sent::TooLong(_)));
    assert!(flush(&mut peers).is_empty());
    assert!(matches!(peers.send(FAR, long(PTYPE_RESPONSE)), Sent::TooLong(_)));
    assert_eq!(flush(&mut peers)[0].1, encoded(FAR, &message(PTYPE_ERROR, 5, A, 0)));
    assert!(matches!(peers.send(FAR, message(PTYPE_LUA, 5, A, MAX_BODY)), Sent::Out));
}

#[test]
fn pings_go_to_those_who_know_them_and_silence_ends_the_link() {
    let mut peers = peers(Limits { heartbeat: Duration::from_secs(6), ..Limits::default() });
    for (id, number, heartbeat) in [(2, 7, 300), (3, 8, 0)] {
        peers.link(id, socket(number), Side::Accepted, heartbeat, 0);
        peers.ready(socket(number));
        flush(&mut peers);
    }
    events(&mut peers);
    assert_eq!(peers.next_tick(), Some(100));
    peers.tick(100);
    assert!(flush(&mut peers).is_empty(), "the greeting was a sign of life");
    peers.tick(200);
    assert_eq!(flush(&mut peers), [(7, frame::PING.to_vec())]);
    assert!(received(&mut peers, 7, &frame::PING).is_empty());
    (300..=1000).step_by(100).for_each(|now| peers.tick(now));
    assert_eq!(events(&mut peers), [Event::Close { socket: socket(7), ours: true }, Event::Down(2)]);
    assert_eq!(peers.linked(3), Some(socket(8)), "a node of C skynet may be silent");
}

#[test]
fn a_greeting_that_does_not_come_ends_the_link() {
    let mut peers = peers(Limits::default());
    peers.link(2, socket(7), Side::Connected, 0, 50);
    peers.link(3, socket(8), Side::Connected, 0, 60);
    peers.ready(socket(8));
    assert_eq!(peers.next_tick(), Some(1050));
    peers.tick(1050);
    let start = |number| Event::Start(socket(number));
    let close = |number, ours| Event::Close { socket: socket(number), ours };
    assert_eq!(events(&mut peers), [start(7), start(8), close(7, false), Event::Down(2)]);
    peers.tick(1060);
    assert_eq!(events(&mut peers), [close(8, true), Event::Down(3)]);
}

#[test]
fn data_of_unknown_connections_is_reported() {
    let mut peers = peers(Limits::default());
    assert!(received(&mut peers, 99, b"x").is_empty());
    assert_eq!(log(&mut peers), ["Invalid socket fd (99) data"]);
}

#[derive(Debug, Clone)]
enum Step {
    Send { node: u8, session: bool },
    Link { node: u8, connected: bool },
    Ready(usize),
    Bytes(usize, Vec<u8>),
    Answer(usize),
    Close(usize),
    Gone(u8),
    Tick(u64),
    Flush,
}

fn any_step() -> impl Strategy<Value = Step> {
    let node = 0..5_u8;
    prop_oneof![
        4 => (node.clone(), any::<bool>()).prop_map(|(node, session)| Step::Send { node, session }),
        2 => (node.clone(), any::<bool>()).prop_map(|(node, connected)| Step::Link { node, connected }),
        3 => (0..9_usize).prop_map(Step::Ready),
        2 => (0..9_usize, prop::collection::vec(0..5_u8, 1..20)).prop_map(|(at, bytes)| Step::Bytes(at, bytes)),
        2 => (0..9_usize).prop_map(Step::Answer),
        1 => (0..9_usize).prop_map(Step::Close),
        1 => node.prop_map(Step::Gone),
        1 => (1..2000_u64).prop_map(Step::Tick),
        2 => Just(Step::Flush),
    ]
}

proptest! {
    /// Whatever happens in whatever order: each request fails, is answered, waits or is under way, and just one of these; a
    /// connection is closed once; and no more waits than may.
    #[test]
    fn any_order_of_events_loses_no_request(steps in prop::collection::vec(any_step(), 1..80)) {
        let mut peers = peers(Limits { messages: 3, ..Limits::default() });
        let (mut sockets, mut closed) = (Vec::new(), Vec::new());
        let (mut session, mut open, mut now) = (0, Vec::new(), 0);
        for step in steps {
            match step {
                Step::Send { node, session: asks } if node > OWN => {
                    session += i32::from(asks);
                    let message = request(if asks { session } else { 0 });
                    match peers.send(Handle::new(node, 5), message) {
                        Sent::Out | Sent::Waits if asks => open.push((session, node)),
                        _ => {}
                    }
                }
                Step::Send { .. } => {}
                Step::Link { node, connected } => {
                    let number = sockets.len() as i32 + 1;
                    sockets.push((number, node));
                    let side = if connected { Side::Connected } else { Side::Accepted };
                    peers.link(node, socket(number), side, 300, now);
                }
                Step::Ready(at) => sockets.get(at).into_iter().for_each(|(number, _)| peers.ready(socket(*number))),
                Step::Bytes(at, bytes) => {
                    if let Some((number, _)) = sockets.get(at) {
                        for (_, message) in received(&mut peers, *number, &bytes) {
                            prop_assert!(!matches!(message.kind, PTYPE_RESPONSE | PTYPE_ERROR));
                        }
                    }
                }
                Step::Answer(at) => {
                    if let Some((number, node)) = sockets.get(at)
                        && peers.linked(*node) == Some(socket(*number))
                        && let Some(last) = open.iter().find(|(_, to)| to == node).map(|(session, _)| *session)
                    {
                        let answer = encoded(A, &message(PTYPE_RESPONSE, last, Handle::new(*node, 5), 2));
                        for (dest, message) in received(&mut peers, *number, &answer) {
                            if (dest, message.kind, message.session) == (A, PTYPE_RESPONSE, last) {
                                open.retain(|(waits, _)| *waits != last);
                            }
                        }
                    }
                }
                Step::Close(at) => {
                    if let Some((number, _)) = sockets.get(at) {
                        peers.closed(socket(*number));
                    }
                }
                Step::Gone(node) => peers.gone(node),
                Step::Tick(more) => {
                    now += more;
                    peers.tick(now);
                }
                Step::Flush => drop(flush(&mut peers)),
            }
            while let Some(event) = peers.event() {
                match event {
                    Event::Fail { source, session, .. } => {
                        prop_assert_eq!(source, A);
                        let before = open.len();
                        open.retain(|(waits, _)| *waits != session);
                        prop_assert_eq!(open.len() + 1, before, "session {} fails once", session);
                    }
                    Event::Close { socket, .. } => {
                        prop_assert!(!closed.contains(&socket));
                        closed.push(socket);
                    }
                    _ => {}
                }
            }
        }
        // At the end of all nodes nothing is open.
        (0..=4).for_each(|node| peers.gone(node));
        while let Some(event) = peers.event() {
            if let Event::Fail { session, .. } = event {
                open.retain(|(waits, _)| *waits != session);
            }
        }
        prop_assert!(open.is_empty(), "{:?} were lost", open);
        prop_assert!(peers.clear().is_empty() && peers.next_tick().is_none());
    }
}
