//! Packages on a stream, against every split of it.

use proptest::prelude::*;
use skynet_socket::framing::{Decoder, FrameError, Header, encode};

fn stream(header: Header, packages: &[Vec<u8>]) -> Vec<u8> {
    packages.iter().flat_map(|package| encode(header, package).expect("it fits").to_vec()).collect()
}

/// What comes out if the stream arrives in these pieces.
fn decode(decoder: &mut Decoder, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut packages = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(package) = decoder.next(&mut piece)? {
            packages.push(package.to_vec());
        }
        assert!(piece.is_empty(), "what is eaten is cut off");
    }
    Ok(packages)
}

fn header() -> impl Strategy<Value = Header> {
    prop_oneof![Just(Header::Two), Just(Header::Four)]
}

proptest! {
    #[test]
    fn any_packages_survive_any_split(
        header in header(),
        packages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let stream = stream(header, &packages);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let mut decoder = Decoder::new(header, 300);
        prop_assert_eq!(decode(&mut decoder, &pieces), Ok(packages));
        prop_assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn any_bytes_are_safe_and_hold_no_more_than_they_are(
        header in header(),
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10),
        max in 0_usize..200,
    ) {
        let mut decoder = Decoder::new(header, max);
        let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        if let Err(error) = decode(&mut decoder, &slices) {
            let FrameError::TooLong { len, max: limit } = error else { panic!("{error}") };
            prop_assert!(len > max && limit == max);
            prop_assert!(decoder.next(&mut &b"more"[..]).is_err());
        }
        prop_assert!(decoder.buffered() <= header.len() + max);
    }
}

#[test]
fn every_split_in_three_gives_the_same() {
    for header in [Header::Two, Header::Four] {
        let packages = vec![b"one".to_vec(), Vec::new(), b"three".to_vec()];
        let stream = stream(header, &packages);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(decode(&mut Decoder::new(header, 5), &pieces).as_ref(), Ok(&packages));
            }
        }
    }
}

#[test]
fn a_great_claim_is_refused_at_its_header() {
    let mut decoder = Decoder::new(Header::Four, 1 << 20);
    let claim = [0xff, 0xff, 0xff, 0xff];
    assert_eq!(
        decode(&mut decoder, &[&claim[..2], &claim[2..]]),
        Err(FrameError::TooLong { len: u32::MAX as usize, max: 1 << 20 })
    );
    assert_eq!(decoder.buffered(), 4);
}

#[test]
fn a_package_as_long_as_allowed_passes() {
    let package = vec![7; u16::MAX as usize];
    let stream = encode(Header::Two, &package).expect("it fits");
    let mut decoder = Decoder::new(Header::Two, usize::MAX);
    assert_eq!(decoder.max_package(), u16::MAX as usize);
    let pieces: Vec<&[u8]> = stream.chunks(1000).collect();
    assert_eq!(decode(&mut decoder, &pieces), Ok(vec![package]));
}
