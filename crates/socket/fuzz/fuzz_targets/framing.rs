//! Any bytes in any pieces are packages or an error, and the pieces make no difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skynet_core::Payload;
use skynet_socket::framing::{Decoder, FrameError, Header, encode};
use skynet_socket::gate::{Breach, Intake, Limits};

/// What comes out if the stream arrives in pieces of these lengths, again and again.
fn decode(header: Header, max: usize, stream: &[u8], lengths: &[u8]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut decoder = Decoder::new(header, max);
    let mut packages = Vec::new();
    for mut piece in pieces(stream, lengths) {
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(package)) => packages.push(package.to_vec()),
                Ok(None) => break,
                Err(error) => return (packages, Some(error)),
            }
        }
        assert!(piece.is_empty() && decoder.buffered() <= header.len() + max);
    }
    (packages, None)
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

fuzz_target!(|input: &[u8]| {
    let [kind, max, count, rest @ ..] = input else { return };
    let header = if kind & 1 == 0 { Header::Two } else { Header::Four };
    let max = usize::from(*max) * if kind & 2 == 0 { 1 } else { 300 };
    let (lengths, stream) = rest.split_at(usize::from(*count % 8).min(rest.len()));
    let (packages, error) = decode(header, max, stream, &[]);
    assert_eq!(decode(header, max, stream, lengths), (packages.clone(), error.clone()));

    // What was decoded is the beginning of the stream when it is encoded again.
    let mut again = Vec::new();
    for package in &packages {
        assert!(package.len() <= max);
        again.extend_from_slice(&encode(header, package).expect("it came with such a header"));
    }
    assert!(stream.starts_with(&again));

    // A gate sees the same, in blocks that it owns.
    let mut limits = Limits::default();
    limits.package = Some(max);
    let mut intake = Intake::new(header, &limits, 0);
    let (mut seen, mut breach) = (Vec::new(), None);
    for piece in pieces(stream, lengths) {
        let fed = intake.feed(Payload::from(piece), 0, &limits, |package| seen.push(package.to_vec()));
        breach = breach.or(fed.err());
    }
    assert_eq!(seen, packages);
    let told = breach.map(|breach| match breach {
        Breach::Package { len, max } => FrameError::TooLong { len, max },
        other => panic!("{other}"),
    });
    assert_eq!(told, error);
});
