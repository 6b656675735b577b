//! Any bytes in any pieces are frames or an error, and the pieces make no difference; a link that they come on ends, or stays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skynet_core::{Handle, Message};
use skynet_harbor::Limits;
use skynet_harbor::frame::{Decoder, Frame, FrameError, PING, head, trailer};
use skynet_harbor::peers::{Event, Peers, Side};
use skynet_socket::SocketId;

/// What comes out if the stream arrives in pieces of these lengths, again and again.
fn decode(stream: &[u8], lengths: &[u8]) -> (Vec<Frame>, Option<FrameError>) {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for mut piece in pieces(stream, lengths) {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(piece.is_empty());
    }
    (frames, None)
}

fn pieces<'a>(mut stream: &'a [u8], lengths: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut lengths = lengths.iter().cycle();
    std::iter::from_fn(move || {
        // Without lengths all of it is one piece.
        let length = lengths.next().map_or(stream.len(), |length| usize::from(*length).max(1));
        let (piece, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn encode(frame: &Frame) -> Vec<u8> {
    match frame.clone() {
        Frame::Ping => PING.to_vec(),
        Frame::Message { dest, kind, session, source, payload } => {
            let message = Message { kind, session, source, payload };
            let head = head(message.payload.len()).expect("it came in a frame");
            [&head[..], &message.payload, &trailer(Handle::new(1, dest), &message)].concat()
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [count, rest @ ..] = input else { return };
    let (lengths, stream) = rest.split_at(usize::from(*count % 8).min(rest.len()));
    let (frames, error) = decode(stream, &[]);
    assert_eq!(decode(stream, lengths), (frames.clone(), error));

    // What was decoded is the beginning of the stream when it is encoded again.
    let again: Vec<u8> = frames.iter().flat_map(encode).collect();
    assert!(stream.starts_with(&again));

    // A link gives the same messages, behind the id of the peer.
    let (mut peers, socket) = (Peers::new(1, Limits::default()), SocketId::from_raw(7));
    assert!(peers.link(2, socket, Side::Connected, 300, 0));
    peers.ready(socket);
    let mut came = Vec::new();
    for piece in pieces(&[&[2], stream].concat(), lengths) {
        if peers.linked(2).is_none() && peers.is_down(2) {
            break;
        }
        peers.received(socket, piece, |dest, message| came.push((dest.local(), message.session, message.payload)));
    }
    let messages = frames.into_iter().filter_map(|frame| match frame {
        Frame::Message { dest, session, payload, .. } => Some((dest, session, payload)),
        Frame::Ping => None,
    });
    assert!(messages.eq(came));
    assert_eq!(peers.is_down(2), error.is_some());
    let told = std::iter::from_fn(|| peers.event()).filter(|event| *event == Event::Down(2)).count();
    assert_eq!(told, usize::from(error.is_some()));
});
