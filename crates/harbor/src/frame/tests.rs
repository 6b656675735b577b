//! Frames of known bytes, and any frames in any pieces.

use proptest::prelude::*;
use skynet_core::{PTYPE_ERROR, PTYPE_LUA};

use super::*;

/// A message as the bytes on a link.
fn encode(dest: Handle, message: &Message) -> Vec<u8> {
    let head = head(message.payload.len()).expect("it fits");
    [&head[..], &message.payload, &trailer(dest, message)].concat()
}

fn frame(dest: u32, kind: u8, session: i32, source: u32, text: &[u8]) -> Frame {
    Frame::Message { dest, kind, session, source: Handle::from_raw(source), payload: text.into() }
}

fn decode(decoder: &mut Decoder, mut input: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameError> {
    while let Some(frame) = decoder.next(&mut input)? {
        frames.push(frame);
    }
    assert!(input.is_empty(), "all is eaten");
    Ok(())
}

#[test]
fn the_bytes_are_those_of_skynet() {
    let message = Message {
        kind: PTYPE_LUA,
        session: 0,
        source: Handle::from_raw(0x0100_0009),
        payload: "hi\x14".into(),
    };
    let bytes = encode(Handle::from_raw(0x0200_0009), &message);
    assert_eq!(bytes, b"\0\0\0\x0fhi\x14\x01\0\0\x09\x0a\0\0\x09\0\0\0\0");
    let error = b"\0\0\0\x0c\x01\0\x12\x34\x07\0\0\x09\0\0\0\x7c";
    let mut frames = Vec::new();
    assert_eq!(decode(&mut Decoder::new(), error, &mut frames), Ok(()));
    assert_eq!(frames, [frame(9, PTYPE_ERROR, 0x7c, 0x0100_1234, b"")]);
}

#[test]
fn lengths_that_no_frame_has_break_the_stream_for_good() {
    for (bytes, error) in [
        (&b"\x01\0\0\0"[..], FrameError::TooLong { len: 1 << 24 }),
        (b"\xff\0\0\x01", FrameError::TooLong { len: 0xff00_0001 }),
        (b"\xff\xff\xff\xff", FrameError::TooLong { len: u32::MAX }),
        (b"\0\0\0\x0b", FrameError::TooShort { len: 11 }),
        (b"\0\0\0\0", FrameError::TooShort { len: 0 }),
    ] {
        let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
        assert_eq!(decode(&mut decoder, &[&PING[..], bytes].concat(), &mut frames), Err(error));
        assert_eq!(decode(&mut decoder, &PING, &mut frames), Err(error));
        assert_eq!(frames, [Frame::Ping]);
    }
}

#[test]
fn the_longest_content_has_a_head_and_one_byte_more_has_not() {
    assert_eq!(head(MAX_BODY), Some([0, 0xff, 0xff, 0xff]));
    assert_eq!(head(MAX_BODY + 1), None);
    assert_eq!(head(usize::MAX), None);
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let content = prop::collection::vec(any::<u8>(), 0..40);
    let message = (0..1_u32 << 24, any::<u8>(), any::<i32>(), any::<u32>(), content);
    prop_oneof![
        1 => Just(Frame::Ping),
        5 => message.prop_map(|(dest, kind, session, source, text)| frame(dest, kind, session, source, &text)),
    ]
}

fn bytes_of(frame: &Frame) -> Vec<u8> {
    match frame.clone() {
        Frame::Ping => PING.to_vec(),
        Frame::Message { dest, kind, session, source, payload } => {
            encode(Handle::new(9, dest), &Message { kind, session, source, payload })
        }
    }
}

proptest! {
    #[test]
    fn any_frames_survive_any_split(
        frames in prop::collection::vec(any_frame(), 0..12),
        cuts in prop::collection::vec(1..50_usize, 1..40),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(bytes_of).collect();
        let (mut decoder, mut seen, mut rest) = (Decoder::new(), Vec::new(), &bytes[..]);
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            prop_assert_eq!(decode(&mut decoder, now, &mut seen), Ok(()));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen, frames);
    }

    #[test]
    fn any_bytes_in_any_split_give_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..200_usize) {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        let once = decode(&mut Decoder::new(), &bytes, &mut whole);
        let mut decoder = Decoder::new();
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        let twice = decode(&mut decoder, first, &mut parts).and_then(|()| decode(&mut decoder, second, &mut parts));
        prop_assert_eq!((once, whole), (twice, parts));
    }
}
